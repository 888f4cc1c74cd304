// The monitors over lines that are no bond's members: two lines to the internet, of which a MII, an ARP and a link_watch monitor know
// only what `Watched` says. The last test is the rule that keeps it so.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LinkState, Output } from '../contract.js';
import { hear, hearAnswer } from './arp-hearing.js';
import { askerLoss, inspectAsker } from './arp-inspection.js';
import { sendProbes } from './arp-probes.js';
import { type ArpTimes, newArpTimes } from './arp-times.js';
import { restartWatch, watchAnswer, watchHeard, watchPeriod, watchTick } from './link-watch.js';
import { inspectLinks, lossReason } from './mii-inspection.js';
import { newWatch, type WatchTimes } from './watch-times.js';
import type { Watched, Watching, WatchRoles } from './watched.js';

const TARGET = '192.0.2.254';

/** A line to the internet: what a monitor needs, and something of its own. */
class Line implements Watched {
  readonly state = 'active';
  readonly provider: string;
  readonly member: number;
  adminUp: boolean = true;
  carrier: boolean = true;
  link: LinkState = 'up';
  delayTicks: number = 0;
  arp: ArpTimes = newArpTimes(0, 100, 1);
  watch: WatchTimes = newWatch(0);

  constructor(member: number, provider: string) {
    this.member = member;
    this.provider = provider;
  }

  get name(): string {
    return `line${this.member}`;
  }
}

/** Two lines and virtual time; `answers` are the lines by which the target is reached. */
class Uplinks {
  readonly lines: readonly [Line, Line] = [new Line(1, 'copper'), new Line(2, 'radio')];
  readonly answers: Set<number> = new Set([1, 2]);
  readonly lost: string[] = [];
  readonly told: string[] = [];
  readonly state: Watching<Line>;
  now: number = 0;

  constructor(numbers: Partial<Watching['numbers']> = {}) {
    this.state = {
      name: 'the internet',
      members: this.lines,
      arpTargets: [TARGET],
      nsTargets: [],
      routes: [{ target: TARGET, path: 'bond', sender: '192.0.2.7', vlans: [] }],
      numbers: {
        miimon: 100,
        updelay: 0,
        downdelay: 0,
        arp_interval: 100,
        arp_missed_max: 2,
        arp_validate: 0,
        arp_all_targets: 0,
        link_watch: 0,
        passive_evidence: 0,
        ...numbers,
      },
    };
  }

  get roles(): WatchRoles<Line> {
    return {
      // The backup line asks from an address of its own.
      askingAddress: ({ member }) => (member === 1 ? null : `02:00:00:00:00:0${member}`),
      lost: line => this.lost.push(line.provider),
    };
  }

  /** Gives a monitor its turn; the target answers what was asked, half a period later. */
  turn(monitor: (context: { state: Watching<Line>; out: Output[]; now: number }) => void): void {
    const out: Output[] = [];
    monitor({ state: this.state, out, now: this.now });
    for (const output of out) {
      if (output.kind === 'event') this.told.push(output.event.message);
      if (output.kind === 'probe' && this.answers.has(output.member)) this.#answer(output);
    }
    this.now += watchPeriod(this.state);
  }

  #answer({ member, target, source }: Extract<Output, { kind: 'probe' }>): void {
    const atMs = this.now + 1;
    const destination = source ?? '02:00:00:00:00:01';
    const heard = [{ member, anyMs: atMs, probeLikeMs: atMs }];
    watchHeard(this.state, heard);
    hear(this.state, heard);
    watchAnswer(
      this.state,
      { member, atMs, protocol: 'arp', isReply: true, sender: target, target: '192.0.2.7', destination },
      this.roles.askingAddress,
    );
  }
}

describe('the MII monitor', () => {
  it('counts updelay and downdelay of a line, and says why', () => {
    const uplinks = new Uplinks({ downdelay: 2, updelay: 1 });
    const [copper] = uplinks.lines;
    const seen: LinkState[] = [];
    const look = (): void =>
      uplinks.turn(context => {
        for (const { member, link } of inspectLinks(context, false)) member.link = link;
        seen.push(copper.link);
      });
    copper.carrier = false;
    for (let i = 0; i < 3; i++) look();
    expect(lossReason(uplinks, copper)).toBe('line1 lost its carrier');
    copper.carrier = true;
    for (let i = 0; i < 2; i++) look();
    expect(seen).toEqual(['fail', 'fail', 'down', 'back', 'up']);
    expect(uplinks.told).toEqual([
      'line1 lost its carrier; it is given up in 200 ms unless that changes',
      'line1 has its link back; it counts as up in 100 ms',
    ]);
    expect(uplinks.lines[1].link).toBe('up');
  });
});

