// The state file as a whole: what is written of each bond, and when.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Savable, type SavedRunner, StateFile } from './state-file.js';

const runDir = mkdtempSync(join(tmpdir(), 'bw-state-'));
afterEach(() => rmSync(runDir, { recursive: true, force: true }));

/** A bond that counts how often it was asked; its name says so. */
function counting(name: string): Savable & { asked: number } {
  return {
    asked: 0,
    saved() {
      this.asked += 1;
      return {
        name: `${name}-${this.asked}`,
        policy: { version: 1, state: {} } as unknown as SavedRunner['policy'],
        ending: false,
        members: [],
        taken: [],
      };
    },
    host: { saved: () => ({ bondIfindex: 1, lowerIfindex: 2, pins: 'bwl-00000000', filters: [] }) },
  };
}

test('StateFile asks all bonds, or the one that changed; a bond that is new is asked in any case', () => {
  const file = new StateFile(runDir, '4026531840');
  const [first, second, third] = [counting('a'), counting('b'), counting('c')];
  const names = (): string[] => file.load().bonds.map(({ name }) => name);
  file.save([first, second]);
  expect(names()).toEqual(['a-1', 'b-1']);
  file.save([first, second], new Set([second]));
  expect(names()).toEqual(['a-1', 'b-2']);
  file.save([first, second, third], new Set([first]));
  expect(names()).toEqual(['a-2', 'b-2', 'c-1']);
  file.save([third], new Set([second]));
  expect(names()).toEqual(['c-1']);
  file.save([]);
  expect(file.load()).toEqual({ bonds: [], isOurs: true });
});

test('What was written in a namespace that is gone is not of the one that has its inode by now', () => {
  new StateFile(runDir, '4026531840', '17').save([counting('a')]);
  const load = (netns: string, cookie?: string) => new StateFile(runDir, netns, cookie).load();
  expect(load('4026531840', '17')).toMatchObject({ bonds: [{ name: 'a-1' }], isOurs: true });
  expect(load('4026531840', '18')).toEqual({ bonds: [], isOurs: false });
  // A kernel without cookies, and a file of a Bondwire that did not write them.
  expect(load('4026531840')).toMatchObject({ bonds: [{ name: 'a-1' }] });
  new StateFile(runDir, '4026531840').save([counting('b')]);
  expect(load('4026531840', '18')).toMatchObject({ bonds: [{ name: 'b-1' }] });
  // One that lives has another inode.
  expect(load('4026531841', '17').problem).toMatch(/belongs to a daemon in another network namespace/);
});
