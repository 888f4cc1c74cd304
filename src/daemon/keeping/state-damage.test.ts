// What is wrong with a state file is told, whatever it is, and is never taken for "no bonds"; only a file that is not there is none.
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createBond } from '../../policy/index.js';
import { loadState, type SavedRunner, StateFile } from './state-file.js';

/** What opening fails with, by path. */
const faults = vi.hoisted(() => new Map<string, string>());
vi.mock('node:fs', async importOriginal => {
  const real = await importOriginal<typeof import('node:fs')>();
  const openSync: typeof real.openSync = (path, ...rest) => {
    const code = faults.get(String(path));
    if (code !== undefined)
      throw Object.assign(new Error(`${code}: injected, open '${String(path)}'`), { code });
    return real.openSync(path, ...rest);
  };
  return { ...real, openSync, default: { ...real, openSync } };
});

const NETNS = '4026531840';
let runDir = '';
let path = '';
let copy = '';

const belongings = { ifindex: 5, name: 'eth0', addresses: [], routes: [], sourced: [] };

function runner(): SavedRunner {
  const made = createBond({
    name: 'bond0',
    address: '02:00:00:00:00:01',
    addressIsRandom: true,
    mtu: 1500,
    options: [['mode', 'active-backup']],
  });
  if (!made.ok) throw new Error(made.error.message);
  const original = {
    ifindex: 5,
    name: 'eth0',
    address: '02:00:00:00:00:05',
    mtu: 1500,
    up: true,
    promiscuous: false,
    allMulticast: false,
    disableIpv6: '0',
    addrGenMode: 'eui64' as const,
  };
  return {
    name: 'bond0',
    bondIfindex: 7,
    lowerIfindex: 6,
    pins: 'bwl-00000000',
    policy: made.value.save(0),
    ending: false,
    members: [{ original, joining: false, leaving: { restoreAddress: true } }],
    taken: [belongings],
    filters: [[5, ['33:33:00:00:00:01']]],
    wanted: [{ name: 'eth0', takeDown: true, takeAddresses: false, options: {} }],
    heldDown: [5],
  };
}

beforeEach(() => {
  runDir = fs.mkdtempSync(join(tmpdir(), 'bw-state-'));
  path = `${runDir}/state.json`;
  copy = `${path}.copy`;
  new StateFile(runDir, NETNS).save([{ saved: runner, host: { saved: runner } }]);
});
afterEach(() => {
  faults.clear();
  fs.rmSync(runDir, { recursive: true, force: true });
});

const load = () => loadState(runDir, NETNS);

function expectAll(): void {
  expect(load().problem).toBeUndefined();
  expect(load().bonds).toEqual([runner()]);
}

/** The state with one field replaced. */
function withField(field: string, value: unknown): string {
  const state = JSON.parse(fs.readFileSync(path, 'utf8')) as Record<string, unknown>;
  const keys = field.split('.');
  const last = keys.pop() ?? '';
  const holder = keys.reduce<Record<string, unknown>>((at, key) => {
    const next = at[key];
    if (typeof next !== 'object' || next === null) throw new Error(`${field} is not there`);
    return next as Record<string, unknown>;
  }, state);
  holder[last] = value;
  return JSON.stringify(state);
}

test('whole as it was written it is read', expectAll);

