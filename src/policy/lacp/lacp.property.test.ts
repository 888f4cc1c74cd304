// Random lives of an 802.3ad bond: what always holds, that ticks which find nothing may be left out, and that saving and restoring
// changes nothing.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LacpEnd, lacpduFrame, parseSlowFrame, PORT_STATE } from '../../frames/index.js';
import { Bond, createBond } from '../bond.js';
import type { BondSnapshot, Input, Output, TimeMs } from '../contract.js';
import { linkOf } from '../testing.js';
import { LACP_TICK_MS } from './lacp.js';

const MEMBERS = [1, 2, 3] as const;

/** Something that happens, so many ms after what happened before it. */
interface Step {
  readonly wait: number;
  readonly act: Act;
}
type Act =
  | { readonly kind: 'hear'; readonly member: number; readonly end: LacpEnd; readonly names: boolean }
  | { readonly kind: 'bytes'; readonly member: number; readonly bytes: Uint8Array }
  | { readonly kind: 'input'; readonly input: Input };

const member = fc.constantFrom(...MEMBERS);
const end: fc.Arbitrary<LacpEnd> = fc.record({
  systemPriority: fc.constantFrom(1, 65_535),
  system: fc.constantFrom('02:bb:00:00:00:01', '02:bb:00:00:00:02', '00:00:00:00:00:00', '02:00:00:00:00:01'),
  key: fc.constantFrom(7, 9),
  portPriority: fc.constant(255),
  port: fc.constantFrom(1, 2),
  state: fc.constantFrom(0x3f, 0x3f, 0x3f, 0x3d, 0x0f, 0x07, 0x05, 0x3b, 0x3e, 0xc7, 0x00),
});

const option: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  fc.tuple(fc.constant('min_links'), fc.constantFrom('0', '1', '2')),
  fc.tuple(fc.constant('lacp_strict'), fc.constantFrom('on', 'off')),
  fc.tuple(fc.constant('ad_actor_sys_prio'), fc.constantFrom('1', '65535')),
  fc.tuple(fc.constant('ad_actor_system'), fc.constantFrom('00:00:00:00:00:00', '02:dd:00:00:00:01')),
  fc.tuple(fc.constant('actor_port_prio'), fc.constantFrom('eth1:9', 'eth2:9')),
  fc.tuple(fc.constantFrom('lacp_rate', 'lacp_active', 'coupled_control'), fc.constantFrom('0', '1')),
  fc.tuple(fc.constant('ad_select'), fc.constantFrom('0', '1', '2', '3')),
  fc.tuple(fc.constantFrom('inline_failover', 'all_slaves_active'), fc.constantFrom('0', '1')),
  fc.tuple(fc.constant('lacp_fallback'), fc.constantFrom('off', 'one', 'static')),
);

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('hear' as const), member, end, names: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('bytes' as const),
      member,
      bytes: fc
        .uint8Array({ maxLength: 130 })
        .map(rest => Uint8Array.from([1, 0x80, 0xc2, 0, 0, 2, 2, 0xbb, 0, 0, 0, 9, 0x88, 9, ...rest])),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        member,
        carrier: fc.boolean(),
        up: fc.integer({ min: 0, max: 5 }),
        speedMbps: fc.constantFrom(1000, 1000, 1000, 10_000, null),
        duplex: fc.constantFrom('full' as const, 'full' as const, 'half' as const),
      })
      .map(
        ({ member, carrier, up, speedMbps, duplex }): Act => ({
          kind: 'input',
          input: {
            kind: 'member-link',
            member,
            link: linkOf(member, { carrier, adminUp: up > 0, speedMbps, duplex }),
          },
        }),
      ),
  },
  {
    weight: 1,
    arbitrary: option.map(
      ([name, value]): Act => ({ kind: 'input', input: { kind: 'set-option', option: name, value } }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      member.map(
        (index): Act => ({
          kind: 'input',
          input: {
            kind: 'join',
            member: index,
            link: linkOf(index),
            permanentAddress: linkOf(index).address,
            canSetAddress: true,
          },
        }),
      ),
      member.map(
        (index): Act => ({ kind: 'input', input: { kind: 'leave', member: index, cause: 'released' } }),
      ),
      fc.integer({ min: 0, max: 3 }).map(
        (up): Act => ({
          kind: 'input',
          input: {
            kind: 'bond-link',
            name: 'bond0',
            adminUp: up > 0,
            mtu: 1500,
            address: '02:00:00:00:00:01',
            promiscuous: false,
            allMulticast: false,
          },
        }),
      ),
    ),
  },
);

