// The kernel's own bond, inside a guest: files of sysfs that stay open, netlink for what has no file, and what the kernel's log
// says of a write.
import { closeSync, constants, openSync, readdirSync, readSync, writeFileSync, writeSync } from 'node:fs';
import {
  createVeth,
  deleteLink,
  getLink,
  isErrno,
  requireLink,
  type Rtnetlink,
  setLink,
  SystemError,
} from '#linux';
import {
  type Attribute,
  bytesAttribute,
  emitLink,
  type Link,
  linkWith,
  nestedAttribute,
  NLM_F_CREATE,
  NLM_F_EXCL,
  parseAttributes,
  RTM_NEWLINK,
} from '#netlink';
import { formatIpv6, parseIpv4, parseIpv6, parseMac } from '#base';
import { ATTRIBUTES, type AttributeSpec } from './attributes.js';
import { classOf } from './classes.js';
import type { Outcome, Values } from './record-format.js';
import { CARRIER, MEMBERS, NOBODY, type Stage, STRANGER } from './stages.js';
import type { Trial } from './trials.js';

const BOND = 'bond0';
const FOLDER = `/sys/class/net/${BOND}/bonding/`;
const NO_INDEX = 999_999;

/** What a write came to. */
export type Answer = Pick<Outcome, 'answer' | 'says'>;

/** New messages of the kernel's log, warnings and worse. */
class KernelLog {
  readonly #fd: number = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
  readonly #buffer: Buffer = Buffer.alloc(8192);

  take(): string[] {
    const sentences: string[] = [];
    for (;;) {
      let length: number;
      try {
        length = readSync(this.#fd, this.#buffer);
      } catch (error) {
        if (isErrno(error, 'EPIPE')) continue;
        return sentences;
      }
      const [head = '', ...rest] = this.#buffer.toString('utf8', 0, length).split(';');
      const level = Number(head.split(',')[0]) & 7;
      const sentence = /^(?:bond0|\(unregistered net_device\))[^:]*: (.*)/.exec(
        rest.join(';').split('\n')[0] ?? '',
      );
      if (level <= 4 && sentence?.[1] !== undefined) sentences.push(sentence[1]);
    }
  }
}

/** A number in `bytes` bytes, little-endian. */
function numberBytes(value: number, bytes: number): Uint8Array {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64LE(BigInt(value));
  return new Uint8Array(buffer.subarray(0, bytes));
}

const WIDTH = { u8: 1, u16: 2, u32: 4, s32: 4 } as const;

function bytesOf(parsed: { readonly ok: boolean; readonly value?: Uint8Array }): Uint8Array {
  if (parsed.value === undefined) throw new Error('The plan holds an address that is none');
  return parsed.value;
}

/** Driver and netlink of one guest. */
export class DriverBond {
  readonly #netlink: Rtnetlink;
  readonly #log: KernelLog = new KernelLog();
  #files: Map<string, number> = new Map();
  #hasMembers = false;
  readonly #buffer: Buffer = Buffer.alloc(8192);

  constructor(netlink: Rtnetlink) {
    this.#netlink = netlink;
    this.#log.take();
    for (const name of [...MEMBERS, STRANGER]) {
      const peer = `p${name}`;
      createVeth(netlink, { name, peerName: peer, peerUp: CARRIER[name] !== false });
    }
  }

  /** A fresh bond with these options, or what was said against it. */
  create(pairs: readonly (readonly [string, string])[]): Answer {
    const data = pairs.map(([option, value]) => this.#attribute(attributeSpec(option), value));
    return this.#request(
      linkWith({ name: BOND, info: { kind: 'bond', ...(data.length > 0 && { data }) } }),
      NLM_F_CREATE | NLM_F_EXCL,
    );
  }

