// What must hold of every uplink at every moment, whatever happens to its lines. Each rule goes by the world and by what the daemon was
// told, never by what the policy says of itself. (simulator)
import { equalValues } from '../../base/index.js';
import {
  FAMILIES,
  type Family,
  type Flush,
  type LineNumber,
  type Probe,
  type Steering,
  type Transport,
  type UplinkInput,
} from '../../uplinks/index.js';
import type { FlowEntry, FlowKey } from './flow-table.js';
import { flowsBy } from './gateway.js';
import { ruleMatches } from './routing.js';
import type { UplinkRule, UplinkViolation } from './rules.js';
import type { Step } from './scenario.js';
import type { UplinkWatch } from './watch.js';
import { isViable, type Witness, Witnesses } from './witness.js';
import type { UplinkWorld } from './world.js';

export { UPLINK_RULES, type UplinkRule, type UplinkViolation } from './rules.js';

/** Flows on dead lines are looked for so often. */
export const LOOK_MS = 50;
/** A sign older than this says nothing of now; what is not asked so often is asked before it is used. */
const FRESH_MS = 2000;
/** Patience that may have been learned. */
const MOST_PATIENCE_MS = 3000;
/** What comes after the patience: a standby is asked, the kernel is steered, flows are ended. */
const ACT_MS = 1000;
/** Flushes are done again for so long. */
const REPEATED_MS = 1000;
/** Quality is good again after half a minute of being so, and its window has to be past. */
const RECOVERED_MS = 45_000;
/** While the daemon was kept from running in this time, ages of signs say little. */
const UNSTEADY_MS = 5000;
const QUIET_MS = 3000;
const ADOPTED_MS = 1000;
const MOST_VIOLATIONS = 20;

/** A new flow of nobody in particular. */
function newFlow(family: Family): FlowKey {
  return { family, transport: 'udp', client: 250, sourcePort: 9, port: 9 };
}

export class UplinkCheckers implements UplinkWatch {
  readonly violations: UplinkViolation[] = [];
  readonly #witnesses: Witnesses = new Witnesses();
  /** Since when a flow is on a dead line, by who has it. */
  readonly #stranded: Map<string, number> = new Map();
  readonly #drained: Map<LineNumber, number> = new Map();
  /** What was last moved to on purpose: where nothing is viable it may come back, as its device does. */
  readonly #chosen: Map<Family, LineNumber> = new Map();
  #unsteadyUntilMs = Number.NEGATIVE_INFINITY;
  #lastStepMs = Number.NEGATIVE_INFINITY;
  #lastSteerMs = Number.NEGATIVE_INFINITY;
  #lastRingMs: number | null = null;
  /** Of a daemon that was killed in quiet times. */
  #wasQuiet = false;
  #adoptedUntilMs = Number.NEGATIVE_INFINITY;

  report(world: UplinkWorld, rule: UplinkRule, message: string): void {
    if (this.violations.length < MOST_VIOLATIONS)
      this.violations.push({ atMs: Math.round(world.clock.now * 10) / 10, rule, message });
  }

  asked(_: UplinkWorld, probe: Probe): void {
    this.#witnesses.asked(probe);
  }

  fed(world: UplinkWorld, input: UplinkInput): void {
    this.#witnesses.fed(world, input);
    if (input.kind === 'late') this.#unsteadyUntilMs = world.clock.now + UNSTEADY_MS;
  }

