// Options that one version has and another has not: a state file of either is read by both.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as OptionTable from '../../policy/options/option-table.js';
import type { SavedRunner } from './state-file.js';

const NETNS = '4026531840';
const TABLE = '../../policy/options/option-table.js';
let runDir = '';

beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'bw-later-'));
});
afterEach(() => {
  vi.doUnmock(TABLE);
  rmSync(runDir, { recursive: true, force: true });
});

/** The program of this version, or of one with more options. */
async function program(more: readonly { readonly name: string; readonly initial: number }[] = []) {
  vi.resetModules();
  vi.doMock(TABLE, async importOriginal => {
    const { OPTION_ROWS } = await importOriginal<typeof OptionTable>();
    const pattern = OPTION_ROWS.find(({ name }) => name === 'resend_igmp');
    return { OPTION_ROWS: [...OPTION_ROWS, ...more.map(row => ({ ...pattern, ...row }))] };
  });
  const { Bond } = await import('../../policy/bond.js');
  const { StateFile, loadState } = await import('./state-file.js');
  const numbersOf = (saved: SavedRunner['policy']): Record<string, number> => saved.state.numbers;
  return {
    create(): void {
      const made = Bond.create({
        name: 'bond0',
        address: '02:00:00:00:00:01',
        addressIsRandom: true,
        mtu: 1500,
        options: [
          ['mode', 'active-backup'],
          ['miimon', '50'],
        ],
      });
      if (!made.ok) throw new Error(made.error.message);
      const saved = {
        name: 'bond0',
        bondIfindex: 7,
        lowerIfindex: 6,
        pins: 'bwl-00000000',
        policy: made.value.save(0),
        ending: false,
        members: [],
        taken: [],
        filters: [],
      };
      new StateFile(runDir, NETNS).save([{ saved: () => saved, host: { saved: () => saved } }]);
    },
    /** What a daemon that starts reads, carries on, and would write again. */
    restart() {
      const { bonds, problem } = loadState(runDir, NETNS);
      expect(problem).toBeUndefined();
      const policy = bonds[0]?.policy;
      if (policy === undefined) throw new Error('no bond was read');
      const bond = Bond.restore(policy, 0);
      return { shown: bond.snapshot().options, numbers: numbersOf(bond.save(0)) };
    },
  };
}

test('an option that a later version added has its default in the state of an earlier one', async () => {
  (await program()).create();
  const later = await program([{ name: 'later_option', initial: 5 }]);
  expect(later.restart()).toMatchObject({
    shown: { later_option: 5, miimon: 50, resend_igmp: 1 },
    numbers: { later_option: 5, miimon: 50, resend_igmp: 1 },
  });
});

test('an option that only a later version knows is kept for it, and not shown', async () => {
  (await program([{ name: 'later_option', initial: 5 }])).create();
  const { shown, numbers } = (await program()).restart();
  expect(shown).not.toHaveProperty('later_option');
  expect(shown).toMatchObject({ miimon: 50 });
  expect(numbers).toMatchObject({ later_option: 5, miimon: 50 });
});
