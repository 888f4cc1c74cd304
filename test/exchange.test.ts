// A bond on the eBPF data plane whose working parts are of no use to the next daemon as they are: pins gone, notes gone or damaged,
// programs taken off, pins that end with the daemon. It is taken over all the same, and counts on. Needs root; part of test:all.
import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hookedAt, hookedAtPair } from '../src/dataplane/ebpf/hooks.js';
import type { Toolbox } from '../src/dataplane/index.js';
import {
  closeFd,
  deleteBpfFilter,
  detachLink,
  linkFdById,
  listBpfFilters,
  netkitAvailable,
} from '../src/linux/index.js';
import { DataPlaneStage, planFor } from './support/data-plane-stage.js';

let stage: DataPlaneStage;

const MEMBERS = ['eth0', 'eth1'];
const LOWER = 'bwl-00c0ffee';
/** What this kernel can make. */
const KINDS = netkitAvailable() === true ? (['netkit', 'veth'] as const) : (['veth'] as const);

/** What of ours hangs where the bond sends, and at the members. */
function hooked() {
  const { netlink } = stage.surroundings;
  return stage.host(() => [
    ...hookedAtPair(netlink, pairIndexes()),
    ...MEMBERS.flatMap(name => hookedAt(netlink, stage.ifindex(name))),
  ]);
}

function pairIndexes() {
  return { bondIfindex: stage.ifindex('bond0'), lowerIfindex: stage.ifindex(LOWER) };
}

/** Takes off what hangs at an interface; at the lower end: what takes from it what the bond sends. */
function takeOff(name: string): void {
  const { netlink } = stage.surroundings;
  const ifindex = stage.ifindex(name);
  const there = name === LOWER ? hookedAtPair(netlink, pairIndexes()) : hookedAt(netlink, ifindex);
  for (const { linkId } of there) {
    const link = linkId === 0 ? undefined : linkFdById(linkId);
    if (link === undefined) continue;
    detachLink(link);
    closeFd(link);
  }
  for (const { preference, handle } of listBpfFilters(netlink, ifindex, 'ingress'))
    deleteBpfFilter(netlink, { ifindex, direction: 'ingress', preference, handle });
}

const pins = (): string => stage.places.pins;
/** The note and its copy. */
const notes = (): string[] => [stage.places.partsFile, `${stage.places.partsFile}.copy`];
const forget = (): void => notes().forEach(path => rmSync(path));
const write = (text: string): void => notes().forEach(path => writeFileSync(path, text));

