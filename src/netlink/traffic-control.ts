// Traffic control messages (struct tcmsg): the clsact qdisc and eBPF filters in direct-action mode, the way to run
// programs on packets on kernels that have no TCX links (before 6.6).
import { type ClassicStep, emitClassic } from './classic-bpf.js';
import { type TagRange, tagProgram } from './vlan-tags.js';
import { err, ok, type Result } from '../base/index.js';
import {
  type Attribute,
  attributeList,
  emitAttributes,
  type FieldTable,
  nestedFields,
  parseAttributes,
  raw,
  readFields,
  text,
  u16,
  u32,
  writeFields,
} from './attribute.js';

export const RTM_NEWQDISC = 36;
export const RTM_DELQDISC = 37;
export const RTM_GETQDISC = 38;
export const RTM_NEWTFILTER = 44;
export const RTM_DELTFILTER = 45;
export const RTM_GETTFILTER = 46;

export const TC_H_ROOT = 0xffffffff;
/** Parent of the clsact (and ingress) qdisc, and its handle. */
export const TC_H_CLSACT = 0xfffffff1;
export const TC_CLSACT_HANDLE = 0xffff0000;
/** Parents of clsact's filters: TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS | TC_H_MIN_EGRESS). */
export const TC_CLSACT_INGRESS = 0xfffffff2;
export const TC_CLSACT_EGRESS = 0xfffffff3;

/** Return codes of a filter are actions by themselves (direct action). */
export const TCA_BPF_FLAG_ACT_DIRECT = 1;
const ETH_P_ALL = 0x0003;
const TCMSG_LENGTH = 20;
const TCA_OPTIONS = 2;

/** Attributes of a qdisc or filter. */
export interface TrafficControlAttributes {
  /** `clsact`, `bpf`, `fq_codel`, … */
  readonly kind?: string;
  readonly options?: readonly Attribute[];
  readonly chain?: number;
}

/** One qdisc, class or filter. */
export interface TrafficControl extends TrafficControlAttributes {
  readonly ifindex: number;
  readonly handle: number;
  readonly parent: number;
  /** Filters: preference in the upper half, EtherType (network order) in the lower. Qdiscs: reference count. */
  readonly info: number;
  readonly other: readonly Attribute[];
}

const TRAFFIC_CONTROL: FieldTable<TrafficControlAttributes> = {
  kind: [1, text],
  options: [TCA_OPTIONS, attributeList],
  chain: [11, u32],
};

/** Reads the payload of RTM_*QDISC and RTM_*TFILTER. */
export function parseTrafficControl(payload: Uint8Array): Result<TrafficControl, string> {
  if (payload.length < TCMSG_LENGTH) {
    return err(`A traffic control message of ${payload.length} bytes has no header`);
  }
  const attributes = parseAttributes(payload, TCMSG_LENGTH);
  if (!attributes.ok) return attributes;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const { fields, other } = readFields(TRAFFIC_CONTROL, attributes.value);
  return ok({
    ifindex: view.getInt32(4, true),
    handle: view.getUint32(8, true),
    parent: view.getUint32(12, true),
    info: view.getUint32(16, true),
    ...fields,
    other,
  });
}

/** Payload of a traffic control message. */
export function emitTrafficControl(message: TrafficControl): Uint8Array {
  const attributes = emitAttributes([...writeFields(TRAFFIC_CONTROL, message), ...message.other]);
  const payload = new Uint8Array(TCMSG_LENGTH + attributes.length);
  const view = new DataView(payload.buffer);
  view.setInt32(4, message.ifindex, true);
  view.setUint32(8, message.handle, true);
  view.setUint32(12, message.parent, true);
  view.setUint32(16, message.info, true);
  payload.set(attributes, TCMSG_LENGTH);
  return payload;
}

/** The clsact qdisc of an interface. */
export function clsactQdisc(ifindex: number): TrafficControl {
  return { ifindex, handle: TC_CLSACT_HANDLE, parent: TC_H_CLSACT, info: 0, kind: 'clsact', other: [] };
}

