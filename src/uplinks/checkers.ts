// What always holds of an uplink, looked at after every input: for tests of this room, and for worlds of the simulator. (uplinks)
import {
  FAMILIES,
  type Family,
  type Steering,
  type TimeMs,
  type UplinkInput,
  type UplinkOutput,
} from './contract.js';
import type { LineFamilySnapshot, LineSnapshot, UplinkSnapshot } from './snapshot.js';
import type { Uplink } from './uplink.js';

/** Flows may stay with a dead line while another one is asked whether it lives. */
const ASKING_MS = 700;

/** Looks at one uplink after each of its inputs, and says what is wrong. */
export class UplinkChecker {
  #steering: Steering | null = null;
  /** Since when flows of a line are stranded, by line and family. */
  readonly #stranded = new Map<string, TimeMs>();

  /** `outputs`: of this input, which was handled at `now`. */
  check(uplink: Uplink, input: UplinkInput, outputs: readonly UplinkOutput[], now: TimeMs): string[] {
    const snapshot = uplink.snapshot(now);
    if (snapshot === null) return [];
    const problems = [
      ...this.#order(outputs, snapshot),
      ...FAMILIES.flatMap(family => this.#selection(uplink.steering(), snapshot, family)),
      ...this.#flows(uplink, snapshot, now),
    ];
    const deadline = uplink.deadline();
    if (input.kind === 'time' && deadline !== null && deadline <= now)
      problems.push(`the deadline ${deadline} is not ahead of ${now}`);
    this.#steering = uplink.steering();
    return problems;
  }

  /** Steering comes first; a flush has somewhere to go. */
  #order(outputs: readonly UplinkOutput[], snapshot: UplinkSnapshot): string[] {
    const kinds = outputs.map(({ kind }) => kind);
    const firstFlush = kinds.indexOf('flush');
    const late = firstFlush >= 0 && kinds.lastIndexOf('steer') > firstFlush;
    const idle = outputs.flatMap(output => {
      if (output.kind !== 'flush') return [];
      const selected = snapshot.selected[output.family].line;
      const of = snapshot.lines.find(({ name }) => name === selected)?.families[output.family];
      return of !== undefined && isViable(of)
        ? []
        : [`line ${output.line} was flushed in ${output.family} while ${selected} is not viable`];
    });
    const steers = kinds.filter(kind => kind === 'steer').length;
    return [
      ...(late ? ['a flush came before the steering'] : []),
      ...(steers > 1 ? ['two steerings at once'] : []),
      ...idle,
    ];
  }

  #selection(steering: Steering, snapshot: UplinkSnapshot, family: Family): string[] {
    const now = steering.selected[family];
    const before = this.#steering?.selected[family] ?? [];
    const problems: string[] = [];
    if (new Set(now).size < now.length) problems.push(`${family}: a line is twice in the order`);
    const [first] = now;
    const hadFirst = before[0] !== undefined && now.includes(before[0]);
    if (first === undefined || first === before[0] || (!hadFirst && viable(snapshot, family).length === 0))
      return problems;
    const of = snapshot.lines[first - 1]?.families[family];
    if (of === undefined || !isViable(of))
      problems.push(`${family}: moved to line ${first}, which is ${of?.state ?? 'unknown'}`);
    return problems;
  }

  /** Flows are on their own line or on one that lives, and not for long on a dead one while another is selected. */
  #flows(uplink: Uplink, snapshot: UplinkSnapshot, now: TimeMs): string[] {
    return uplink.steering().flows.flatMap(({ line, family, by }) => {
      const own = snapshot.lines[line - 1];
      const selected = snapshot.lines.find(({ name }) => name === snapshot.selected[family].line);
      const key = `${line} ${family}`;
      const isStranded =
        own !== undefined &&
        viable(snapshot, family).some(other => other !== own) &&
        isDead(own.families[family]) &&
        (by.others === line || isDeadLine(snapshot, by.others, family)) &&
        (selected === undefined || selected === own || by.others !== selected.line);
      if (!isStranded) {
        this.#stranded.delete(key);
        return [];
      }
      const since = this.#stranded.get(key) ?? now;
      this.#stranded.set(key, since);
      return now - since > ASKING_MS
        ? [`flows of line ${line} are stranded in ${family} for ${now - since} ms`]
        : [];
    });
  }
}

function viable(snapshot: UplinkSnapshot, family: Family): LineSnapshot[] {
  return snapshot.lines.filter(line => isViable(line.families[family]) && isFresh(line.families[family]));
}

/** A line that gave no sign for longer is asked before it is moved to, or may be dying too. */
function isFresh({ lastSignMs }: LineFamilySnapshot): boolean {
  return lastSignMs !== null && lastSignMs <= 250;
}

function isViable({ state, isProven }: LineFamilySnapshot): boolean {
  return isProven && ['up', 'returning', 'bad', 'spent'].includes(state);
}

function isDead({ state }: LineFamilySnapshot): boolean {
  return state === 'dead' || state === 'down' || state === 'absent';
}

function isDeadLine(snapshot: UplinkSnapshot, line: number, family: Family): boolean {
  const of = snapshot.lines[line - 1];
  return of === undefined || isDead(of.families[family]);
}
