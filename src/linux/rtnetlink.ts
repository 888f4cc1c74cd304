// rtnetlink sockets: requests and dumps (synchronous), and the kernel's news (a second socket on the event loop).
import {
  type Answer,
  emitMessage,
  type NetlinkMessage,
  type NetlinkRequest,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
  parseAnswer,
  parseMessages,
} from '../netlink/index.js';
import { SystemError } from './errors.js';
import { type FdWatch, watchReadable } from './fd-watch.js';
import {
  check,
  closeFd,
  lastErrno,
  libc,
  setReceiveBuffer,
  setSendBuffer,
  setSocketOption,
  trySetSocketOption,
} from './ffi.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOCK_NONBLOCK = 0x800;
const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const SOCKADDR_NL_BYTES = 12;
const MSG_TRUNC = 0x20;
const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;
const EPROTO = 71;
const EMSGSIZE = 90;

/** The largest answer: a link with hundreds of virtual functions stays below it. */
const RECEIVE_BYTES = 256 * 1024;
const EVENT_BUFFER_BYTES = 8 * 1024 * 1024;
const DUMP_ATTEMPTS = 20;
/** Bytes of requests sent in one datagram: all their refusals, which quote them, fit the receive buffer many times over. */
const BATCH_BYTES = 32 * 1024;
/** Requests in one datagram: a route takes the kernel some 5 µs. */
const BATCH_MOST = 256;
/** Datagrams taken from the event socket in one turn of the event loop. */
const EVENTS_PER_TURN = 256;

/** One of many requests; `target` names its object in errors. */
export interface NamedRequest extends NetlinkRequest {
  readonly target: string;
}

/** How to open. */
export interface RtnetlinkOptions {
  /** Multicast groups (RTNLGRP_*, or the other family's) whose news are wanted; none opens no event socket. */
  readonly groups?: readonly number[];
  /** Another family of netlink that works alike; NETLINK_ROUTE where absent. */
  readonly protocol?: number;
}

/** Names for errors: `RTM_NEWLINK` from 16, and so on in fours. */
const FAMILIES = ['LINK', 'ADDR', 'ROUTE', 'NEIGH', 'RULE', 'QDISC', 'TCLASS', 'TFILTER'] as const;

function requestName(type: number): string {
  const family = FAMILIES[(type - 16) >> 2];
  return family === undefined
    ? `netlink request ${type}`
    : `RTM_${['NEW', 'DEL', 'GET', 'SET'][type & 3]}${family}`;
}

function openSocket(extraType: number, protocol: number = NETLINK_ROUTE): number {
  const fd = check(
    libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | extraType, protocol),
    'socket',
    'AF_NETLINK',
  );
  // Kernels before 4.12 have neither; errors then have no sentence and dumps are filtered by us.
  trySetSocketOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
  return fd;
}

/** Gives the socket a port of its own: one without (port 0, the kernel's) is told no news. To be done before groups are joined, which it would leave. */
function bindSocket(fd: number): void {
  const address = new Uint8Array(SOCKADDR_NL_BYTES);
  address[0] = AF_NETLINK;
  check(libc().bind(fd, address, address.length), 'bind', 'AF_NETLINK');
}

let buffer: Uint8Array | undefined;

/** One for all connections of the thread: what is received is copied out of it at once, and some connections are short. */
function receiveBuffer(): Uint8Array {
  buffer ??= new Uint8Array(RECEIVE_BYTES);
  return buffer;
}

/**
 * A connection to rtnetlink of the network namespace that the thread is in when it is opened; it stays there.
 * Every method throws SystemError.
 */
export class Rtnetlink {
  readonly #fd: number;
  readonly #eventFd: number | undefined;
  readonly #buffer: Uint8Array = receiveBuffer();
  #sequence = 0;
  #port = 0;
  #watch: FdWatch | undefined;
  #closed = false;
  #newsLost = false;

  private constructor(fd: number, eventFd: number | undefined) {
    this.#fd = fd;
    this.#eventFd = eventFd;
  }

