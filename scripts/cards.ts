// `npm run test:cards`: bonds of two emulated network cards of each kind in a guest, by the kernel's driver and by Bondwire with the
// same script. Says what was seen, and ends with 1 when ours failed where the driver did not.
//   npm run test:cards -- [--kernel 6.12|6.1] [--arms driver,ebpf,userspace] [--items joins,vlan,…|sleep] [--bond OPTION=VALUE] [--record] [MODEL[:ITEMS[:ARMS]]…]
// A kind is named once for two cards of it, or as MODEL+MODEL for two kinds; it may have items and arms of its own. --record writes test/golden/cards.json and docs/cards.md.
import { parseArgs } from 'node:util';
import { CARD_MODELS, CardGuest, type CardModel, type GuestKernel } from '#lab';
import { Arm, ARM_NAMES, type ArmName } from '#arms';
import { ITEMS } from './card-items.js';
import { Peer } from '#arms';
import { type Cell, recordCells } from './cards-page.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kernel: { type: 'string', default: '6.12' },
    arms: { type: 'string', default: 'driver,ebpf' },
    items: {
      type: 'string',
      default: Object.keys(ITEMS)
        .filter(item => item !== 'sleep')
        .join(),
    },
    bond: { type: 'string', multiple: true, default: [] },
    record: { type: 'boolean', default: false },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

const isModel = (name: string): name is CardModel => name in CARD_MODELS;
const isArm = (name: string): name is ArmName => (ARM_NAMES as readonly string[]).includes(name);
const isKernel = (name: string): name is GuestKernel => name === '6.1' || name === '6.12';

/** `e1000`, or `virtio-net-pci+e1000`. */
function pairOf(wish: string): [CardModel, CardModel] {
  const [a = '', b = a] = wish.split('+');
  if (!isModel(a) || !isModel(b))
    fail(`There is no card ${wish}; there are ${Object.keys(CARD_MODELS).join(', ')}.`);
  return [a, b];
}

const { kernel } = values;
if (!isKernel(kernel)) fail(`There is no kernel ${kernel}; it is 6.12 or 6.1.`);
function itemsOf(wish: string): string[] {
  const items = wish.split(',');
  for (const item of items)
    if (ITEMS[item] === undefined)
      fail(`There is no item ${item}; there are ${Object.keys(ITEMS).join(', ')}.`);
  return items;
}
const options = Object.fromEntries(
  values.bond.map(text => {
    const [option = '', value] = text.split('=');
    return [option, value ?? fail(`--bond has OPTION=VALUE, not ${text}.`)];
  }),
);
const armsOf = (wish: string): ArmName[] =>
  wish
    .split(',')
    .map(name => (isArm(name) ? name : fail(`There is no arm ${name}; there are ${ARM_NAMES.join(', ')}.`)));
const wishes = positionals.length > 0 ? positionals : Object.keys(CARD_MODELS);
const trials = wishes.map(wish => {
  const [pair = '', items = values.items, arms = values.arms] = wish.split(':');
  return { pair, models: pairOf(pair), items: itemsOf(items), arms: armsOf(arms) };
});
// A guest that sleeps lives in memory, and has no modules that it could load.
const sleeps = trials.some(({ items }) => items.includes('sleep'));
if (sleeps && trials.some(({ items }) => items.length > 1))
  fail('The item sleep is run alone: its guest can load no kernel modules.');

const began = performance.now();
const cells: Cell[] = [];
const guest = await CardGuest.boot({
  kernel,
  cards: trials.flatMap(({ models }) => models),
  inMemory: sleeps,
});
const peer = new Peer(guest);
try {
  for (const [at, { pair, items, arms }] of trials.entries()) {
    const cards = guest.cards.slice(2 * at, 2 * at + 2);
    for (const arm of arms)
      await runArm([pair, ...values.bond].join(', '), new Arm(arm, guest, cards, options), items);
  }
} finally {
  peer.close();
  guest.close();
}
const worse = cells.filter(({ arm, failed, pair, item }) => {
  const driver = cells.find(cell => cell.arm === 'driver' && cell.pair === pair && cell.item === item);
  return arm !== 'driver' && failed && driver?.failed !== true;
});
for (const { pair, arm, item } of worse) console.error(`${pair}, ${arm}: ${item} failed`);
process.exitCode = worse.length > 0 ? 1 : 0;

/** Every item with one arm; one that fails says so, and the next has a new bond. */
async function runArm(pair: string, arm: Arm, items: readonly string[]): Promise<void> {
  let isMade = false;
  for (const item of items) {
    let seen: string;
    let failed = false;
    try {
      if (!isMade) await arm.make();
      isMade = true;
      seen = (await ITEMS[item]?.({ arm, peer })) ?? '';
    } catch (error) {
      seen = `failed: ${error instanceof Error ? error.message : String(error)}`;
      failed = true;
      console.log(await arm.lastWords().catch(String));
      await arm.unmake().catch(() => {});
      for (const card of arm.cards) await guest.setCable(card, true).catch(() => {});
      isMade = false;
    }
    // Nothing came where something should: `0/4`, or traffic that did not move.
    failed ||= /\b0\/4|NOT MOVED|DIFFERS/.test(seen);
    cells.push({ kernel, pair, arm: arm.name, item, seen, failed });
    console.log(
      `${((performance.now() - began) / 1000).toFixed(0)} s  ${pair}  ${arm.name}  ${item}: ${seen}`,
    );
  }
  await arm.unmake().catch(() => {});
  // After each arm: a run that is cut short keeps what it saw.
  if (values.record) recordCells(cells);
}
