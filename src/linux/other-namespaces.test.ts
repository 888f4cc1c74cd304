// Other namespaces are looked into one by one, each once and not the own one, and nothing of the looking stays. Needs root.
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SystemError } from './errors.js';
import { createVeth, listLinks } from './links.js';
import { currentNetnsId, withNetns } from './netns.js';
import { inOtherNamespaces, linksElsewhere } from './other-namespaces.js';
import { inScratchNetns, isRoot } from './testing.js';

const EPERM = 1;
const EIO = 5;

const openFiles = (): number => readdirSync('/proc/self/fd').length;

describe.runIf(isRoot)('inOtherNamespaces()', () => {
  test('enters each once, but not the own one, and comes back', () => {
    inScratchNetns((_first, path) =>
      inScratchNetns(netlink => {
        const own = currentNetnsId();
        createVeth(netlink, {
          name: 'bwelse0',
          peerName: 'bwelse1',
          mtu: 1500,
          numTxQueues: 1,
          peerNumTxQueues: 1,
        });
        const other = withNetns(path, () => currentNetnsId());
        const before = openFiles();
        const entered = inOtherNamespaces(({ netns, netlink: there, ourId }) => [
          { netns, isIn: currentNetnsId() === netns, links: listLinks(there).length, ourId: ourId() },
        ]);
        const visited = entered.map(({ netns }) => netns);
        expect(visited).not.toContain(own);
        expect(new Set(visited).size).toBe(visited.length);
        expect(entered.filter(({ netns }) => netns === other)).toEqual([
          { netns: other, isIn: true, links: 1, ourId: -1 },
        ]);
        expect(currentNetnsId()).toBe(own);
        expect(openFiles()).toBe(before);
        const seen = (isWanted: boolean) =>
          linksElsewhere(() => isWanted).find(({ netns }) => netns === other)?.links;
        expect(seen(true)).toHaveLength(1);
        expect(seen(false)).toEqual([]);
      }),
    );
  });

  test('one that must not be asked has nothing; what else fails is thrown, and no file stays open', () => {
    inScratchNetns((_first, path) => {
      const bad = withNetns(path, () => currentNetnsId());
      inScratchNetns(() => {
        const before = openFiles();
        const failing = (errno: number) => (): number[] =>
          inOtherNamespaces(({ netns }) => {
            if (netns === bad) throw new SystemError('dump', errno);
            return [netns];
          });
        expect(failing(EPERM)()).not.toContain(bad);
        expect(failing(EIO)).toThrow(SystemError);
        expect(openFiles()).toBe(before);
      });
    });
  });
});