  /** Opens the sockets. News are queued from here on, so: open, dump, then listen, and nothing is missed. */
  static open(options: RtnetlinkOptions = {}): Rtnetlink {
    const fd = openSocket(0, options.protocol);
    let eventFd: number | undefined;
    try {
      trySetSocketOption(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
      setReceiveBuffer(fd, 1024 * 1024);
      const groups = options.groups ?? [];
      if (groups.length > 0) {
        eventFd = openSocket(SOCK_NONBLOCK, options.protocol);
        setReceiveBuffer(eventFd, EVENT_BUFFER_BYTES);
        bindSocket(eventFd);
        for (const group of groups) {
          setSocketOption(eventFd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group, 'NETLINK_ADD_MEMBERSHIP');
        }
      }
      return new Rtnetlink(fd, eventFd);
    } catch (error) {
      closeFd(fd);
      if (eventFd !== undefined) closeFd(eventFd);
      throw error;
    }
  }

  /** The port that news of our own requests bear (nlmsg_pid); 0 before the first answer. */
  get port(): number {
    return this.#port;
  }

  /**
   * Sends a request and waits for the kernel's acknowledgement. Gives the messages that came before it: the object
   * asked for by a get, nothing otherwise. `target` names the object in errors.
   */
  request(request: NetlinkRequest, target = ''): NetlinkMessage[] {
    const sequence = this.#send(request, NLM_F_REQUEST | NLM_F_ACK);
    return this.#collect(sequence, request, target).messages;
  }

  /**
   * Sends many requests, as many at a time as one datagram holds, and gives the outcome of each: undefined, or the error. One that
   * is refused does not keep the others away. Only the last of a datagram asks for an acknowledgement, as the kernel tells of
   * every refusal anyway and works in order (netlink_rcv_skb).
   */
  requestAll(requests: readonly NamedRequest[]): (SystemError | undefined)[] {
    const outcomes: (SystemError | undefined)[] = [];
    for (let at = 0; at < requests.length; ) {
      const { bytes, count } = this.#batch(requests, at);
      const first = (this.#sequence - count + 1) >>> 0;
      const unsent = this.#unsent(bytes, requests[at]?.type ?? 0);
      const now = requests.slice(at, at + count);
      outcomes.push(...(unsent === undefined ? this.#outcomes(now, first) : now.map(() => unsent)));
      at += count;
    }
    return outcomes;
  }

  /**
   * Sends requests that the kernel carries out all or none (netfilter's, between NFNL_MSG_BATCH_BEGIN and _END), in one datagram, and
   * waits for the last but one, as older kernels do not acknowledge the end. Throws what was refused first.
   */
  transaction(requests: readonly NamedRequest[]): void {
    const bytes: number[][] = [];
    const first = (this.#sequence + 1) >>> 0;
    for (const [place, { type, flags, payload }] of requests.entries()) {
      this.#sequence = (this.#sequence + 1) >>> 0;
      const asks = place === requests.length - 2 ? NLM_F_ACK : 0;
      const message = {
        type,
        flags: flags | NLM_F_REQUEST | asks,
        sequence: this.#sequence,
        port: 0,
        payload,
      };
      bytes.push([...emitMessage(message), ...new Uint8Array(align4(payload.length) - payload.length)]);
    }
    const datagram = Uint8Array.from(bytes.flat());
    setSendBuffer(this.#fd, 2 * datagram.length + 64 * 1024);
    this.#transmit(datagram, requests[0]?.type ?? 0);
    for (;;) {
      const batch = this.#receive(requests[0] ?? { type: 0 }, '');
      if (batch === 'overrun') throw new SystemError(requestName(requests[0]?.type ?? 0), ENOBUFS);
      for (const message of batch) {
        const nth = (message.sequence - first) >>> 0;
        const asked = requests[nth];
        if (asked === undefined || message.type !== NLMSG_ERROR) continue;
        throwUnlessSuccess(message, asked, asked.target);
        if (nth === requests.length - 2) return;
      }
    }
  }

  /** Why a datagram was not sent, which is then the outcome of each of its requests; undefined when it was. */
  #unsent(bytes: Uint8Array, type: number): SystemError | undefined {
    try {
      this.#transmit(bytes, type);
      return undefined;
    } catch (error) {
      if (error instanceof SystemError) return error;
      throw error;
    }
  }

  /** As many requests as one datagram holds, at least one, from this one on; the last asks for an acknowledgement. */
  #batch(requests: readonly NamedRequest[], from: number): { bytes: Uint8Array; count: number } {
    const messages: Uint8Array[] = [];
    let length = 0;
    for (const { type, flags, payload } of requests.slice(from, from + BATCH_MOST)) {
      const aligned = align4(NLMSG_HDRLEN + payload.length);
      if (length > 0 && length + aligned > BATCH_BYTES) break;
      this.#sequence = (this.#sequence + 1) >>> 0;
      messages.push(
        emitMessage({ type, flags: flags | NLM_F_REQUEST, sequence: this.#sequence, port: 0, payload }),
      );
      length += aligned;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    let last = 0;
    for (const message of messages) {
      bytes.set(message, at);
      last = at;
      at += align4(message.length);
    }
    const view = new DataView(bytes.buffer);
    view.setUint16(last + 6, view.getUint16(last + 6, true) | NLM_F_ACK, true);
    return { bytes, count: messages.length };
  }

  /** Reads the refusals of a datagram's requests up to the acknowledgement of its last. */
  #outcomes(requests: readonly NamedRequest[], first: number): (SystemError | undefined)[] {
    const outcomes: (SystemError | undefined)[] = requests.map(() => undefined);
    const [request] = requests;
    if (request === undefined) return outcomes;
    for (;;) {
      const batch = this.#receive(request, '');
      // None can be lost while the buffer holds them all; if one was, nobody knows what was done.
      if (batch === 'overrun') throw new SystemError(requestName(request.type), ENOBUFS);
      for (const message of batch) {
        const nth = (message.sequence - first) >>> 0;
        const asked = requests[nth];
        // What an earlier, failed request left behind.
        if (asked === undefined || message.type !== NLMSG_ERROR) continue;
        outcomes[nth] = errorOf(message, asked, asked.target);
        if (nth === requests.length - 1) return outcomes;
      }
    }
  }

  /** Sends a get for all and gives all the messages; asks again when something changed meanwhile. */
  dump(request: NetlinkRequest, target = ''): NetlinkMessage[] {
    for (let attempt = 1; ; attempt++) {
      const sequence = this.#send(request, NLM_F_REQUEST | NLM_F_DUMP);
      const { messages, interrupted } = this.#collect(sequence, request, target);
      if (!interrupted || attempt === DUMP_ATTEMPTS) return messages;
    }
  }

  /**
   * Calls `callback` with every message of the groups. `onOverrun` is called when messages were lost because they
   * came faster than they were read, after those that were kept: whoever keeps state dumps again then. Only one listener at a time.
   */
  onMessage(callback: (message: NetlinkMessage) => void, onOverrun: () => void): void {
    const fd = this.#eventFd;
    if (fd === undefined) throw new TypeError('onMessage() needs groups: open the connection with some');
    this.#watch?.close();
    this.#watch = watchReadable(fd, () => this.#drain(fd, callback, onOverrun));
  }

  /** Gives the news that wait, all of them, without the event loop; false when some were lost. Instead of `onMessage()`. */
  takeNews(callback: (message: NetlinkMessage) => void): boolean {
    const fd = this.#eventFd;
    if (fd === undefined) throw new TypeError('takeNews() needs groups: open the connection with some');
    let isWhole = true;
    for (;;) {
      const messages = this.#nextNews(fd);
      if (messages === 'none') return isWhole;
      if (messages === 'lost') isWhole = false;
      else messages.forEach(callback);
    }
  }

  /** One datagram of news. */
  #nextNews(fd: number): readonly NetlinkMessage[] | 'none' | 'lost' {
    for (;;) {
      const length = libc().recv(fd, this.#buffer, this.#buffer.length, MSG_TRUNC);
      if (length >= 0) {
        const fits = length <= this.#buffer.length;
        const parsed = fits ? parseMessages(this.#buffer.subarray(0, length)) : undefined;
        return parsed?.ok === true ? parsed.value : 'lost';
      }
      const errno = lastErrno();
      if (errno === EAGAIN) return 'none';
      if (errno === ENOBUFS) return 'lost';
      if (errno !== EINTR) throw new SystemError('recv', errno, 'rtnetlink events');
    }
  }

  /** Closes the sockets. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch?.close();
    closeFd(this.#fd);
    if (this.#eventFd !== undefined) closeFd(this.#eventFd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #send(request: NetlinkRequest, flags: number): number {
    if (this.#closed) throw new TypeError('This Rtnetlink is closed');
    this.#sequence = (this.#sequence + 1) >>> 0;
    const { type, payload } = request;
    const bytes = emitMessage({
      type,
      flags: request.flags | flags,
      sequence: this.#sequence,
      port: 0,
      payload,
    });
    this.#transmit(bytes, type);
    return this.#sequence;
  }

  #transmit(bytes: Uint8Array, type: number): void {
    if (this.#closed) throw new TypeError('This Rtnetlink is closed');
    while (libc().send(this.#fd, bytes, bytes.length, 0) < 0) {
      const errno = lastErrno();
      if (errno !== EINTR) throw new SystemError(requestName(type), errno);
    }
  }

  /** Receives up to the acknowledgement or the end of the dump. */
  #collect(
    sequence: number,
    request: NetlinkRequest,
    target: string,
  ): { messages: NetlinkMessage[]; interrupted: boolean } {
    const messages: NetlinkMessage[] = [];
    let interrupted = false;
    for (;;) {
      const batch = this.#receive(request, target);
      if (batch === 'overrun') {
        interrupted = true;
        continue;
      }
      for (const message of batch) {
        // What an earlier, failed request left behind.
        if (message.sequence !== sequence) continue;
        if ((message.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true;
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
          throwUnlessSuccess(message, request, target);
          return { messages, interrupted };
        }
        messages.push(message);
      }
    }
  }

  #receive(request: { readonly type: number }, target: string): NetlinkMessage[] | 'overrun' {
    for (;;) {
      const length = libc().recv(this.#fd, this.#buffer, this.#buffer.length, MSG_TRUNC);
      if (length < 0) {
        const errno = lastErrno();
        if (errno === EINTR) continue;
        if (errno === ENOBUFS) return 'overrun';
        throw new SystemError(requestName(request.type), errno, target);
      }
      if (length > this.#buffer.length) throw new SystemError(requestName(request.type), EMSGSIZE, target);
      const parsed = parseMessages(this.#buffer.subarray(0, length));
      if (!parsed.ok) throw new SystemError(requestName(request.type), EPROTO, target, parsed.error);
      this.#port = parsed.value[0]?.port ?? this.#port;
      return parsed.value;
    }
  }

  #drain(fd: number, callback: (message: NetlinkMessage) => void, onOverrun: () => void): void {
    for (let turn = 0; turn < EVENTS_PER_TURN && !this.#closed; turn++) {
      const messages = this.#nextNews(fd);
      if (messages === 'none') return this.#caughtUp(onOverrun);
      if (messages === 'lost') this.#newsLost = true;
      else for (const message of messages) callback(message);
    }
  }

  /** Only now: a dump taken earlier would be followed by older news that are still queued. */
  #caughtUp(onOverrun: () => void): void {
    if (!this.#newsLost) return;
    this.#newsLost = false;
    onOverrun();
  }
}

function throwUnlessSuccess(message: NetlinkMessage, request: NetlinkRequest, target: string): void {
  const error = errorOf(message, request, target);
  if (error !== undefined) throw error;
}

function errorOf(message: NetlinkMessage, request: NetlinkRequest, target: string): SystemError | undefined {
  const parsed = parseAnswer(message);
  const answer: Answer = parsed.ok ? parsed.value : { errno: EPROTO, message: parsed.error };
  if (answer.errno === 0) return undefined;
  return new SystemError(requestName(request.type), answer.errno, target, answer.message);
}

function align4(length: number): number {
  return (length + 3) & ~3;
}