const life: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ wait: fc.constantFrom(0, 3, 50, 90, 350, 1100, 3500, 12_000), act }),
  { minLength: 5, maxLength: 30 },
);

function fresh(quirks: string): Bond {
  const made = createBond({
    name: 'bond0',
    address: '02:00:00:00:00:99',
    addressIsRandom: true,
    mtu: 1500,
    options: [
      ['mode', '802.3ad'],
      ['miimon', '400'],
      ['downdelay', '400'],
      ['lacp_rate', 'fast'],
      ['lacp_quirks', quirks],
    ],
  });
  if (!made.ok) throw new Error(made.error.message);
  const bond = made.value;
  for (const index of [1, 2]) {
    const about = { permanentAddress: linkOf(index).address, canSetAddress: true };
    bond.handle({ kind: 'join', member: index, link: linkOf(index), ...about }, 0);
  }
  bond.handle(
    {
      kind: 'bond-link',
      name: 'bond0',
      adminUp: true,
      mtu: 1500,
      address: '02:00:00:00:00:01',
      promiscuous: false,
      allMulticast: false,
    },
    0,
  );
  bond.outputs();
  return bond;
}

/** An output and when it came. */
type Came = readonly [at: TimeMs, output: Output];

/** Runs a bond through a life. */
class Runner {
  bond: Bond;
  now: TimeMs;
  readonly came: Came[] = [];
  readonly #looks: (runner: Runner) => void;

  constructor(bond: Bond, now: TimeMs, looks: (runner: Runner) => void = () => {}) {
    this.bond = bond;
    this.now = now;
    this.#looks = looks;
  }

  give(input: Input): void {
    const before = input.kind === 'set-option' ? JSON.stringify(this.bond.save(this.now)) : '';
    const handled = this.bond.handle(input, this.now);
    for (const output of this.bond.outputs()) this.came.push([this.now, output]);
    if (!handled.ok && input.kind === 'set-option')
      expect(JSON.stringify(this.bond.save(this.now))).toBe(before);
    this.#looks(this);
  }

  run(until: TimeMs): void {
    for (;;) {
      const due = this.bond.deadline();
      if (due === null || due > until) break;
      this.now = Math.max(this.now, due);
      this.give({ kind: 'time' });
    }
    this.now = until;
  }

  do(given: Act): void {
    if (given.kind === 'input') this.give(given.input);
    else if (given.kind === 'bytes')
      this.give({ kind: 'slow-frame', member: given.member, frame: given.bytes });
    else {
      const port = this.bond.snapshot().lacp?.ports.find(each => each.member === given.member);
      const names = given.names ? (port?.actor ?? given.end) : given.end;
      const frame = lacpduFrame('02:bb:00:00:00:0f', { actor: given.end, partner: names });
      if (frame.ok) this.give({ kind: 'slow-frame', member: given.member, frame: frame.value });
    }
  }

  live(steps: readonly Step[]): void {
    // Nothing happens in the very moment of a tick: either could be first.
    this.run(Math.floor(this.now) + 0.5);
    for (const { wait, act: given } of steps) {
      this.run(this.now + wait);
      this.do(given);
    }
    this.run(this.now + 5000);
  }
}

/** A snapshot without what counts frames. */
function seenOf(bond: Bond): unknown {
  const { lacp, ...rest } = bond.snapshot();
  return { ...rest, lacp: lacp?.ports.map(({ counts: _counts, ...port }) => port) };
}

const isOn = (state: number, flag: number): boolean => (state & flag) !== 0;