/** A toolbox that loads so many programs and no more. */
function loadingAtMost(count: number): Toolbox {
  let left = count;
  const load = (...args: Parameters<Toolbox['load']>): number => {
    if (left-- <= 0) throw new Error('no room for programs');
    return stage.toolbox.load(...args);
  };
  return new Proxy(stage.toolbox, {
    get: (target, name) => {
      if (name === 'load') return load;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

describe.each(KINDS)('a %s pair', pair => {
  let before: string[];
  beforeEach(async () => {
    stage = await DataPlaneStage.create({ pair });
    before = stage.traces();
  });
  afterEach(() => stage.close());

  test.each<[what: string, harm: () => void, passes: number, renewed: RegExp | undefined]>([
    ['nothing is wrong', () => {}, 20, undefined],
    // Links end with their pins.
    ['its pins were removed', () => rmSync(pins(), { recursive: true }), 0, /maps were gone/],
    [
      'its maps are not pinned any more',
      () => ['state', 'events'].forEach(pin => rmSync(`${pins()}/${pin}`)),
      20,
      undefined,
    ],
    ['the note is gone', forget, 20, /note .* gone or damaged/],
    ['the note is half there', () => write('{"layoutVersion":7,"lower'), 20, /note .* gone or damaged/],
    ['the note is of something else', () => write('{"layoutVersion":7,"transmit":null}'), 20, /note/],
    [
      'note and pins are gone',
      () => [pins(), ...notes()].forEach(path => rmSync(path, { recursive: true })),
      0,
      /note/,
    ],
    ['a member lost its program', () => takeOff('eth0'), 0, /program at eth0 was gone/],
    [
      'what it sends by lost its program',
      () => takeOff(LOWER),
      0,
      /program at (its lower end|what it sends) was gone/,
    ],
  ])('When %s, the next daemon takes it over', async (_, harm, passes, renewed) => {
    const bond = stage.bondOfAll();
    bond.apply(planFor([]));
    stage.passed('out', 3);
    bond.apply(planFor(MEMBERS.map(member => stage.ifindex(member))));
    bond.close();
    stage.host(harm);
    expect([stage.passed('out'), stage.passed('in')]).toSatisfy((passed: number[]) =>
      passes === 20 ? passed.every(count => count === 20) : passed.includes(0),
    );
    const adopted = stage.adopt(MEMBERS);
    if (renewed === undefined) expect(adopted?.renewed).toBeUndefined();
    else expect(adopted?.renewed).toMatch(renewed);
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    expect(hooked()).toHaveLength(3);
    adopted?.close();
    // And it needs nothing more.
    const again = stage.adopt(MEMBERS);
    expect(again?.renewed).toBeUndefined();
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    if (again !== undefined) stage.host(() => again.destroy());
    await expect.poll(() => stage.traces()).toEqual(before);
  });

  test('Counts go on over an exchange, and nothing is counted twice', () => {
    const bond = stage.bondOfAll();
    bond.apply(planFor([]));
    stage.passed('out', 3);
    expect(bond.takeLoss().packets).toBe(3);
    stage.passed('out', 2);
    bond.close();
    forget();
    const adopted = stage.adopt(MEMBERS);
    expect(adopted?.renewed).toMatch(/note/);
    expect([adopted?.droppedTotal(), adopted?.takeLoss().packets, adopted?.takeLoss().packets]).toEqual([
      5, 2, 0,
    ]);
  });

  test('Who sends is who sent, whatever the plan of before says', () => {
    const bond = stage.bondOfAll();
    bond.close();
    stage.lab.cut('eth0');
    expect(stage.passed('out')).toBe(20);
    forget();
    const adopted = stage.adopt(MEMBERS);
    expect(adopted?.current()).toBe(stage.ifindex('eth1'));
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
  });

  test('Where pins end with the daemon, filters are attached, and found by their ids', async () => {
    stage.pinsLast = false;
    const bond = stage.bondOfAll();
    expect(hooked().map(({ kind }) => kind)).toEqual(['clsact', 'clsact', 'clsact']);
    expect(bond.lifetimeProblem).toBeUndefined();
    bond.close();
    rmSync(pins(), { recursive: true });
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    const adopted = stage.adopt(MEMBERS);
    expect(adopted?.renewed).toBeUndefined();
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    if (adopted !== undefined) stage.host(() => adopted.destroy());
    await expect.poll(() => stage.traces()).toEqual(before);
  });

  test('Links whose pins turn out to end with the daemon are exchanged for filters, at its end and by the next one', () => {
    const bond = stage.bondOfAll();
    stage.pinsLast = false;
    expect(bond.lifetimeProblem).toMatch(/mounted for this daemon alone/);
    stage.host(() => bond.close());
    rmSync(pins(), { recursive: true });
    expect(hooked().map(({ kind }) => kind)).toEqual(['clsact', 'clsact', 'clsact']);
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    // Back where they last: a bond keeps what it has.
    stage.pinsLast = true;
    const adopted = stage.adopt(MEMBERS);
    expect([adopted?.lifetimeProblem, adopted?.renewed]).toEqual([undefined, undefined]);
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
  });

  test('What fails half-way leaves both at work, and the next one puts it right', () => {
    const bond = stage.bondOfAll();
    bond.close();
    forget();
    // Before the first is exchanged, and after the last.
    expect(() => stage.adopt(MEMBERS, loadingAtMost(2))).toThrow('no room for programs');
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    mkdirSync(`${pins()}/state-new`);
    expect(() => stage.adopt(MEMBERS)).toThrow('state-new');
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    rmdirSync(`${pins()}/state-new`);
    const adopted = stage.adopt(MEMBERS);
    expect(adopted?.renewed).toMatch(/cut short/);
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    expect(hooked()).toHaveLength(3);
  });
});
