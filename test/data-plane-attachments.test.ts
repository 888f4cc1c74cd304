// What users have on a member's ingress themselves (clsact qdisc and filters, TCX programs) goes on working beside the
// bond, in its order, and stays when the bond goes; needs root.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasProgram, RECEIVE_PROGRAM, type ToolboxWishes } from '../src/dataplane/index.js';
import { Assembler, BPF_PROG_TYPES, link, R1, R2 } from '../src/ebpf/index.js';
import {
  addBpfFilter,
  BPF_MAP_TYPES,
  BPF_TCX_INGRESS,
  createMap,
  closeFd,
  createTcxLink,
  detachLink,
  loadProgram,
  lookupMap,
  programFdById,
  programInfo,
  tcxAvailable,
  tcxProgramIds,
} from '../src/linux/index.js';
import { DataPlaneStage, planFor } from './support/data-plane-stage.js';

let stage: DataPlaneStage;
const begin = async (wishes: ToolboxWishes): Promise<void> => {
  stage = await DataPlaneStage.create(wishes);
};
afterEach(() => stage.close());

async function tc(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await stage.lab.exec('host', ['tc', ...args]);
  if (status !== 0) throw new Error(`tc ${args.join(' ')}: ${stderr}`);
  // The kernel's own numbers of chains and counters are no concern.
  return stdout.trim();
}

const filters = async (): Promise<string> =>
  `${await tc('qdisc', 'show', 'dev', 'eth0')}\n${await tc('filter', 'show', 'dev', 'eth0', 'ingress')}\n${await tc('filter', 'show', 'dev', 'eth0', 'egress')}`;

/** Loads a user's program that answers `verdict`; it counts frames in the map where there is one. */
function userProgram(verdict: number, mapFd?: number): number {
  const program = new Assembler('user_program');
  if (mapFd !== undefined) program.loadMapValue(R1, 'counter').mov(R2, 1).atomicAdd('u64', R1, 0, R2);
  const { name, instructions } = program.exitWith(verdict).build();
  const type = BPF_PROG_TYPES.BPF_PROG_TYPE_SCHED_CLS;
  const linked = link({ name, instructions }, mapFd === undefined ? {} : { maps: { counter: mapFd } });
  return loadProgram({ name, type, license: 'GPL', instructions: linked });
}

/** Gives eth0 a user's filter at this preference. */
function addUserFilter(
  direction: 'ingress' | 'egress',
  preference: number,
  verdict: number,
  mapFd?: number,
): void {
  const fd = userProgram(verdict, mapFd);
  const ifindex = stage.ifindex('eth0');
  addBpfFilter(stage.lab.netlink('host'), { ifindex, direction, preference }, fd, 'users-own');
  closeFd(fd);
}

/** A program that returns `verdict`, on the ingress of eth0; gives the link. */
function attachUser(verdict: number): number {
  const fd = userProgram(verdict);
  try {
    return stage.host(() => createTcxLink(fd, stage.ifindex('eth0'), BPF_TCX_INGRESS));
  } finally {
    closeFd(fd);
  }
}

function programs(): string[] {
  return stage.host(() =>
    tcxProgramIds(stage.ifindex('eth0'), BPF_TCX_INGRESS).map(id => {
      const fd = programFdById(id);
      if (fd === undefined) return '';
      try {
        return programInfo(fd).name;
      } finally {
        closeFd(fd);
      }
    }),
  );
}