describe('the ARP monitor', () => {
  function look(uplinks: Uplinks): void {
    uplinks.turn(context => {
      for (const line of uplinks.lines) {
        line.link = inspectAsker(context, line) ?? line.link;
        sendProbes(context, line);
      }
    });
  }

  it('gives up a line on which nothing comes in, and takes it back', () => {
    const uplinks = new Uplinks();
    const [copper, radio] = uplinks.lines;
    for (let i = 0; i < 3; i++) look(uplinks);
    uplinks.answers.delete(2);
    for (let i = 0; i < 4; i++) look(uplinks);
    expect([copper.link, radio.link]).toEqual(['up', 'down']);
    expect(askerLoss(uplinks, radio)).toMatch(
      /^nothing came in on line2 for \d+ ms although 192.0.2.254 was asked$/,
    );
    uplinks.answers.add(2);
    for (let i = 0; i < 2; i++) look(uplinks);
    expect(radio.link).toBe('up');
  });

  it('validates answers by the addresses that are ours', () => {
    const uplinks = new Uplinks({ arp_validate: 3 });
    const [copper] = uplinks.lines;
    const stack = [{ ipv4: ['192.0.2.7'], ipv6: [] }];
    const hearing = { ...uplinks.state, active: 1, probing: null, stack };
    const answer = { member: 1, atMs: 700, protocol: 'arp', isReply: true, sender: TARGET } as const;
    const destination = '02:00:00:00:00:01';
    hearAnswer(hearing, { ...answer, target: '192.0.2.8', destination });
    expect(copper.arp.rxMs).toBeLessThan(0);
    hearAnswer(hearing, { ...answer, target: '192.0.2.7', destination });
    expect(copper.arp.rxMs).toBe(700);
  });
});

describe('both together (link_watch)', () => {
  const watch = (uplinks: Uplinks, times: number): void => {
    for (let i = 0; i < times; i++) uplinks.turn(context => watchTick(context, uplinks.roles));
  };

  it.each([0, 1])(
    'a line that goes silent is lost at once, and answered again (passive_evidence %i)',
    passive => {
      const uplinks = new Uplinks({ link_watch: 1, passive_evidence: passive });
      const [copper, radio] = uplinks.lines;
      uplinks.turn(restartWatch);
      watch(uplinks, 12);
      expect(uplinks.lost).toEqual([]);
      uplinks.answers.delete(2);
      const since = uplinks.now;
      while (!radio.watch.silent && uplinks.now < since + 2000) watch(uplinks, 1);
      expect(uplinks.lost).toEqual(['radio']);
      expect(copper.watch.silent).toBe(false);
      // arp_missed_max intervals and a half; with passive evidence sooner.
      expect(uplinks.now - since).toBeLessThanOrEqual(passive === 1 ? 250 : 400);
      expect(uplinks.told).toHaveLength(1);
      expect(uplinks.told[0]).toMatch(/^There is no answer from 192.0.2.254 through line2 for \d+ ms$/);
      uplinks.answers.add(2);
      watch(uplinks, 4);
      expect(uplinks.told.at(-1)).toBe('line2 is answered again by 192.0.2.254');
    },
  );

  it('when nobody is answered, it is the target that is silent', () => {
    const uplinks = new Uplinks({ link_watch: 1 });
    watch(uplinks, 3);
    uplinks.answers.clear();
    watch(uplinks, 20);
    expect(uplinks.lost).toEqual([]);
  });
});

/** What is of the bond: its passes over members, and what it hears of interfaces. All else here knows no bond. */
const OF_BONDS = [
  'arp-active-backup',
  'arp-load-balance',
  'asking-address',
  'bond-watch',
  'link-inputs',
  'mii-pass',
];

it('no other file of this folder knows the state of a bond', () => {
  const folder = new URL('.', import.meta.url);
  const knowing = readdirSync(folder)
    .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .filter(name =>
      /\bfrom '\.\.\/(?:state|members|bond|carrier)\.js'/.test(readFileSync(new URL(name, folder), 'utf8')),
    )
    .map(name => name.replace(/\.ts$/, ''));
  expect(knowing).toEqual(OF_BONDS);
});
