// `bondwire lab` against a lab of this process; needs root.
import { afterEach, expect, test } from 'vitest';
import { Lab } from './lab.js';
import { labCommand } from './lab-command.js';
import { announce, runningLabs, withdraw } from './running-labs.js';

afterEach(() => withdraw(process.pid));

/** The command on the lab of this process: others may run at the same time. */
async function run(verb: 'cut' | 'restore' | 'status', iface?: string) {
  let text = '';
  const write = (chunk: string): void => {
    text += chunk;
  };
  const mine = runningLabs().filter(one => one.pid === process.pid);
  return { status: await labCommand(verb, iface, write, mine), text };
}

test('labCommand() cuts, restores and tells, and refuses what is not there', async () => {
  const lab = await Lab.create();
  try {
    announce({ pid: process.pid, host: lab.host, switch: lab.switch, cables: lab.cables });
    expect(runningLabs().map(one => one.pid)).toContain(process.pid);
    expect(await run('cut', 'eth0')).toEqual({ status: 0, text: 'The cable of eth0 is cut.\n' });
    expect(lab.isCut('eth0')).toBe(true);
    expect((await run('status')).text).toMatch(
      /host in namespace bw\d+h.*\neth0 {2}cut\neth1 {2}plugged in\n$/,
    );
    expect(await run('restore', 'eth0')).toMatchObject({ status: 0 });
    expect(lab.isCut('eth0')).toBe(false);
    expect(await run('cut', 'eth5')).toEqual({
      status: 1,
      text: 'The lab has no interface eth5; it has eth0 and eth1.\n',
    });
    expect(await run('cut')).toEqual({ status: 2, text: 'Say which cable: eth0 or eth1.\n' });
  } finally {
    lab.close();
  }
});

test('runningLabs() forgets labs of dead processes', () => {
  const pid = 2 ** 22 + 1;
  announce({ pid, host: 'bw1h', switch: 'bw1s', cables: {} });
  expect(runningLabs().map(one => one.pid)).not.toContain(pid);
});
