// What people write into the files of the driver's form: options are set by it, as sysfs does, and what is refused is told as an event
// with the errno that the write would have ended with.
import { err, ok, type Refusal, type Result, refusal, shown } from '../../base/index.js';
import { findOption } from '../../policy/index.js';
import type { BondRunner } from '../bond-runner.js';
import type { Journal } from '../keeping/journal.js';
import type { Done } from '../operations.js';
import { systemRefusal } from '../kernel/system-refusal.js';

/** A file, below the run directory, and what it holds since somebody wrote to it. */
export interface ViewWrite {
  readonly path: string;
  readonly text: string;
}

/** What writes can do; all of it is what the control API can do too. */
export interface WriteTarget {
  readonly journal: Journal;
  find(name: string): Result<BondRunner, Refusal>;
  create(name: string, options: Readonly<Record<string, string>>): Done | Promise<Done>;
  destroy(runner: BondRunner): Done | Promise<Done>;
  enslave(
    runner: BondRunner,
    request: {
      interfaces: string[];
      takeDown: boolean;
      takeAddresses: boolean;
      await: boolean;
      forget: boolean;
      options: Record<string, string>;
    },
  ): Done | Promise<Done>;
  release(runner: BondRunner, names: readonly string[]): Done | Promise<Done>;
  set(runner: BondRunner, options: Readonly<Record<string, string>>): Done | Promise<Done>;
}

/** PAGE_SIZE: sysfs gives no more of what is written to a file to whom it is meant for. */
export const MOST_WRITTEN = 4096;

const MASTERS = 'sys/class/net/bonding_masters';

/** Bond and file of a path that can be written to. */
function placeOf(path: string): { readonly bond: string; readonly file: string } | undefined {
  const [, bond, file] = /^sys\/class\/net\/([^/]+)\/bonding\/([^/]+)$/.exec(path) ?? [];
  if (bond === undefined || file === undefined) return undefined;
  return file === 'slaves' || findOption(file) !== undefined ? { bond, file } : undefined;
}

/** True for a file that sets something when it is written to. */
export function isWritable(path: string): boolean {
  return path === MASTERS || placeOf(path) !== undefined;
}

/** Does what was written; a refusal becomes an event. */
export async function obeyWrite(target: WriteTarget, { path, text }: ViewWrite): Promise<void> {
  const value = text.replace(/\n$/, '');
  const bond = placeOf(path)?.bond ?? '';
  const result = await attempt(target, path, value);
  if (result.ok) return;
  const message = `"${shown(value)}" written to ${path} was refused (${result.error.errno}): ${result.error.message}`;
  target.journal.add(bond, { severity: 'warning', type: 'refused', message });
}

/** Whatever fails: nobody waits for an answer, so all is told as an event. */
async function attempt(target: WriteTarget, path: string, value: string): Promise<Done> {
  if (value.length > MOST_WRITTEN) {
    const message = `it is longer than ${MOST_WRITTEN} characters, which no value is.`;
    return err(refusal('invalid-value', 'EINVAL', message));
  }
  try {
    return await carryOut(target, path, value);
  } catch (error) {
    return err(systemRefusal(error, 'it was not carried out'));
  }
}

async function carryOut(target: WriteTarget, path: string, value: string): Promise<Done> {
  if (path === MASTERS)
    return addOrRemove(value, path, {
      add: name => target.create(name, {}),
      remove: name => {
        const found = target.find(name);
        return found.ok ? target.destroy(found.value) : found;
      },
    });
  const place = placeOf(path);
  if (place === undefined) return ok(undefined);
  const found = target.find(place.bond);
  if (!found.ok) return found;
  const runner = found.value;
  if (place.file !== 'slaves') return target.set(runner, { [place.file]: value });
  const wishes = { takeDown: false, takeAddresses: false, await: false, forget: false, options: {} };
  return addOrRemove(value, path, {
    add: name => target.enslave(runner, { interfaces: [name], ...wishes }),
    remove: name => target.release(runner, [name]),
  });
}

/** `+NAME` or `-NAME` (bond_option_slaves_set, bonding_store_bonds). */
async function addOrRemove(
  value: string,
  path: string,
  actions: {
    readonly add: (name: string) => Done | Promise<Done>;
    readonly remove: (name: string) => Done | Promise<Done>;
  },
): Promise<Done> {
  const [, sign, name] = /^\s*([+-])(\S+)\s*$/.exec(value) ?? [];
  if (name === undefined) {
    const message = `${path} takes +NAME or -NAME, such as +eth0.`;
    return err(refusal('invalid-value', 'EINVAL', message));
  }
  return sign === '+' ? actions.add(name) : actions.remove(name);
}
