// A channel group of a switch: ports that act as one, by LACP or statically. Its LACP is the policy's, that of bonds: what they do at a
// tick and when they hear something is the same code. (simulator)
import type { MacText } from '../base/index.js';
import {
  FALLBACK,
  lacpActorChanged,
  type LacpContext,
  lacpFlagsChanged,
  lacpHear,
  lacpJoin,
  lacpLeave,
  lacpLinkChanged,
  lacpOpened,
  lacpSnapshot,
  lacpTick,
  type LacpSnapshot,
  type Output,
  type PortMember,
  restartSilence,
  transmitHash,
  type WatchedBond,
} from '../policy/index.js';
import { lacpduFrame, parseSlowFrame } from '../frames/index.js';
import type { Clock } from './clock.js';
import { type Frame, frameOf } from './frame.js';
import { bytesOf } from './frame-bytes.js';
import type { GroupSpec } from './scenario.js';
import type { SwitchPort } from './switch-port.js';

/** As whom a group speaks. */
export interface GroupIdentity {
  readonly system: MacText;
  readonly systemPriority: number;
  /** Where the group names none. */
  readonly key: number;
  /** Added to the numbers of its ports: the second switch of a pair has others than the first. */
  readonly firstPort: number;
}

export interface GroupWorld {
  readonly clock: Clock;
  /** Its LACP did something. */
  stepped(group: ChannelGroup): void;
  /** Others of its ports carry than before. */
  carriesOtherwise(group: ChannelGroup): void;
}

type Member = { -readonly [K in keyof PortMember]: PortMember[K] };
type LacpOption = keyof WatchedBond['numbers'];
type Bond = Omit<WatchedBond, 'numbers' | 'members'> & {
  readonly members: Member[];
  readonly numbers: Record<LacpOption, number>;
};

const PORT_PRIORITY = 255;
/** The policy has keys of its own, by speed; on the wire is the group's. They are below this one. */
const NO_KEY = 0xffff;

export class ChannelGroup {
  readonly name: string;
  ports: readonly SwitchPort[] = [];
  readonly #world: GroupWorld;
  readonly #identity: GroupIdentity;
  #spec: Omit<GroupSpec, 'name' | 'ports'>;
  /** Null: it is static. */
  #bond: Bond | null = null;
  #dueMs: number | null = null;
  #carrying = '';

  constructor(spec: GroupSpec, identity: GroupIdentity, world: GroupWorld) {
    this.name = spec.name;
    this.#spec = spec;
    this.#identity = identity;
    this.#world = world;
    this.restart();
  }

  get key(): number {
    return this.#spec.key ?? this.#identity.key;
  }

  /** LACP begins anew on all ports. */
  restart(): void {
    const { lacp = 'active', rate = 'slow' } = this.#spec;
    const { system, systemPriority } = this.#identity;
    this.#dueMs = null;
    this.#bond =
      lacp === 'off'
        ? null
        : {
            name: `group ${this.name}`,
            address: system,
            adminUp: true,
            adActorSystem: '00:00:00:00:00:00',
            members: [],
            lacp: null,
            silence: null,
            timers: { lacp: null },
            numbers: {
              lacp_rate: rate === 'fast' ? 1 : 0,
              lacp_active: lacp === 'active' ? 1 : 0,
              lacp_strict: 0,
              lacp_quirks: 0,
              lacp_fallback: FALLBACK.OFF,
              lacp_fast_silence: 0,
              ad_select: 0,
              ad_actor_sys_prio: systemPriority,
              ad_user_port_key: 0,
              min_links: 0,
              coupled_control: 1,
              all_slaves_active: 0,
            },
          };
    for (const port of this.ports) this.#join(port);
    this.#looked();
  }

  add(port: SwitchPort): void {
    port.group = this;
    this.ports = [...this.ports, port];
    this.#join(port);
    this.#looked();
  }

