// `npm run record:options`: records what the kernel's bonding driver answers to every write of the option comparison, in one boot
// a kernel, into test/golden/options/linux-SERIES.conformance.txt.
//   npm run record:options -- [SERIES...]      6.12 and 6.1 unless told
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInGuest } from '#lab';
import { Rtnetlink } from '#linux';
import { creations } from './conformance/creations.js';
import { DriverBond } from './conformance/driver-bond.js';
import {
  creationKey,
  type Outcome,
  type Recorded,
  recordText,
  trialKey,
  type Values,
} from './conformance/record-format.js';
import { isOwnWork, STAGES, type Stage } from './conformance/stages.js';
import { isPossible, TRIALS, type Trial } from './conformance/trials.js';

/** Values that a write decides on. */
function valuesIn(stage: Stage, values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !isOwnWork(name, stage)));
}

/** What has no file is asked for where it may have changed: it is slow under emulation. */
function valuesAfter({ door, option }: Trial, { answer }: Pick<Outcome, 'answer'>, bond: DriverBond): Values {
  const mayDiffer = answer === 'ok' && ((door === 'netlink' && !bond.hasFile(option)) || option === 'mode');
  // A list that is refused may have been taken in part.
  return mayDiffer || option === 'ns_ip6_target' ? bond.values() : bond.files();
}

/** What a write changed; where it starts an ARP monitor, that may judge the members before the values are read. */
function effectsOf(stage: Stage, before: Values, after: Values): Record<string, string> {
  const changes = changesOf(before, after);
  const isStarted = Number(changes['arp_interval'] ?? 0) > 0 && stage.hasMembers && stage.isUp;
  if (!isStarted) return changes;
  return Object.fromEntries(
    Object.entries(changes).filter(([name]) => name !== 'mii_status' && name !== 'active_slave'),
  );
}

function changesOf(before: Values, after: Values): Record<string, string> {
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => before[name] !== value));
}

/** Options that decide on others, in the order in which they are written back. */
const FIRST = ['miimon', 'arp_interval'];

/** Writes back what changed; false when that does not lead back (another bond is needed then). */
function writeBack(bond: DriverBond, stage: Stage, base: Values, changed: readonly string[]): boolean {
  for (const option of [
    ...FIRST.filter(name => changed.includes(name)),
    ...changed.filter(name => !FIRST.includes(name)),
  ]) {
    const value = base[option] ?? '';
    if (value.includes(' ') && !/^\S+ \d+$/.test(value)) return false;
    const door = bond.hasFile(option) ? 'sysfs' : 'netlink';
    const written = bond.write({ door, option, value: value.split(' ')[0] ?? '' });
    if (written.answer !== 'ok') return false;
  }
  const values = changed.every(option => bond.hasFile(option)) ? bond.files() : bond.values();
  return Object.keys(changesOf(base, valuesIn(stage, values))).length === 0;
}

/** What is hidden from view after it was written, or runs with time. */
function leavesTraces({ option }: Trial, stage: Stage): boolean {
  if (
    ['mode', 'primary', 'slaves', 'arp_ip_target', 'ns_ip6_target', 'prio', 'actor_port_prio'].includes(
      option,
    )
  )
    return true;
  if (option === 'active_slave' || option === 'queue_id' || option === 'ad_actor_system') return true;
  return (option === 'arp_interval' || option === 'miimon') && stage.hasMembers && stage.isUp;
}

function recordStage(
  bond: DriverBond,
  stage: Stage,
  record: (trial: Trial, outcome: Outcome) => void,
): Values {
  bond.enter(stage);
  const base = valuesIn(stage, bond.values());
  let isFresh = true;
  for (const trial of TRIALS) {
    if (!isPossible(trial, stage)) continue;
    if (!isFresh) {
      bond.enter(stage);
      const again = changesOf(base, valuesIn(stage, bond.files()));
      if (Object.keys(again).length > 0) throw new Error(`${stage.name} differs: ${JSON.stringify(again)}`);
    }
    const answer = bond.write(trial);
    const changes = effectsOf(stage, base, valuesIn(stage, valuesAfter(trial, answer, bond)));
    record(trial, { ...answer, changes });
    const changed = Object.keys(changes);
    const isAsBefore = changed.length === 0 && answer.answer !== 'ok';
    isFresh =
      isAsBefore ||
      (!leavesTraces(trial, stage) && (changed.length === 0 || writeBack(bond, stage, base, changed)));
  }
  return base;
}

function recordCreations(bond: DriverBond): Map<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  bond.remove();
  bond.create([]);
  bond.open();
  const base = bond.values();
  for (const pairs of creations()) {
    bond.remove();
    const answer = bond.create(pairs);
    if (answer.answer === 'ok') bond.open();
    const changes = answer.answer === 'ok' ? changesOf(base, bond.values()) : {};
    outcomes.set(creationKey(pairs), { ...answer, changes });
  }
  bond.remove();
  return outcomes;
}

/** Inside the guest. */
function recordHere(file: string): void {
  // A refusal is the usual answer; a stack for each is slow.
  Error.stackTraceLimit = 0;
  execFileSync('modprobe', ['bonding', 'max_bonds=0']);
  const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  const netlink = Rtnetlink.open();
  const bond = new DriverBond(netlink);
  const trials = new Map<string, (Outcome | null)[]>();
  const names = new Set<string>();
  const stages: { name: string; values: Values }[] = [];
  const save = (made: ReadonlyMap<string, Outcome>): void => {
    const origin = `Recorded by "npm run record:options" from the bonding driver of Linux ${release} (Debian).`;
    const recorded: Recorded = { origin, names: [...names].toSorted(), stages, trials, creations: made };
    writeFileSync(file, recordText(recorded));
  };
  for (const [i, stage] of STAGES.entries()) {
    const started = performance.now();
    const values = recordStage(bond, stage, (trial, outcome) => {
      const key = trialKey(trial);
      const outcomes = trials.get(key) ?? STAGES.map(() => null);
      outcomes[i] = outcome;
      trials.set(key, outcomes);
    });
    for (const name of Object.keys(values)) names.add(name);
    stages.push({ name: stage.name, values });
    console.log(
      `${i + 1}/${STAGES.length} ${stage.name}: ${Math.round((performance.now() - started) / 1000)} s`,
    );
    save(new Map());
  }
  save(recordCreations(bond));
}

async function recordInGuests(series: readonly string[]): Promise<void> {
  for (const kernel of series) {
    if (kernel !== '6.12' && kernel !== '6.1')
      throw new Error(`There is no guest with Linux ${kernel}; there are 6.12 and 6.1`);
    const { status, output } = await runInGuest({
      kernel,
      argv: [process.execPath, import.meta.filename],
      timeoutSeconds: 5400,
      onFiles: directory =>
        copyFileSync(join(directory, 'options.txt'), `test/golden/options/linux-${kernel}.conformance.txt`),
    });
    if (status !== 0)
      throw new Error(
        `The guest with ${kernel} ended with status ${status ?? 'none'}:\n${output.slice(-2000)}`,
      );
  }
}

const out = process.env['OUT'];
if (process.env['BONDWIRE_GUEST'] !== undefined && out !== undefined) recordHere(join(out, 'options.txt'));
else await recordInGuests(process.argv.length > 2 ? process.argv.slice(2) : ['6.12', '6.1']);
