// The world of an uplink in virtual time: an office, its gateway with the daemon, lines to the internet, and what happens to them. (simulator)
import { unreachable } from '../../base/index.js';
import {
  FAMILIES,
  type LineNumber,
  type UplinkEvent,
  type UplinkInput,
  type Wish,
} from '../../uplinks/index.js';
import type { Clock } from '../clock.js';
import { Random } from '../random.js';
import { askLine } from './answers.js';
import { type DaemonWorld, SimulatedDaemon, type UplinkMaker } from './daemon.js';
import { Gateway } from './gateway.js';
import { SimulatedLine } from './line.js';
import { numberOfLine, type Step, type UplinkScenario } from './scenario.js';
import { settingsOf } from './settings-of.js';
import { Traffic } from './traffic.js';
import type { UplinkWatch } from './watch.js';

/** The gateway asks each device for its carrier so often, as the kernel may hold the news back. */
const CARRIER_MS = 25;
/** News of devices and addresses come at once. */
const NEWS_MS = 1;
const MEGABYTE = 1_000_000;

export class UplinkWorld {
  readonly clock: Clock;
  readonly scenario: UplinkScenario;
  readonly lines: readonly SimulatedLine[];
  readonly gateway: Gateway;
  readonly daemon: SimulatedDaemon;
  readonly traffic: readonly Traffic[];
  readonly random: Random;
  readonly #watches: readonly UplinkWatch[];
  #refusesUntilMs = Number.NEGATIVE_INFINITY;

  constructor(
    clock: Clock,
    scenario: UplinkScenario,
    seed: number,
    maker: UplinkMaker,
    watches: readonly UplinkWatch[],
  ) {
    this.clock = clock;
    this.scenario = scenario;
    this.#watches = watches;
    this.random = new Random(seed);
    const { uplink } = scenario;
    this.lines = uplink.lines.map((line, at) => new SimulatedLine(at + 1, line));
    this.gateway = new Gateway(clock, this.random, uplink, this.lines);
    this.traffic = uplink.traffic.map(
      (spec, at) =>
        new Traffic(spec, at + 1, clock, this.gateway, (traffic, why, line) =>
          this.#each(watch => watch.lost?.(this, traffic, why, line)),
        ),
    );
    this.daemon = new SimulatedDaemon(this.#forDaemon(maker));
  }

  #forDaemon(maker: UplinkMaker): DaemonWorld {
    return {
      clock: this.clock,
      maker,
      settings: settingsOf(this.scenario.uplink),
      lines: this.lines,
      ask: probe => {
        const line = this.lines[probe.line - 1];
        this.#each(watch => watch.asked?.(this, probe));
        if (line !== undefined) this.#ask(probe, line);
      },
      steer: (steering, places) => {
        if (this.clock.now < this.#refusesUntilMs) throw new Error('the kernel refuses it (EBUSY)');
        const before = this.gateway.tables.steering;
        this.gateway.tables.steer(steering, places);
        this.#each(watch => watch.steered?.(this, steering, before));
      },
      flush: flush => {
        const rules = this.scenario.uplink.rules ?? [];
        const kept = (flush.keep ?? []).flatMap(at => rules[at] ?? []);
        const ended = this.gateway.flows.flush(flush.line, flush.family, flush.transport, key =>
          kept.some(rule => rule.port === key.port && (rule.protocol ?? 'tcp') === key.transport),
        );
        this.#each(watch => watch.flushed?.(this, flush, ended));
        return ended.length;
      },
      tell: (event: UplinkEvent) => this.#each(watch => watch.told?.(this, event)),
      starting: () => this.#each(watch => watch.starting?.(this)),
      fed: (input: UplinkInput) => this.#each(watch => watch.fed?.(this, input)),
      rang: () => this.#each(watch => watch.rang?.(this)),
    };
  }

  #ask(probe: Parameters<typeof askLine>[0], line: SimulatedLine): void {
    const life = this.daemon.life;
    askLine(probe, line, this.clock, this.random, input => {
      if (life === this.daemon.life) this.daemon.feed(input);
    });
  }

  /** Something happens. */
  happen(step: Step): void {
    this.#each(watch => watch.stepping?.(this, step));
    this.#do(step);
    this.#each(watch => watch.stepped?.(this, step));
  }

  #each(tell: (watch: UplinkWatch) => void): void {
    for (const watch of this.#watches) tell(watch);
  }

