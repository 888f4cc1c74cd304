// Parts of the files of the driver's form: a look that finds nothing new gives the very objects of the one before.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createBond } from '../../policy/index.js';
import type { BondRunner } from '../bond-runner.js';
import { BondTrees } from './bond-trees.js';
import { SystemLinks } from './system-links.js';

let sys: string;

beforeEach(() => {
  sys = mkdtempSync(join(tmpdir(), 'bw-trees-'));
  mkdirSync(`${sys}/class/net`, { recursive: true });
  mkdirSync(`${sys}/devices/bond0`, { recursive: true });
  writeFileSync(`${sys}/devices/bond0/ifindex`, '7\n');
  symlinkSync('../../devices/bond0', `${sys}/class/net/bond0`);
});

afterEach(() => rmSync(sys, { recursive: true }));

/** A bond as far as it is shown, and what sets an option of it without any news. */
function runner(): { bond: BondRunner; set: (option: string, value: string) => void } {
  const wish = {
    name: 'bond0',
    address: '02:00:00:00:00:01',
    addressIsRandom: false,
    mtu: 1500,
    options: [],
  };
  const made = createBond(wish);
  if (!made.ok) throw new Error(made.error.message);
  const policy = made.value;
  const bond = { name: 'bond0', policy, plane: { bondIfindex: 7 } } as unknown as BondRunner;
  return { bond, set: (option, value) => void policy.handle({ kind: 'set-option', option, value }, 1) };
}

const MIIMON = 'sys/class/net/bond0/bonding/miimon';

test('a part is the same object until something of it changed, found by news or without', () => {
  const { bond, set } = runner();
  const trees = new BondTrees(new SystemLinks(sys));
  const look = () => trees.all([bond])[0];
  const first = look();
  expect(first?.get('sys/class/net/bond0/ifindex')).toEqual({ link: `${sys}/devices/bond0/ifindex` });
  trees.anew();
  expect(look()).toBe(first);
  trees.changed(bond);
  trees.told({ ifindex: 7 });
  expect(look()).toBe(first);

  set('miimon', '250');
  expect(look()).toBe(first);
  trees.anew();
  const second = look();
  expect(second).not.toBe(first);
  expect(second?.get(MIIMON)).toEqual({ text: '250\n' });
});

test('a file that comes to /sys without news is found when all is forgotten, and what is the same stays then', () => {
  const { bond } = runner();
  const trees = new BondTrees(new SystemLinks(sys));
  const look = () => trees.all([bond])[0];
  const first = look();
  const sweeps = (): void => {
    for (let i = 0; i < 12; i++) {
      trees.anew();
      look();
    }
  };
  sweeps();
  expect(look()).toBe(first);
  writeFileSync(`${sys}/devices/bond0/late`, '');
  sweeps();
  expect(look()?.has('sys/class/net/bond0/late')).toBe(true);
});
