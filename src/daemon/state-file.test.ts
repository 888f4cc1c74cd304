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
        bondIfindex: 1,
        lowerIfindex: 2,
        pins: 'bwl-00000000',
        policy: { version: 1, state: {} } as unknown as SavedRunner['policy'],
        ending: false,
        members: [],
        taken: [],
        filters: [],
      };
    },
  };
}

test('StateFile asks all bonds, or the one that changed; a bond that is new is asked in any case', () => {
  const file = new StateFile(runDir, '4026531840');
  const [first, second, third] = [counting('a'), counting('b'), counting('c')];
  const names = (): string[] => file.load().bonds.map(({ name }) => name);
  file.save([first, second]);
  expect(names()).toEqual(['a-1', 'b-1']);
  file.save([first, second], second);
  expect(names()).toEqual(['a-1', 'b-2']);
  file.save([first, second, third], first);
  expect(names()).toEqual(['a-2', 'b-2', 'c-1']);
  file.save([third], second);
  expect(names()).toEqual(['c-1']);
  file.save([]);
  expect(file.load()).toEqual({ bonds: [], isOurs: true });
});