  #do(step: Step): void {
    if (isOfLine(step)) {
      const line = this.lines[this.#number(step.line) - 1];
      if (line !== undefined) this.#change(line, step);
      return;
    }
    switch (step.do) {
      case 'daemon-kill':
        this.daemon.kill();
        break;
      case 'daemon-start':
        this.daemon.start();
        break;
      case 'busy':
        this.daemon.busy(step.forMs);
        break;
      case 'kernel-refuses':
        this.#refusesUntilMs = this.clock.now + step.forMs;
        break;
      case 'use':
      case 'drain':
        this.#wish({ kind: step.do, line: this.#number(step.line), forMs: step.forMs ?? null });
        break;
      case 'release':
        this.#wish({
          kind: 'release',
          ...(step.line === undefined ? {} : { line: this.#number(step.line) }),
        });
        break;
      case 'refill':
        this.#wish({ kind: 'refill', line: this.#number(step.line) });
        break;
      default:
        unreachable(step);
    }
  }

  #number(name: string): LineNumber {
    return numberOfLine(this.scenario.uplink, name);
  }

  #wish(wish: Wish): void {
    this.daemon.feed({ kind: 'operator', wish });
  }

  #change(line: SimulatedLine, step: LineStep): void {
    switch (step.do) {
      case 'cut':
      case 'restore':
        line.isWhole = step.do === 'restore';
        this.#newsOfCarrier(line);
        break;
      case 'silence':
      case 'speak':
        silence(line, step);
        break;
      case 'router-dead':
      case 'router-back':
        line.isRouterAlive = step.do === 'router-back';
        break;
      case 'lose':
        line.set(line.lossPercent, step.direction ?? 'both', step.percent);
        break;
      case 'delay':
        line.set(line.extraMs, step.direction ?? 'both', step.ms);
        break;
      case 'blackouts':
        line.blackouts =
          step.forMs === 0 ? null : { sinceMs: this.clock.now, everyMs: step.everyMs, forMs: step.forMs };
        break;
      case 'portal':
      case 'portal-gone':
        line.isPortal = step.do === 'portal';
        break;
      case 'dns-dead':
      case 'dns-back':
        line.isDnsDead = step.do === 'dns-dead';
        break;
      case 'address':
        this.#renew(line, step);
        break;
      case 'device-gone':
      case 'device-back':
        this.#changeDevice(line, step.do === 'device-back');
        break;
      case 'spend':
        line.received += step.mb * MEGABYTE;
        break;
      default:
        unreachable(step);
    }
  }

  #newsOfCarrier(line: SimulatedLine): void {
    this.clock.after(this.random.next() * CARRIER_MS, () =>
      this.daemon.feed({ kind: 'device', line: line.number, device: line.device() }),
    );
  }

  #renew(line: SimulatedLine, { family }: Extract<Step, { do: 'address' }>): void {
    for (const each of FAMILIES) {
      if (family !== undefined && family !== each) continue;
      if (line.ifindex !== null) this.gateway.flows.endMappings(line.ifindex, line.address(each));
      line.renew(each);
      this.clock.after(NEWS_MS, () => this.daemon.lookAtPath(line.number, each));
    }
  }

  #changeDevice(line: SimulatedLine, isBack: boolean): void {
    if (isBack === (line.ifindex !== null)) return;
    if (line.ifindex !== null) {
      this.gateway.flows.endMappings(line.ifindex, null);
      line.goneDevice();
    } else line.newDevice();
    this.clock.after(NEWS_MS, () => this.daemon.look(line.number));
  }
}

/** Steps that happen to a line itself; the others are wishes of the operator, and what happens to the daemon. */
const OF_OTHERS = [
  'use',
  'drain',
  'release',
  'refill',
  'daemon-kill',
  'daemon-start',
  'busy',
  'kernel-refuses',
] as const;
type LineStep = Exclude<Step, { readonly do: (typeof OF_OTHERS)[number] }>;

function isOfLine(step: Step): step is LineStep {
  return !OF_OTHERS.some(each => each === step.do);
}

function silence(line: SimulatedLine, step: Extract<Step, { do: 'silence' | 'speak' }>): void {
  const direction = step.do === 'speak' ? 'both' : (step.direction ?? 'both');
  const family = step.do === 'speak' ? undefined : step.family;
  for (const each of FAMILIES) {
    if (family !== undefined && family !== each) continue;
    const { silent } = line;
    for (const way of ['up', 'down'] as const)
      if (direction === 'both' || direction === way) silent[each][way] = step.do === 'silence';
  }
}
