// The faults of one line of the lab, set and cleared while it runs.
import {
  addClassicFilter,
  deleteBpfFilter,
  monotonicMs,
  requireLink,
  type Rtnetlink,
  setLink,
} from '../../linux/index.js';
import { type ClassicRule, type FilterPlace, rulesProgram, TC_ACT_UNSPEC } from '../../netlink/index.js';
import type { PlaceGroup } from '../place-group.js';
import { DIRECTIONS, type Fault, type FaultKind, wireState } from './faults.js';
import { NO_DNS, NOTHING, PORTAL_ONLY } from './packet-rules.js';
import { ACCESS, type IspPlace, type LabLine, TRANSIT } from './plan.js';
import { switchPortal } from './portal.js';
import type { WireControl } from './wire-control.js';

/** One filter of the provider's router. */
interface Filter {
  readonly device: string;
  readonly direction: FilterPlace['direction'];
  readonly rules: readonly ClassicRule[];
}

function bothWays(device: string): readonly Filter[] {
  return [
    { device, direction: 'ingress', rules: NOTHING },
    { device, direction: 'egress', rules: NOTHING },
  ];
}

/** What faults put into the provider's router. */
const FILTERS: Partial<Record<FaultKind, readonly Filter[]>> = {
  'gateway-dead': bothWays(ACCESS),
  'dead-beyond': bothWays(TRANSIT),
  'dns-dead': [{ device: ACCESS, direction: 'ingress', rules: NO_DNS }],
  portal: [{ device: ACCESS, direction: 'ingress', rules: PORTAL_ONLY }],
};

/** Preferences of filters; that of the provider's rule for sources is before them. */
const PREFERENCES: Partial<Record<FaultKind, number>> = {
  'gateway-dead': 10,
  'dead-beyond': 11,
  'dns-dead': 12,
  portal: 13,
};

/** Adds a filter of a device. */
export function addRulesFilter(
  netlink: Rtnetlink,
  device: string,
  direction: FilterPlace['direction'],
  preference: number,
  rules: readonly ClassicRule[],
): void {
  const { ifindex } = requireLink(netlink, device);
  const program = rulesProgram(rules, TC_ACT_UNSPEC);
  addClassicFilter(netlink, { ifindex, direction, preference, handle: 1 }, program);
}

/** What is wrong with a line. */
export class LineFaults {
  readonly #places: PlaceGroup<IspPlace>;
  readonly #line: LabLine;
  readonly #control: WireControl;
  readonly #active = new Map<FaultKind, Fault>();

  constructor(places: PlaceGroup<IspPlace>, line: LabLine, control: WireControl) {
    this.#places = places;
    this.#line = line;
    this.#control = control;
  }

  get active(): readonly Fault[] {
    return [...this.#active.values()];
  }

  /** Sets one, in place of one of the same kind; says when. */
  set(fault: Fault): { readonly fromMs: number; readonly toMs: number } {
    const fromMs = monotonicMs();
    const isNew = !this.#active.has(fault.kind);
    this.#active.set(fault.kind, fault);
    this.#tellWire();
    if (isNew) this.#switch(fault.kind, true);
    return { fromMs, toMs: monotonicMs() };
  }

  /** Ends one, or all; says when. */
  clear(kind?: FaultKind): { readonly fromMs: number; readonly toMs: number } {
    const fromMs = monotonicMs();
    const ended = [...this.#active.keys()].filter(one => kind === undefined || one === kind);
    for (const one of ended) this.#active.delete(one);
    this.#tellWire();
    for (const one of ended) this.#switch(one, false);
    return { fromMs, toMs: monotonicMs() };
  }

  #tellWire(): void {
    const { index, delayMs } = this.#line;
    for (const direction of DIRECTIONS) {
      this.#control.set(index, direction, wireState(this.active, direction, delayMs));
    }
  }

  #switch(kind: FaultKind, on: boolean): void {
    const { netlink } = this.#places.at(this.#line.provider);
    if (kind === 'cut') this.#setCable(!on);
    if (kind === 'portal') switchPortal(netlink, on);
    const preference = PREFERENCES[kind] ?? 0;
    for (const { device, direction, rules } of FILTERS[kind] ?? []) {
      if (on) addRulesFilter(netlink, device, direction, preference, rules);
      else {
        const { ifindex } = requireLink(netlink, device);
        deleteBpfFilter(netlink, { ifindex, direction, preference, handle: 1 });
      }
    }
  }

  #setCable(up: boolean): void {
    const { netlink } = this.#places.at('wires');
    setLink(netlink, requireLink(netlink, this.#line.wire.near).ifindex, { up });
  }
}
