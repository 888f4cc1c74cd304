// Programs are loaded on a kernel whose verifier gives up at each signal. Needs root and BPF.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const TOOLBOX = fileURLToPath(new URL('../../../dist/dataplane/ebpf/toolbox.js', import.meta.url));

test.runIf(process.getuid?.() === 0)('eBPF works in a process that gets signals all the time', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bw-signals-'));
  try {
    // A profiler sends SIGPROF every half millisecond; the verifier takes several.
    const script = `
      import { Toolbox } from ${JSON.stringify(TOOLBOX)};
      for (let i = 0; i < 10; i++) Toolbox.probe();
      process.stdout.write('loaded');`;
    const profiled = ['--cpu-prof', '--cpu-prof-interval', '500', '--cpu-prof-dir', directory];
    const printed = execFileSync(process.execPath, [...profiled, '--input-type=module', '-e', script], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    expect(printed).toBe('loaded');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