  stepping(world: UplinkWorld, step: Step): void {
    const { clock, daemon } = world;
    const { now } = clock;
    if (step.do !== 'daemon-start') this.#adoptedUntilMs = Number.NEGATIVE_INFINITY;
    if (step.do === 'drain') this.#noteDrain(world, true, step.line);
    if (step.do === 'release' && daemon.isAlive) this.#noteDrain(world, false, step.line);
    if (step.do === 'daemon-kill') {
      const quietMs = now - Math.max(this.#lastStepMs, this.#lastSteerMs);
      this.#wasQuiet = daemon.isAlive && quietMs > QUIET_MS && now > this.#unsteadyUntilMs;
    }
    if (step.do === 'busy' || step.do === 'kernel-refuses')
      this.#unsteadyUntilMs = Math.max(this.#unsteadyUntilMs, now + step.forMs + UNSTEADY_MS);
  }

  stepped(world: UplinkWorld, step: Step): void {
    const { now } = world.clock;
    this.#witnesses.look(world);
    if (step.do === 'daemon-start') {
      this.#unsteadyUntilMs = Math.max(this.#unsteadyUntilMs, now + UNSTEADY_MS);
      return;
    }
    this.#lastStepMs = now;
    if (step.do === 'daemon-kill') return;
    this.#wasQuiet = false;
  }

  #noteDrain(world: UplinkWorld, isBegun: boolean, line: string | undefined): void {
    for (const { number, spec } of world.lines) {
      if (line !== undefined && line !== spec.name) continue;
      if (isBegun) this.#drained.set(number, Number.POSITIVE_INFINITY);
      else if (this.#drained.has(number)) this.#drained.set(number, world.clock.now);
    }
  }

  rang(world: UplinkWorld): void {
    const { now } = world.clock;
    if (this.#lastRingMs === now)
      this.report(world, 'progress', 'the policy wants to be woken twice at the same moment');
    this.#lastRingMs = now;
  }

  steered(world: UplinkWorld, steering: Steering, before: Steering | null): void {
    if (before !== null && equalValues(steering, before)) return;
    this.#lastSteerMs = world.clock.now;
    this.#oneSelected(world, steering);
    for (const family of FAMILIES) {
      const [to] = steering.selected[family];
      const from = before?.selected[family][0];
      if (to !== undefined && to !== from) this.#moved(world, family, from, to);
      if (to === undefined && from !== undefined && this.#isAdopting(world))
        this.report(world, 'adoption', `a new daemon selects no line any more (${family})`);
      for (const { line } of steering.shares[family])
        if (!(before?.shares[family] ?? []).some(each => each.line === line))
          this.#mustBeViable(world, family, line, 'new flows are spread over', false);
    }
    for (const { line, family, by } of steering.flows)
      for (const transport of ['tcp', 'others'] as const)
        if (by[transport] !== line && by[transport] !== flowsBy(before, line, family, transport))
          this.#mustBeViable(world, family, by[transport], 'running flows are moved to');
  }

  #oneSelected(world: UplinkWorld, { selected, flows, shares }: Steering): void {
    for (const family of FAMILIES) {
      const order = selected[family];
      if (new Set(order).size !== order.length)
        this.report(world, 'one-selected', `a line is selected twice (${family}): ${order.join(', ')}`);
      if (shares[family].length > 0 && world.scenario.uplink.mode !== 'share')
        this.report(
          world,
          'one-selected',
          `new flows are spread over lines (${family}), and one is to be used`,
        );
    }
    const named = flows.map(({ line, family }) => `${line} ${family}`);
    if (new Set(named).size !== named.length)
      this.report(world, 'one-selected', 'running flows of a line are sent two ways');
  }

  #moved(world: UplinkWorld, family: Family, from: LineNumber | undefined, to: LineNumber): void {
    const old = from === undefined ? undefined : this.#witnesses.of(world, from, family);
    const hasWay = old !== undefined && old.address !== null && old.line.ifindex !== null;
    const canChoose =
      world.clock.now > this.#unsteadyUntilMs &&
      this.#witnesses.ofFamily(world, family).some(each => isFresh(world, each) && isSteady(world, each));
    // Where the first device of the order is gone the kernel goes by the next one, and back by the first where nothing else is viable.
    const isOfItself = (from !== undefined && !hasWay) || (!canChoose && this.#chosen.get(family) === to);
    if (!isOfItself) {
      this.#mustBeViable(world, family, to, 'traffic is moved to');
      this.#chosen.set(family, to);
    } else if (canChoose) {
      this.#mustBeViable(world, family, to, 'traffic is moved to', false);
      this.#chosen.set(family, to);
    }
    if (this.#isAdopting(world) && from !== undefined && to > from && hasWay)
      this.report(
        world,
        'adoption',
        `a new daemon left ${this.#name(world, from)}, and nothing had happened`,
      );
  }

  /** `isAged`: the age of its last sign counts. */
  #mustBeViable(world: UplinkWorld, family: Family, number: LineNumber, what: string, isAged = true): void {
    const witness = this.#witnesses.of(world, number, family);
    if (witness === undefined) return;
    const { now } = world.clock;
    const whom = `${what} ${witness.line.spec.name} (${family})`;
    if (!witness.carrier) this.report(world, 'proven', `${whom}, which has no carrier`);
    else if (!isViable(witness))
      this.report(world, 'proven', `${whom}, which gave ${witness.row} signs of life since it is there`);
    else if (isAged && now - witness.lastSignMs > FRESH_MS && now > this.#unsteadyUntilMs)
      this.report(
        world,
        'proven',
        `${whom}, whose last sign of life is ${Math.round(now - witness.lastSignMs)} ms old`,
      );
  }

  flushed(world: UplinkWorld, flush: Flush, ended: readonly FlowEntry[]): void {
    const { family, line } = flush;
    const { now } = world.clock;
    const { steering } = world.gateway.tables;
    const target = steering?.selected[family][0];
    const witness = target === undefined ? undefined : this.#witnesses.of(world, target, family);
    const whose = `flows of ${this.#name(world, line)} (${family}) are ended`;
    const wanted = world.daemon.uplink?.steering();
    if (wanted !== undefined && !equalValues(wanted, steering))
      this.report(world, 'steer-first', `${whose} before the kernel is steered`);
    // What has an address that is gone is of no use by any line.
    const renumberedMs = this.#witnesses.of(world, line, family)?.addressChangedMs ?? 0;
    const isLong =
      now - renumberedMs > REPEATED_MS &&
      now - (witness?.lastSignMs ?? now) > MOST_PATIENCE_MS + ACT_MS &&
      now > this.#unsteadyUntilMs;
    if (witness === undefined || !isViable(witness) || isLong)
      this.report(world, 'viable-target', `${whose}, and there is no line that they could go by`);
    this.#mayBeFlushed(world, flush, target, whose, ended.length);
    if (this.#isAdopting(world) && world.lines[line - 1]?.spec.metered !== true)
      this.report(world, 'adoption', `${whose} by a new daemon, and nothing had happened`);
  }

  #mayBeFlushed(
    world: UplinkWorld,
    flush: Flush,
    target: LineNumber | undefined,
    whose: string,
    count: number,
  ): void {
    const { family, line, transport } = flush;
    const witness = this.#witnesses.of(world, line, family);
    if (witness === undefined) return;
    const { now } = world.clock;
    if (now - witness.addressChangedMs <= REPEATED_MS || now <= this.#unsteadyUntilMs) return;
    if (line === target) this.report(world, 'untouched', `${whose} (${count}), and it is the selected line`);
    const transports: readonly Transport[] = transport === 'all' ? ['tcp', 'others'] : [transport];
    const isStill = transports.some(
      each => flowsBy(world.gateway.tables.steering, line, family, each) === line,
    );
    if (line !== target && isStill && flush.keep === undefined)
      this.report(world, 'steer-first', `${whose}, and what follows of them still goes by it`);
    if (this.#wasNeverBad(world, witness))
      this.report(world, 'untouched', `${whose} (${count}), and nothing was wrong with it`);
  }

  /** It had no fault for so long that nobody can hold one against it, and nobody wanted it left. */
  #wasNeverBad(world: UplinkWorld, { line, soundSinceMs, firstTroubleMs }: Witness): boolean {
    const { now } = world.clock;
    const { metered, budgetMb } = line.spec;
    const drainedMs = this.#drained.get(line.number) ?? Number.NEGATIVE_INFINITY;
    const isSpared = metered === true || budgetMb !== undefined || now - drainedMs <= RECOVERED_MS;
    const isOld = soundSinceMs !== null && (firstTroubleMs === null || now - soundSinceMs > RECOVERED_MS);
    return isOld && !isSpared && now > this.#unsteadyUntilMs;
  }

  #isAdopting({ clock }: UplinkWorld): boolean {
    return clock.now <= this.#adoptedUntilMs;
  }

  /** A daemon is about to start where another was killed. */
  starting({ clock }: UplinkWorld): void {
    this.#adoptedUntilMs = this.#wasQuiet ? clock.now + ADOPTED_MS : Number.NEGATIVE_INFINITY;
    this.#wasQuiet = false;
    this.#witnesses.started();
  }

  #name(world: UplinkWorld, line: LineNumber): string {
    return world.lines[line - 1]?.spec.name ?? `line ${line}`;
  }

  /** Whoever has flows on a dead line while another one is good. */
  look(world: UplinkWorld): void {
    this.#witnesses.look(world);
    for (const family of FAMILIES) this.#lookAtFlow(world, `new flows (${family})`, newFlow(family), false);
    for (const traffic of world.traffic)
      this.#lookAtFlow(world, traffic.spec.name, traffic.key(), traffic.isRunning);
  }

  #lookAtFlow(world: UplinkWorld, who: string, key: FlowKey, isRunning: boolean): void {
    const { clock, gateway, daemon, scenario } = world;
    const leave = gateway.leave(key);
    const witness = leave === null ? undefined : this.#witnesses.of(world, leave.line.number, key.family);
    const isFree = gateway.tables.isOrdinary(key) && daemon.isAlive && !daemon.isBusy;
    const isStranded =
      isFree &&
      clock.now > this.#unsteadyUntilMs &&
      witness !== undefined &&
      witness.deadSinceMs !== null &&
      !(isRunning && this.#isDrained(witness)) &&
      this.#hasBetter(world, witness);
    if (!isStranded) {
      this.#stranded.delete(who);
      return;
    }
    const sinceMs = this.#stranded.get(who) ?? clock.now;
    this.#stranded.set(who, sinceMs);
    const keptMs = keptMsOf(world, key);
    const slowestMs = Math.max(...world.lines.map(({ spec }) => spec.roundTripMs ?? 0));
    const patienceMs = this.#patienceMs(scenario.uplink.timing?.silenceMs ?? 600, witness);
    const mostMs = patienceMs + ACT_MS + keptMs + 2 * slowestMs;
    if (clock.now - sinceMs <= mostMs) return;
    this.#stranded.set(who, Number.POSITIVE_INFINITY);
    const age = Math.round(clock.now - sinceMs);
    const where = `${who} goes by ${witness.line.spec.name}, which is dead`;
    this.report(world, 'no-stranding', `${where}, for ${age} ms, while another line is good`);
  }

  #isDrained({ line }: Witness): boolean {
    return this.#drained.has(line.number);
  }

  #patienceMs(silenceMs: number, { firstTroubleMs, deadSinceMs }: Witness): number {
    const wasTroubled = firstTroubleMs !== null && deadSinceMs !== null && firstTroubleMs < deadSinceMs;
    return wasTroubled ? Math.max(silenceMs, MOST_PATIENCE_MS) : silenceMs;
  }

  /** Another line is good, and the daemon can know it. */
  #hasBetter(world: UplinkWorld, than: Witness): boolean {
    return this.#witnesses
      .ofFamily(world, than.family)
      .some(each => each !== than && each.soundSinceMs !== null && isViable(each) && !this.#isDrained(each));
  }
}

/** It could be moved to, and lives. */
function isFresh({ clock }: UplinkWorld, witness: Witness): boolean {
  return isViable(witness) && clock.now - witness.lastSignMs <= FRESH_MS;
}

/** It was mended long enough ago to have been proven anew. */
function isSteady({ clock }: UplinkWorld, { soundSinceMs }: Witness): boolean {
  return soundSinceMs !== null && clock.now - soundSinceMs > ACT_MS + FRESH_MS;
}

/** Rules may keep connections, and attempts to make one, where they are. */
function keptMsOf({ scenario }: UplinkWorld, key: FlowKey): number {
  if (key.transport !== 'tcp') return 0;
  const kept = (scenario.uplink.rules ?? []).filter(rule => ruleMatches(rule, key));
  return Math.max(0, ...kept.map(({ keepTcpMs = 0 }) => keepTcpMs));
}