  remove(): void {
    for (const fd of this.#files.values()) closeSync(fd);
    this.#files = new Map();
    this.#hasMembers = false;
    if (getLink(this.#netlink, BOND) !== undefined) deleteLink(this.#netlink, BOND);
  }

  /** A new bond, led into the situation. */
  enter(stage: Stage): void {
    this.remove();
    must(this.create([]), 'a new bond');
    this.open();
    this.#hasMembers = stage.hasMembers;
    for (const step of stage.steps) {
      if (step.kind === 'up') setLink(this.#netlink, requireLink(this.#netlink, BOND).ifindex, { up: true });
      else if (step.kind === 'join') {
        setLink(this.#netlink, requireLink(this.#netlink, step.member).ifindex, { up: false });
        writeFileSync(`${FOLDER}slaves`, `+${step.member}`);
      } else {
        must(this.write({ door: 'sysfs', ...step }), `${step.option}=${step.value} in ${stage.name}`);
      }
    }
    this.#log.take();
  }

  /** Opens the files; says their names. */
  open(): string[] {
    const names = readdirSync(FOLDER).toSorted();
    for (const name of names) this.#files.set(name, openSync(FOLDER + name, isReadOnly(name) ? 'r' : 'r+'));
    return names;
  }

  hasFile(option: string): boolean {
    return this.#files.has(option);
  }

  write({ door, option, value }: Trial): Answer {
    if (door === 'sysfs') {
      const fd = this.#files.get(option);
      if (fd === undefined) throw new Error(`The driver has no file ${option}`);
      // A write of nothing does not reach the driver.
      return this.#answer(() => writeSync(fd, value === '' ? '\n' : value, 0));
    }
    const spec = attributeSpec(option);
    if (!spec.perMember) {
      return this.#request(
        linkWith({ name: BOND, info: { kind: 'bond', data: [this.#attribute(spec, value)] } }),
        0,
      );
    }
    const [member = '', number = ''] = value.split(':');
    const slaveData = [this.#attribute(spec, number)];
    return this.#request(linkWith({ name: member, info: { slaveKind: 'bond', slaveData } }), 0);
  }

  /** Contents of all files. */
  files(): Record<string, string> {
    const values: Record<string, string> = {};
    for (const [name, fd] of this.#files) {
      const length = readSync(fd, this.#buffer, 0, this.#buffer.length, 0);
      values[name] = this.#buffer.toString('utf8', 0, length).replace(/\n$/, '');
    }
    return values;
  }

  /** All values: files, and attributes that have no file. */
  values(): Values {
    const values = this.files();
    const bond = getLink(this.#netlink, BOND)?.info?.data ?? [];
    const members = this.#hasMembers ? MEMBERS : [];
    const data = members.map(name => [name, getLink(this.#netlink, name)?.info?.slaveData ?? []] as const);
    for (const spec of ATTRIBUTES) {
      if (values[spec.option] !== undefined) continue;
      if (!spec.perMember) {
        const text = attributeText(spec, bond);
        if (text !== null) values[spec.option] = text;
      } else if (data.length > 0) {
        const texts = data.map(
          ([name, attributes]) => `${name}:${attributeText(spec, attributes) ?? 'none'}`,
        );
        if (!texts.every(text => text.endsWith(':none'))) values[spec.option] = texts.join(' ');
      }
    }
    return values;
  }

  #attribute({ number, type }: AttributeSpec, value: string): Attribute {
    if (type === 'interface') return bytesAttribute(number, numberBytes(this.#indexOf(value), 4));
    if (type === 'mac') return bytesAttribute(number, bytesOf(parseMac(value)));
    if (type !== 'ipv4-list' && type !== 'ipv6-list')
      return bytesAttribute(number, numberBytes(Number(value), WIDTH[type]));
    const parse = type === 'ipv4-list' ? parseIpv4 : parseIpv6;
    const addresses = value === '' ? [] : value.split(',');
    return nestedAttribute(
      number,
      addresses.map((address, i) => bytesAttribute(i, bytesOf(parse(address)))),
    );
  }

  #indexOf(name: string): number {
    if (name === '') return 0;
    return name === NOBODY ? NO_INDEX : (getLink(this.#netlink, name)?.ifindex ?? NO_INDEX);
  }

  #request(link: Link, flags: number): Answer {
    return this.#answer(() => this.#netlink.request({ type: RTM_NEWLINK, flags, payload: emitLink(link) }));
  }

  #answer(act: () => void): Answer {
    let answer = 'ok';
    let detail: string[] = [];
    try {
      act();
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error)) throw error;
      // Node calls EOPNOTSUPP by its old name.
      answer = String(error.code).replace(/^ENOTSUP$/, 'EOPNOTSUPP');
      if (error instanceof SystemError && error.detail !== '') detail = [error.detail];
    }
    return { answer, says: classOf([...this.#log.take(), ...detail]) };
  }
}

function isReadOnly(file: string): boolean {
  return file === 'mii_status' || /^ad_(?:aggregator|num_ports|actor_key|partner_.*)$/.test(file);
}

function attributeSpec(option: string): AttributeSpec {
  const spec = ATTRIBUTES.find(each => each.option === option);
  if (spec === undefined) throw new Error(`No attribute is known for ${option}`);
  return spec;
}

function must(answer: Answer, what: string): void {
  if (answer.answer !== 'ok') throw new Error(`The driver refused ${what}: ${answer.answer} ${answer.says}`);
}

/** The value of an attribute; null when it is not there. */
function attributeText({ number, type }: AttributeSpec, attributes: readonly Attribute[]): string | null {
  const value = attributes.find(attribute => attribute.type === number)?.value;
  if (value === undefined) return type === 'ipv6-list' ? '' : null;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (type === 'ipv6-list') return ipv6Texts(value);
  if (type === 'u8') return String(view.getUint8(0));
  if (type === 'u16') return String(view.getUint16(0, true));
  return String(type === 's32' ? view.getInt32(0, true) : view.getUint32(0, true));
}

/** The addresses of a nested list. */
function ipv6Texts(list: Uint8Array): string {
  const parsed = parseAttributes(list);
  return parsed.ok ? parsed.value.map(({ value }) => formatIpv6(value)).join(' ') : '';
}
