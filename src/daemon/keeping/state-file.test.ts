// The state file as a whole: what is written of each bond, and when.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Step, undoOf } from '../apply/steps.js';
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

test('What undoes a file that is being carried out is kept, whole, and gone with the file', () => {
  const file = new StateFile(runDir, '4026531840');
  const described = { addresses: [], routes: [], members: [], options: ['mode'] };
  const steps: readonly Step[] = undoOf([
    { kind: 'keep', bond: 'b0', had: { addresses: [], routes: [] }, active: 'e0' },
    { kind: 'describe', bond: 'b0', to: described, from: described },
    { kind: 'options', bond: 'b0', to: { miimon: '50' }, from: { miimon: '100' } },
    { kind: 'link', bond: 'b0', to: { mtu: 1400 }, from: { mtu: 1500, address: '02:00:00:00:00:01' } },
    { kind: 'up', bond: 'b0' },
    { kind: 'join', bond: 'b0', members: ['e0'], takeDown: true, takeAddresses: false, isUp: false },
    { kind: 'member-option', bond: 'b0', option: 'prio', to: 'e0:3', from: 'e0:0' },
    { kind: 'add-addresses', bond: 'b0', addresses: ['192.0.2.1/24'] },
    { kind: 'remove-addresses', bond: 'b0', addresses: ['192.0.2.2/24'] },
    {
      kind: 'leave',
      bond: 'b0',
      members: [{ name: 'e1', forget: true, options: { prio: '7' } }],
      awaited: [],
      wanted: [{ name: 'e2', takeDown: true, takeAddresses: false, options: {} }],
    },
    { kind: 'remove-routes', bond: 'b0', routes: [{ to: 'default', via: '192.0.2.9', onLink: true }] },
    {
      kind: 'add-routes',
      bond: 'b0',
      routes: [],
      added: [{ to: 'default', via: '192.0.2.8' }],
      eachAlone: false,
    },
    { kind: 'create', bond: 'b1', options: {} },
  ]);
  expect(new Set(steps.map(({ kind }) => kind)).size).toBe(15);
  file.save([counting('a')], undefined, steps);
  expect(file.load()).toMatchObject({ isOurs: true, applying: steps });
  file.save([counting('a')]);
  expect(file.load()).not.toHaveProperty('applying');
  for (const damaged of [
    { kind: 'nothing', bond: 'b0' },
    { kind: 'rejoin', bond: 'b0', members: 'e0' },
  ]) {
    file.save([counting('a')], undefined, [damaged as unknown as Step]);
    expect(file.load().problem).toMatch(/applying/);
  }
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