function check({ lacp, members }: BondSnapshot): void {
  const ports = lacp?.ports ?? [];
  const actives = new Set(ports.filter(port => port.isInActive).map(({ aggregator }) => aggregator));
  expect(actives.size).toBeLessThanOrEqual(1);
  for (const { actor, mux, aggregator, member: index } of ports) {
    const carries = mux === 'distributing' || mux === 'collecting-distributing';
    expect(isOn(actor.state, PORT_STATE.DISTRIBUTING)).toBe(carries);
    if (isOn(actor.state, PORT_STATE.DISTRIBUTING))
      expect(isOn(actor.state, PORT_STATE.COLLECTING | PORT_STATE.SYNCHRONIZATION)).toBe(true);
    if (mux !== 'none') expect(aggregator).not.toBeNull();
    expect(members.some(each => each.member === index)).toBe(true);
  }
}

describe('an 802.3ad bond', () => {
  it('has one active aggregator, says Distributing only when it carries, and speaks at most every third tick', () => {
    fc.assert(
      fc.property(life, fc.constantFrom('0', '1'), (steps, quirks) => {
        const runner = new Runner(fresh(quirks), 0, ({ bond }) => check(bond.snapshot()));
        runner.live(steps);
        const last = new Map<number, number>();
        for (const [at, output] of runner.came) {
          if (output.kind === 'detach-member') last.delete(output.member);
          if (output.kind !== 'send-through') continue;
          const frame = parseSlowFrame(output.frame);
          if (!frame.ok || frame.value.kind !== 'lacpdu') continue;
          const isFarewell = !isOn(frame.value.pdu.actor.state, PORT_STATE.AGGREGATION);
          const apartMs = at - (last.get(output.member) ?? -Infinity);
          if (!isFarewell) expect(apartMs).toBeGreaterThanOrEqual(3 * LACP_TICK_MS - 1);
          last.set(output.member, at);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is the same when every tick is run', () => {
    fc.assert(
      fc.property(life, fc.constantFrom('0', '1'), (steps, quirks) => {
        const sparing = new Runner(fresh(quirks), 0);
        const busy = new Runner(fresh(quirks), 0, ({ bond, now }) => {
          // A frame of no use wakes the machines: the next tick is run.
          const wake = Uint8Array.from([1, 0x80, 0xc2, 0, 0, 2, 2, 0xbb, 0, 0, 0, 9, 0x88, 9]);
          bond.handle({ kind: 'slow-frame', member: 1, frame: wake }, now);
          bond.handle({ kind: 'slow-frame', member: 2, frame: wake }, now);
          bond.handle({ kind: 'slow-frame', member: 3, frame: wake }, now);
        });
        sparing.live(steps);
        busy.live(steps);
        expect(sparing.came).toEqual(busy.came);
        expect(seenOf(sparing.bond)).toEqual(seenOf(busy.bond));
      }),
      { numRuns: 60 },
    );
  });

  it('goes on from paper as if nothing had been between, at another time', () => {
    fc.assert(
      fc.property(life, life, fc.integer({ min: -100_000, max: 1_000_000 }), (before, after, later) => {
        const first = new Runner(fresh('0'), 0);
        first.live(before);
        const paper = JSON.parse(JSON.stringify(first.bond.save(first.now))) as ReturnType<Bond['save']>;
        const one = new Runner(Bond.restore(paper, first.now), first.now);
        const two = new Runner(Bond.restore(paper, first.now + later), first.now + later);
        one.live(after);
        two.live(after);
        expect(two.came.map(([at, output]) => [Math.round(at - later), output])).toEqual(
          one.came.map(([at, output]) => [Math.round(at), output]),
        );
        // All that was silent counts as heard just now; but for that the one that went on without a break is the same.
        const isSilent = first.bond.snapshot().lacp?.ports.some(({ receive }) => receive === 'current');
        if (isSilent === true) return;
        first.came.length = 0;
        first.live(after);
        expect(one.came.filter(([, { kind }]) => kind !== 'forward')).toEqual(
          first.came.filter(([, { kind }]) => kind !== 'forward'),
        );
      }),
      { numRuns: 60 },
    );
  });
});