/** Where a filter hangs: packets that come in, or packets that go out. */
export type FilterDirection = 'ingress' | 'egress';

/** Parent handle for a direction. */
export function filterParent(direction: FilterDirection): number {
  return direction === 'ingress' ? TC_CLSACT_INGRESS : TC_CLSACT_EGRESS;
}

/** What a `bpf` filter is made of (TCA_BPF_*). */
export interface BpfFilterOptions {
  readonly programFd?: number;
  /** A classic program (TCA_BPF_OPS): how many instructions, and struct sock_filter of each. */
  readonly classicLength?: number;
  readonly classic?: Uint8Array;
  readonly name?: string;
  /** TCA_BPF_FLAG_*. */
  readonly flags?: number;
  /** Told by the kernel. */
  readonly tag?: Uint8Array;
  /** Told by the kernel. */
  readonly programId?: number;
}

const BPF_FILTER: FieldTable<BpfFilterOptions> = {
  classicLength: [4, u16],
  classic: [5, raw],
  programFd: [6, u32],
  name: [7, text],
  flags: [8, u32],
  tag: [10, raw],
  programId: [11, u32],
};
const bpfFilter = nestedFields(BPF_FILTER);

/** Which filter of a chain: `preference` 1 runs first. */
export interface FilterPlace {
  readonly ifindex: number;
  readonly direction: FilterDirection;
  readonly preference: number;
  /** 0 lets the kernel choose. */
  readonly handle?: number;
}

/** A filter for all packets without its kind: enough to delete it. */
export function filterAt(place: FilterPlace): TrafficControl {
  return {
    ifindex: place.ifindex,
    handle: place.handle ?? 0,
    parent: filterParent(place.direction),
    // htons(ETH_P_ALL) in the lower half.
    info: ((place.preference << 16) | (ETH_P_ALL << 8)) >>> 0,
    kind: 'bpf',
    other: [],
  };
}

/** A direct-action eBPF filter. */
export function bpfFilterAt(place: FilterPlace, programFd: number, name: string): TrafficControl {
  const options = parseAttributes(bpfFilter.write({ programFd, name, flags: TCA_BPF_FLAG_ACT_DIRECT }));
  return { ...filterAt(place), options: options.ok ? options.value : [] };
}

/** The action "drop" (linux/pkt_cls.h). */
export const TC_ACT_SHOT = 2;
/** "Go on with the next filter". */
export const TC_ACT_UNSPEC = 0xffff_ffff;

/** A filter that drops every packet, but for those with one of these VLAN tags. */
export function dropFilterAt(place: FilterPlace, except: readonly TagRange[] = []): TrafficControl {
  return classicFilterAt(place, tagProgram(except, TC_ACT_UNSPEC, TC_ACT_SHOT));
}

/**
 * A filter of classic BPF in direct action (cls_bpf_classify takes what it returns for an action). Unlike eBPF it needs no bpf(2),
 * only CAP_NET_ADMIN in the namespace of the interface.
 */
export function classicFilterAt(place: FilterPlace, steps: readonly ClassicStep[]): TrafficControl {
  const classic = emitClassic(steps);
  const fields = { classicLength: steps.length, classic, flags: TCA_BPF_FLAG_ACT_DIRECT };
  const options = parseAttributes(bpfFilter.write(fields));
  return { ...filterAt(place), options: options.ok ? options.value : [] };
}

/** What the kernel told of an eBPF filter; undefined when the message is of another kind, or a chain's head without program. */
export function bpfFilterOptions(message: TrafficControl): BpfFilterOptions | undefined {
  if (message.kind !== 'bpf' || message.options === undefined) return undefined;
  return readFields(BPF_FILTER, message.options).fields;
}

/** Preference of a filter, from `info`. */
export function filterPreference(message: TrafficControl): number {
  return message.info >>> 16;
}
