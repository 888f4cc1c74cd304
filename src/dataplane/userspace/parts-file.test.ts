// The mapped words of a user-space bond: their file has its whole room on the disk from the start.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mapState } from './parts-file.js';
import { SHARED_BYTES } from './shared-state.js';

test('no page of a new file is left to be found room for when it is touched', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bondwire-parts-'));
  try {
    const file = join(folder, 'bond.state');
    mapState(file, true).unmap();
    const { size, blocks } = statSync(file);
    expect(size).toBe(SHARED_BYTES);
    expect(512 * blocks).toBeGreaterThanOrEqual(SHARED_BYTES);
    mapState(file, false).unmap();
    expect(statSync(file).size).toBe(SHARED_BYTES);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
