// One system call fails while a bond is destroyed or a member released: nothing stays behind, whichever it was. Needs root, strace, ip
// and tc; part of test:all.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { closeStages, ended, Stage, until } from './support/stage.js';

afterEach(closeStages);

/** Calls of a destruction or release that are tried, one after another; not each, for the time that takes. */
const CALLS = [1, 2, 3, 5, 8, 11, 14, 17];

/** What hangs on the members, and which interfaces there are. */
async function machine(stage: Stage): Promise<unknown> {
  const links = JSON.parse(await stage.ip('-j', 'link')) as Record<string, unknown>[];
  const filters = await Promise.all(
    stage.lab.members.map(async name => [
      // The kernel's own, which an interface has once it was up, is no leftover.
      (await stage.run('host', 'tc', 'qdisc', 'show', 'dev', name)).replace(/^qdisc noqueue .*\n/gm, ''),
      await stage.run('host', 'tc', 'filter', 'show', 'dev', name, 'ingress').catch(() => ''),
    ]),
  );
  return { links: links.map(({ ifname, address, mtu }) => ({ ifname, address, mtu })), filters };
}

/** Has the nth call of the daemon's fail from now on. */
async function inject(stage: Stage, nth: number): Promise<ChildProcess> {
  const pid = String(stage.bondwire.pid);
  const what = `sendto:error=ENOMEM:when=${nth}`;
  const tracer = spawn('strace', [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=sendto',
    '-e',
    `inject=${what}`,
    '-p',
    pid,
  ]);
  await until(
    'strace has hold of it',
    () => !/TracerPid:\t0\n/.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
  );
  // Its threads are taken one after the other.
  await new Promise(resolve => setTimeout(resolve, 100));
  return tracer;
}

describe.each(['ebpf', 'userspace'])('data_plane=%s', plane => {
  test.each(['destroy', 'release'])(
    '%s',
    async how => {
      const stage = await Stage.open();
      const before = await machine(stage);
      const interfaces = [...stage.lab.members];
      for (const nth of CALLS) {
        await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', data_plane: plane } });
        await stage.api.enslave('bond0', { interfaces });
        const tracer = await inject(stage, nth);
        try {
          if (how === 'release') await stage.api.release('bond0', { interfaces }).catch(() => {});
          else await stage.api.destroy('bond0').catch(() => {});
        } finally {
          await ended(tracer, 'SIGINT');
        }
        if (how === 'release') await stage.api.destroy('bond0');
        expect(await machine(stage), `call ${nth}`).toEqual(before);
        expect(readdirSync(stage.runDir).filter(name => name.startsWith('bwl-'))).toEqual([]);
      }
    },
    240_000,
  );
});
