import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { getLink } from './links.js';
import {
  createNamedNetns,
  currentNetnsCookie,
  currentNetnsId,
  deleteNamedNetns,
  listNamedNetns,
  netnsPath,
  spawnInNetns,
  withNetns,
} from './netns.js';
import { readSysctl, writeSysctl } from './sysctl.js';
import { inScratchNetns, isRoot, scratchName } from './testing.js';
import { createVeth } from './links.js';

describe.skipIf(!isRoot)('named namespaces, which needs root', () => {
  test('createNamedNetns() makes what `ip netns` makes, with the loopback up', () => {
    const name = scratchName();
    const home = currentNetnsId();
    try {
      const path = createNamedNetns(name);
      expect(currentNetnsId()).toBe(home);
      expect(listNamedNetns()).toContain(name);
      expect(withNetns(path, currentNetnsId)).not.toBe(home);
      expect(withNetns(path, currentNetnsCookie)).not.toBe(currentNetnsCookie());
      expect(currentNetnsCookie()).toBe(currentNetnsCookie());
      expect(() => createNamedNetns(name)).toThrow('EEXIST');
      expect(execFileSync('ip', ['netns', 'exec', name, 'ip', '-br', 'link'], { encoding: 'utf8' })).toMatch(
        /^lo +UNKNOWN /,
      );
    } finally {
      expect(deleteNamedNetns(name)).toBe(true);
    }
    expect(deleteNamedNetns(name)).toBe(false);
    expect(existsSync(netnsPath(name))).toBe(false);
  });

  test('withNetns() comes back when the function throws, and refuses an async one', () => {
    const home = currentNetnsId();
    inScratchNetns((_, path) => {
      const inside = currentNetnsId();
      expect(() => withNetns('/proc/1/nothing', () => 1)).toThrow('ENOENT');
      expect(() =>
        withNetns(path, () => {
          throw new Error('mine');
        }),
      ).toThrow('mine');
      expect(() => withNetns(path, () => Promise.resolve(1))).toThrow('async');
      expect(currentNetnsId()).toBe(inside);
    });
    expect(currentNetnsId()).toBe(home);
  });

  test('spawnInNetns() starts the program inside', async () => {
    const name = scratchName();
    const path = createNamedNetns(name);
    try {
      const child = spawnInNetns(path, 'readlink', ['/proc/self/ns/net'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let text = '';
      child.stdout?.on('data', chunk => {
        text += String(chunk);
      });
      await new Promise(resolve => {
        child.on('close', resolve);
      });
      expect(text.trim()).toBe(`net:[${withNetns(path, currentNetnsId)}]`);
    } finally {
      deleteNamedNetns(name);
    }
  });

  test('netnsPath() refuses what is no name', () => {
    for (const name of ['', '.', '..', 'a/b']) expect(() => netnsPath(name)).toThrow(TypeError);
  });
});

describe.skipIf(!isRoot)('sysctl, which needs root', () => {
  test('settings of an interface whose name has dots', () => {
    inScratchNetns(netlink => {
      createVeth(netlink, { name: 'bw.1.2', peerName: 'bwb' });
      expect(getLink(netlink, 'bw.1.2')?.name).toBe('bw.1.2');
      expect(readSysctl('ipv6', 'bw.1.2', 'disable_ipv6')).toBe('0');
      expect(writeSysctl('ipv6', 'bw.1.2', 'disable_ipv6', '1')).toBe(true);
      expect(readSysctl('ipv6', 'bw.1.2', 'disable_ipv6')).toBe('1');
      expect(readSysctl('ipv4', 'bw.1.2', 'forwarding')).toBe('0');
    });
  });

  test('what is not there is undefined, what is no name is refused, a refused value says which', () => {
    inScratchNetns(() => {
      expect(readSysctl('ipv6', 'bwnone', 'disable_ipv6')).toBeUndefined();
      expect(readSysctl('ipv6', 'lo', 'no_such_setting')).toBeUndefined();
      expect(writeSysctl('ipv6', 'bwnone', 'disable_ipv6', '1')).toBe(false);
      expect(() => readSysctl('ipv6', '..', 'x')).toThrow('EINVAL');
      expect(() => writeSysctl('ipv6', 'a/b', 'x', '1')).toThrow('EINVAL');
      expect(() => writeSysctl('ipv6', 'lo', 'disable_ipv6', 'x')).toThrow('write of "x"');
    });
  });
});