describe('the file', () => {
  test.each([
    ['is gone', () => fs.rmSync(path)],
    ['is empty', () => fs.writeFileSync(path, '')],
    ['is cut in half', () => fs.truncateSync(path, Math.floor(fs.statSync(path).size / 2))],
    ['is another one', () => fs.writeFileSync(path, '{"hello":1}')],
    ['has zeros for its end', () => fs.writeFileSync(path, '\0'.repeat(4096))],
  ])('%s: its copy is taken, and that is told', (_, damage) => {
    damage();
    expectAll();
    expect(load().instead).toMatch(/state\.json is (gone|damaged \()/);
  });

  test.each(['EIO', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOTDIR', 'EINTR', 'ESTALE', 'ELOOP'])(
    'cannot be opened (%s): that is a problem, not a file without bonds, and the copy may be older',
    code => {
      faults.set(path, code);
      expect(load()).toMatchObject({ bonds: [], isOurs: false });
      expect(load().problem).toMatch(
        new RegExp(`^${path} cannot be read: .*(${code}|symbolic link).* start again`),
      );
    },
  );

  test.each([
    ['a directory', () => fs.mkdirSync(path), /cannot be read: it is no regular file/],
    ['a link', () => fs.symlinkSync(copy, path), /cannot be read: it is a symbolic link/],
  ])('is %s: refused', (_, put, says) => {
    fs.rmSync(path);
    put();
    expect(load().problem).toMatch(says);
  });

  test.runIf(process.getuid?.() === 0)("is somebody else's: refused", () => {
    fs.chownSync(path, 65534, 65534);
    expect(load().problem).toMatch(/cannot be read: it belongs to user 65534/);
  });

  test('is gone, and its copy cannot be read: refused, and so when both are damaged', () => {
    fs.rmSync(path);
    faults.set(copy, 'EIO');
    expect(load().problem).toMatch(/state\.json\.copy cannot be read: EIO/);
    faults.clear();
    fs.writeFileSync(copy, '{');
    expect(load().problem).toMatch(/state\.json\.copy is damaged/);
    fs.writeFileSync(path, '{');
    expect(load().problem).toMatch(
      /state\.json is damaged: .*; and so is its copy\. .*move it away with its copy/,
    );
  });

  test('and its copy are gone: no bonds, and nothing that is ours', () => {
    fs.rmSync(path);
    fs.rmSync(copy);
    expect(load()).toEqual({ bonds: [], isOurs: false });
  });
});

describe('a field that is wrong is named, and the file refused', () => {
  test.each([
    ['netns', 'x'],
    ['bonds', {}],
    ['bonds.0', null],
    ['bonds.0.name', '../../etc'],
    ['bonds.0.bondIfindex', -1],
    ['bonds.0.lowerIfindex', '6'],
    ['bonds.0.pins', '../../etc'],
    ['bonds.0.ending', 'no'],
    ['bonds.0.policy', {}],
    ['bonds.0.policy.state', null],
    ['bonds.0.policy.state.members', [null]],
    ['bonds.0.policy.state.numbers', {}],
    ['bonds.0.policy.state.numbers.mode', 7],
    ['bonds.0.policy.state.numbers.miimon', '100'],
    ['bonds.0.policy.state.timers', {}],
    ['bonds.0.policy.state.address', 'x'],
    ['bonds.0.members', {}],
    ['bonds.0.members.0', null],
    ['bonds.0.members.0.original', {}],
    ['bonds.0.members.0.original.name', 'a/b'],
    ['bonds.0.members.0.original.mtu', -1],
    ['bonds.0.members.0.original.disableIpv6', '1; reboot'],
    ['bonds.0.members.0.joining', undefined],
    ['bonds.0.members.0.leaving', {}],
    ['bonds.0.taken', [null]],
    ['bonds.0.taken.0.addresses', ['zz']],
    ['bonds.0.taken.0.routes', ['00']],
    ['bonds.0.filters', [[5]]],
    ['bonds.0.filters.0.1', ['x']],
    ['bonds.0.wanted', [{}]],
    ['bonds.0.wanted.0.options', { prio: 1 }],
    ['bonds.0.heldDown.0', '5'],
  ])('%s: %j', (field, value) => {
    const text = withField(field, value);
    fs.writeFileSync(path, text);
    // The copy serves; without it there is nothing to go by.
    expectAll();
    expect(load().instead).toContain(`"${field}`);
    fs.writeFileSync(copy, text);
    expect(load()).toMatchObject({ bonds: [] });
    expect(load().problem).toContain(`${path} is damaged: "${field}`);
    expect(fs.readFileSync(path, 'utf8')).toBe(text);
  });

  test('fields of a later version are let be; another version is told as such', () => {
    fs.writeFileSync(path, withField('bonds.0.later', { a: 1 }));
    expect(load().bonds[0]).toMatchObject({ name: 'bond0', later: { a: 1 } });
    fs.writeFileSync(path, withField('version', 99));
    expect(load().problem).toMatch(/is of version 99, and this Bondwire writes 1\. Bonds were left/);
  });

  test('of another boot nothing is looked at', () => {
    fs.writeFileSync(path, withField('bootId', 'another'));
    fs.writeFileSync(path, withField('bonds.0', null));
    expect(load()).toEqual({ bonds: [], isOurs: false });
  });
});