  remove(port: SwitchPort): void {
    port.group = null;
    this.ports = this.ports.filter(each => each !== port);
    this.#do(context => {
      lacpLeave(context, port.number, false);
      const at = context.state.members.findIndex(({ member }) => member === port.number);
      if (at !== -1) this.#bond?.members.splice(at, 1);
    });
    this.#looked();
  }

  /** It is set up otherwise. */
  set(to: Omit<GroupSpec, 'name' | 'ports'>): void {
    this.#spec = { ...this.#spec, ...to };
    const isRateAlone = Object.keys(to).every(name => name === 'rate');
    const bond = this.#bond;
    if (!isRateAlone || bond === null) return this.restart();
    bond.numbers.lacp_rate = this.#spec.rate === 'fast' ? 1 : 0;
    this.#do(context => {
      lacpFlagsChanged(context);
      // A partner that may be slow now is not given up for it; and it is told at once.
      restartSilence(context.state.lacp);
      lacpActorChanged(context);
    });
  }

  linkChanged(port: SwitchPort): void {
    const member = this.#bond?.members.find(each => each.member === port.number);
    if (member !== undefined) {
      Object.assign(member, linkOf(port));
      if (!port.isUp) Object.assign(member, { state: 'backup', inactive: true });
      this.#do(context => lacpLinkChanged(context, port.number));
    }
    this.#looked();
  }

  /** A frame of the slow protocols. A static group makes nothing of it. */
  hear(port: SwitchPort, frame: Frame): void {
    if (frame.cargo.kind !== 'bytes') return;
    const bytes = this.#rekeyed(frame.cargo.bytes, port, 'partner');
    this.#do(context => void lacpHear(context, port.number, bytes));
  }

  /** The port sends and takes in frames of the group. */
  carries(port: SwitchPort): boolean {
    if (port.group !== this || !port.isUp) return false;
    const { members } = this.#bond ?? {};
    return (
      members === undefined || members.some(each => each.member === port.number && each.state === 'active')
    );
  }

  /** The port hears no LACP, and is a port of its own meanwhile. */
  isOnItsOwn(port: SwitchPort): boolean {
    if (this.#spec.withoutLacp !== 'individual' || !port.isUp) return false;
    return this.#bond?.lacp?.ports.find(each => each.member === port.number)?.receive === 'defaulted';
  }

  carrying(): readonly SwitchPort[] {
    return this.ports.filter(port => this.carries(port));
  }

  /** Sends a frame by the port of its flow; false where none carries. */
  send(frame: Frame, hops: number): boolean {
    const carrying = this.carrying();
    const port = carrying[transmitHash('layer3+4', bytesOf(frame)) % carrying.length];
    port?.send(frame, hops);
    return port !== undefined;
  }

  /** Its LACP, with the numbers of its ports as members; null: it has none. */
  snapshot(): LacpSnapshot | null {
    if (this.#bond === null) return null;
    const usable = this.carrying().map(({ number }) => number);
    return lacpSnapshot({ ...this.#bond, usable });
  }

  #join(port: SwitchPort): void {
    const bond = this.#bond;
    if (bond === null) return;
    bond.members.push({
      member: port.number,
      name: port.name,
      permanentAddress: port.mac,
      adminUp: true,
      actorPortPrio: PORT_PRIORITY,
      state: 'backup',
      inactive: true,
      ...linkOf(port),
    });
    const isFirst = bond.lacp === null;
    this.#do(context => {
      lacpJoin(context, port.number);
      const joined = bond.lacp?.ports.find(({ member }) => member === port.number);
      if (joined !== undefined) joined.actor.port = port.number + this.#identity.firstPort;
      lacpLinkChanged(context, port.number);
      if (isFirst) lacpOpened(context, true);
    });
  }

  #do(act: (context: LacpContext) => void): void {
    const bond = this.#bond;
    if (bond === null) return;
    const out: Output[] = [];
    act({ state: bond, out, now: this.#world.clock.now });
    for (const output of out) if (output.kind === 'send-through') this.#say(output);
    this.#waitForTick(bond);
    this.#world.stepped(this);
    this.#looked();
  }

  #waitForTick(bond: Bond): void {
    const due = bond.timers.lacp;
    if (due === null || due === this.#dueMs) return;
    this.#dueMs = due;
    this.#world.clock.at(due, () => {
      // Others were set after it, or all began anew.
      if (this.#bond !== bond || bond.timers.lacp !== due) return;
      this.#dueMs = null;
      this.#do(context => lacpTick(context, due));
    });
  }

  #say({ member, frame }: Extract<Output, { kind: 'send-through' }>): void {
    const port = this.ports.find(({ number }) => number === member);
    port?.send(frameOf(this.#rekeyed(frame, port, 'actor')), 0);
  }

  /** A LACPDU with the group's key where the policy has its own (what we say), or the other way round (what is said of us). */
  #rekeyed(frame: Uint8Array, port: SwitchPort, whose: 'actor' | 'partner'): Uint8Array {
    const read = parseSlowFrame(frame);
    if (!read.ok || read.value.kind !== 'lacpdu') return frame;
    const { pdu, source } = read.value;
    const own = this.#bond?.lacp?.ports.find(({ member }) => member === port.number)?.actor.key ?? 0;
    const named = pdu.partner.key === this.key ? own : NO_KEY;
    const key = whose === 'actor' ? this.key : named;
    const written = lacpduFrame(source, { ...pdu, [whose]: { ...pdu[whose], key } });
    return written.ok ? written.value : frame;
  }

  #looked(): void {
    const state = (port: SwitchPort): string => `${this.carries(port)} ${this.isOnItsOwn(port)}`;
    const carrying = this.ports.map(port => `${port.name} ${state(port)}`).join();
    if (carrying === this.#carrying) return;
    this.#carrying = carrying;
    this.#world.carriesOtherwise(this);
  }
}

function linkOf(port: SwitchPort): Pick<Member, 'carrier' | 'link' | 'speedMbps' | 'duplex'> {
  return {
    carrier: port.isUp,
    link: port.isUp ? 'up' : 'down',
    speedMbps: port.isUp ? port.farSpeedMbps : null,
    duplex: port.isUp ? port.farDuplex : null,
  };
}