describe('clsact', () => {
  beforeEach(() => begin({ attach: 'clsact' }));

  test('its qdisc and filter come and go with the member', async () => {
    const before = await filters();
    const bond = stage.bondOfAll();
    expect(await filters()).toContain('bondwire');
    expect(
      stage.host(() => hasProgram(stage.lab.netlink('host'), stage.ifindex('eth0'), RECEIVE_PROGRAM)),
    ).toBe(true);
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    stage.host(() => bond.destroy());
    expect(await filters()).toBe(before);
  });

  test('a user’s qdisc and filters are there before, meanwhile and afterwards', async () => {
    await tc('qdisc', 'add', 'dev', 'eth0', 'clsact');
    const counter = createMap({
      type: BPF_MAP_TYPES.BPF_MAP_TYPE_ARRAY,
      keySize: 4,
      valueSize: 8,
      maxEntries: 1,
    });
    addUserFilter('ingress', 5, -1, counter);
    addUserFilter('egress', 7, -1);
    const before = await filters();
    const bond = stage.bondOfAll();
    // One more, whose place the kernel chooses: it runs before the bond's as well.
    addUserFilter('ingress', 0, -1);
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    const count = lookupMap(counter, new Uint8Array(4), 8) ?? new Uint8Array(8);
    closeFd(counter);
    expect(new DataView(count.buffer).getBigUint64(0, true)).toBe(20n);
    const ingress = await tc('filter', 'show', 'dev', 'eth0', 'ingress');
    const names = Array.from(ingress.matchAll(/ (users-own|bondwire) /g), match => match[1]);
    expect(names).toEqual(['users-own', 'users-own', 'bondwire']);
    stage.host(() => bond.destroy());
    const after = await filters();
    expect(after).not.toContain('bondwire');
    for (const line of before.split('\n')) expect(after).toContain(line.trim());
  });

  test('a user’s filters on a qdisc that the bond made keep it', async () => {
    const bond = stage.bondOfAll();
    // Of another kind than the bond's.
    await tc(
      'filter',
      'add',
      'dev',
      'eth0',
      'egress',
      'pref',
      '7',
      'protocol',
      'all',
      'u32',
      'match',
      'u32',
      '0',
      '0',
    );
    stage.host(() => bond.destroy());
    const after = await filters();
    expect(after).toContain('pref 7 u32');
    expect(after).not.toContain('bondwire');
  });

  test('a user’s ingress qdisc does as well as clsact', async () => {
    await tc('qdisc', 'add', 'dev', 'eth0', 'ingress');
    const before = await filters().catch(() => tc('qdisc', 'show', 'dev', 'eth0'));
    const bond = stage.bondOfAll();
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    stage.host(() => bond.destroy());
    expect(await filters().catch(() => tc('qdisc', 'show', 'dev', 'eth0'))).toBe(before);
  });

  test('a user who drops a frame before the bond has it dropped', async () => {
    await tc('qdisc', 'add', 'dev', 'eth0', 'clsact');
    addUserFilter('ingress', 5, 2);
    stage.bondOfAll();
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 0]);
  });
});

describe.runIf(tcxAvailable() === true)('TCX', () => {
  beforeEach(() => begin({ attach: 'tcx' }));

  test('a user’s program before the bond’s runs first and stays', () => {
    const user = attachUser(-1);
    try {
      const bond = stage.bondOfAll();
      expect(programs()).toEqual(['user_program', RECEIVE_PROGRAM]);
      expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
      stage.host(() => bond.destroy());
      expect(programs()).toEqual(['user_program']);
    } finally {
      detachLink(user);
      closeFd(user);
    }
  });

  test('what a user’s program drops does not reach the bond', () => {
    const user = attachUser(2);
    try {
      stage.bondOfAll();
      expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 0]);
    } finally {
      detachLink(user);
      closeFd(user);
    }
    expect(stage.passed('in')).toBe(20);
  });

  test('one that comes later runs after the bond’s, on what the bond leaves', () => {
    const bond = stage.bondOfAll();
    const user = attachUser(2);
    try {
      expect(programs()).toEqual([RECEIVE_PROGRAM, 'user_program']);
      expect(stage.passed('in')).toBe(20);
      bond.apply(planFor([stage.ifindex('eth1'), stage.ifindex('eth0')]));
      expect(stage.passed('in')).toBe(20);
    } finally {
      detachLink(user);
      closeFd(user);
    }
  });

  test('a member that goes to another namespace takes no program with it', async () => {
    const bond = stage.bondOfAll();
    const index = stage.ifindex('eth0');
    expect(
      (await stage.lab.exec('host', ['ip', 'link', 'set', 'eth0', 'netns', stage.lab.switch])).status,
    ).toBe(0);
    expect(stage.passed('out')).toBe(20);
    stage.host(() => bond.removeMember(index));
    const ids = stage.lab.inside('switch', () => {
      const moved = stage.lab.link('switch', 'eth0');
      return moved === undefined ? undefined : tcxProgramIds(moved.ifindex, BPF_TCX_INGRESS);
    });
    expect(ids).toEqual([]);
  });
});
