// What RUN_DIR/sys has besides the bonds' own files: links to the real /sys, so that a program may be pointed at
// RUN_DIR/sys instead of /sys and finds all that it knows. Only where /sys shows this network namespace.
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import type { TreeEntry } from '../report/index.js';

/** An interface by name and index. */
export interface NamedInterface {
  readonly name: string;
  readonly ifindex: number;
}

const NET = 'class/net';

/** Bonds of the kernel's own driver that /sys knows. */
export function kernelMasters(sys = '/sys'): string[] {
  return (textOf(`${sys}/${NET}/bonding_masters`) ?? '').split(/\s+/).filter(name => name !== '');
}

/** True when /sys shows these interfaces under their names and indexes: it may be that of another network namespace. */
export function isOurs(interfaces: readonly NamedInterface[], sys = '/sys'): boolean {
  return interfaces.every(
    ({ name, ifindex }) => Number(textOf(`${sys}/${NET}/${name}/ifindex`) ?? Number.NaN) === ifindex,
  );
}

/**
 * Links by path below the run directory. `own` are the bonds and members, whose directories are ours: they get a link
 * for each file of the real one, so that `has` has the last word on what is there already.
 */
export function systemLinks(
  own: readonly string[],
  has: (path: string) => boolean,
  sys = '/sys',
): Map<string, TreeEntry> {
  const links = new Map<string, TreeEntry>();
  const add = (path: string, target: string): void => {
    if (!has(`sys/${path}`)) links.set(`sys/${path}`, { link: target });
  };
  for (const name of namesIn(sys)) if (name !== 'class') add(name, `${sys}/${name}`);
  for (const name of namesIn(`${sys}/class`))
    if (name !== 'net') add(`class/${name}`, `${sys}/class/${name}`);
  for (const name of namesIn(`${sys}/${NET}`)) {
    if (name === 'bonding_masters') continue;
    const real = realOf(`${sys}/${NET}/${name}`);
    if (real === undefined) continue;
    if (own.includes(name))
      for (const file of namesIn(real)) add(`${NET}/${name}/${file}`, `${real}/${file}`);
    else add(`${NET}/${name}`, real);
  }
  return links;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Where an interface really is: a link to /sys/class/net would lead to itself where somebody mounts ours over that. */
function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
