// A picture of a namespace before and after: everything that a bond could have changed and must not leave behind.
import { readdirSync, readFileSync } from 'node:fs';
import {
  closeFd,
  getPinned,
  linkFdById,
  linkInfo,
  listQdiscs,
  mapFdById,
  mapInfo,
  programFdById,
  withHostMounts,
} from '../../src/linux/index.js';
import type { Stage } from './stage.js';
import { until } from './stage.js';

type Json = Record<string, unknown>;

/** What changes by itself or by traffic. */
const RESTLESS = new Set([
  'stats64',
  'stats',
  'valid_life_time',
  'preferred_life_time',
  'ageing',
  'linkinfo',
]);

/** The namespace of the host as text, by subject: comparable with toEqual(). */
export type Picture = Readonly<Record<string, unknown>>;

function calm(value: Json): Json {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !RESTLESS.has(key)));
}

/** Settings of an interface in /proc/sys/net. */
function sysctls(stage: Stage, name: string): Json {
  return stage.lab.inside('host', () => {
    const found: Json = {};
    for (const family of ['ipv4', 'ipv6']) {
      const directory = `/proc/sys/net/${family}/conf/${name}`;
      for (const setting of readdirSync(directory)) {
        try {
          found[`${family}.${setting}`] = readFileSync(`${directory}/${setting}`, 'latin1').trim();
        } catch {
          // stable_secret cannot be read before it is set.
        }
      }
    }
    return found;
  });
}

/** Groups by interface, in an order that does not depend on which came first. */
async function groups(stage: Stage): Promise<string[]> {
  const lines: string[] = [];
  let device = '';
  for (const line of (await stage.ip('maddr')).split('\n')) {
    const header = /^\d+:\t(\S+)/.exec(line);
    if (header !== null) device = header[1] ?? '';
    else if (line.trim() !== '') lines.push(`${device} ${line.trim()}`);
  }
  return lines.toSorted();
}

/** Takes the picture. `names`: whose sysctls. */
export async function pictureOf(
  stage: Stage,
  names: readonly string[] = stage.lab.members,
): Promise<Picture> {
  const list = async (...args: string[]): Promise<Json[]> =>
    (JSON.parse((await stage.ip('-j', '-d', ...args)) || '[]') as Json[]).map(calm);
  const text = async (...args: string[]): Promise<string[]> =>
    (await stage.ip('-d', ...args))
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '')
      .sort();
  const links = await list('link');
  return {
    links,
    addresses: await list('addr'),
    routes4: await text('-4', 'route', 'show', 'table', 'all'),
    routes6: await text('-6', 'route', 'show', 'table', 'all'),
    multicast: await groups(stage),
    qdiscs: listQdiscs(stage.lab.netlink('host')).map(({ ifindex, kind }) => `${ifindex} ${kind}`),
    sysctls: Object.fromEntries(names.map(name => [name, sysctls(stage, name)])),
  };
}

/** Waits until the picture is that of before: IPv6 takes a moment to finish what it does by itself. */
export async function untilAsBefore(
  stage: Stage,
  before: Picture,
  expectEqual: (now: Picture, before: Picture) => void,
): Promise<void> {
  const names = Object.keys(before['sysctls'] as Json);
  let now: Picture = {};
  try {
    await until(
      'everything is as before',
      async () => {
        now = await pictureOf(stage, names);
        return JSON.stringify(now) === JSON.stringify(before);
      },
      8000,
    );
  } catch {
    expectEqual(now, before);
  }
}

/** Ids of the eBPF objects that the daemon pinned. */
export interface PinnedIds {
  readonly programs: readonly number[];
  readonly maps: readonly number[];
  readonly links: readonly number[];
}

function pinFiles(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap(entry => {
      const path = `${directory}/${entry.name}`;
      return entry.isDirectory() ? pinFiles(path) : [path];
    });
  } catch {
    return [];
  }
}

/** Files in the bpffs of the run directory. */
export function pins(stage: Stage): string[] {
  // The kernel puts two files of its own (maps.debug, progs.debug) at the top of every bpffs.
  return withHostMounts(() => pinFiles(`${stage.runDir}/bpf`)).filter(path => !path.endsWith('.debug'));
}

/** What is pinned in the run directory now. */
export function pinnedIds(stage: Stage): PinnedIds {
  const ids = { programs: [] as number[], maps: [] as number[], links: [] as number[] };
  for (const path of pins(stage)) {
    const fd = withHostMounts(() => getPinned(path));
    if (fd === undefined) continue;
    if (/\/(state|events)$/.test(path)) {
      ids.maps.push(mapInfo(fd).id);
    } else {
      const link = linkInfo(fd);
      ids.links.push(link.id);
      ids.programs.push(link.programId);
    }
    closeFd(fd);
  }
  return ids;
}

/** Those that are still in the kernel. */
export function stillThere(ids: PinnedIds): string[] {
  const left: string[] = [];
  const look = (what: string, fd: number | undefined): void => {
    if (fd === undefined) return;
    closeFd(fd);
    left.push(what);
  };
  for (const id of ids.programs) look(`program ${id}`, programFdById(id));
  for (const id of ids.maps) look(`map ${id}`, mapFdById(id));
  for (const id of ids.links) look(`link ${id}`, linkFdById(id));
  return left;
}
