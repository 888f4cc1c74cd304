// The kinds of traffic of the meter of lines: each asks a question, and says what became of it.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { monotonicMs } from '../../linux/index.js';
import { dnsQuery, isDnsAnswer } from './dns-answer.js';
import type { Family, Flow, Happening } from './meter-samples.js';
import { PAGE_BODY, PORTS } from './server-messages.js';

/** What becomes of one question: the milliseconds to its answer, or null. Called once. */
export type Settle = (rttMs: number | null) => void;

/** One kind of traffic to one address. */
export interface Asker {
  readonly flow: Flow;
  ask(): void;
  close(): void;
}

const TIMEOUT_MS = 1000;
/** A client that reconnects quickly. */
const RECONNECT_MS = 10;
const RECORD_BYTES = 64;

/** A question that is open: settled by its answer, or as lost after a second. */
class Question {
  readonly #sentMs = monotonicMs();
  readonly #timer: NodeJS.Timeout;
  #settle: Settle | null;

  constructor(settle: (sentMs: number, rttMs: number | null) => void, end: () => void) {
    this.#settle = rttMs => {
      settle(this.#sentMs, rttMs);
      end();
    };
    this.#timer = setTimeout(() => this.#finish(null), TIMEOUT_MS);
  }

  #finish(rttMs: number | null): void {
    clearTimeout(this.#timer);
    const settle = this.#settle;
    this.#settle = null;
    settle?.(rttMs);
  }

  answered(): void {
    this.#finish(monotonicMs() - this.#sentMs);
  }

  failed(): void {
    this.#finish(null);
  }
}

/** Told of each question: when it was sent, and what became of it. */
export type Tell = (sentMs: number, rttMs: number | null) => void;

function udpType(family: Family): 'udp4' | 'udp6' {
  return family === 'ipv4' ? 'udp4' : 'udp6';
}

/** Datagrams of one flow, numbered; the answer is the same datagram. */
export function existingUdp(family: Family, address: string, tell: Tell): Asker {
  const socket: UdpSocket = createSocket(udpType(family));
  const open = new Map<number, Question>();
  let number = 0;
  socket.on('message', datagram => open.get(datagram.readUInt32BE(0))?.answered());
  socket.on('error', () => {});
  return {
    flow: 'udp-existing',
    ask: () => {
      const own = number++;
      const record = Buffer.alloc(RECORD_BYTES);
      record.writeUInt32BE(own);
      open.set(own, new Question(tell, () => open.delete(own)));
      socket.send(record, PORTS.echo, address, error => {
        if (error !== null) open.get(own)?.failed();
      });
    },
    close: () => socket.close(),
  };
}

/** One datagram by a socket of its own for each question. `isAnswer` looks at what came back. */
function newDatagrams(
  flow: Flow,
  family: Family,
  to: { readonly address: string; readonly port: number },
  make: () => Uint8Array,
  isAnswer: (question: Uint8Array, answer: Uint8Array) => boolean,
  tell: Tell,
): Asker {
  return {
    flow,
    ask: () => {
      const socket = createSocket(udpType(family));
      const question = new Question(tell, () => socket.close());
      const sent = make();
      socket.on('error', () => question.failed());
      socket.on('message', datagram => {
        if (isAnswer(sent, datagram)) question.answered();
        else question.failed();
      });
      socket.send(sent, to.port, to.address, error => {
        if (error !== null) question.failed();
      });
    },
    close: () => {},
  };
}

function emptyRecord(): Uint8Array {
  return new Uint8Array(RECORD_BYTES);
}

/** A new UDP flow for each question. */
export function newUdp(family: Family, address: string, tell: Tell): Asker {
  const to = { address, port: PORTS.echo };
  return newDatagrams(
    'udp-new',
    family,
    to,
    emptyRecord,
    (question, answer) => answer.length === question.length,
    tell,
  );
}

/** A question for a name, by a new flow each. */
export function newDns(family: Family, address: string, tell: Tell): Asker {
  let id = 0;
  const make = (): Uint8Array => {
    id = (id + 1) & 0xffff;
    return dnsQuery(id, 'www.lab.test', family);
  };
  return newDatagrams('dns-new', family, { address, port: PORTS.dns }, make, isDnsAnswer, tell);
}

/** The page of the internet, by a new connection each; another page is no answer. */
export function newHttp(family: Family, address: string, tell: Tell): Asker {
  const host = family === 'ipv4' ? address : `[${address}]`;
  const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  return {
    flow: 'http-new',
    ask: () => {
      const socket = connect({ host: address, port: PORTS.http });
      const question = new Question(tell, () => socket.destroy());
      let text = '';
      socket.on('error', () => question.failed());
      socket.on('close', () => question.failed());
      socket.on('data', chunk => {
        text += chunk.toString();
        if (text.startsWith('HTTP/1.1 200') && text.endsWith(`\r\n\r\n${PAGE_BODY}`)) question.answered();
      });
      socket.write(request);
    },
    close: () => {},
  };
}

/** Records over one connection, which is made again when it was ended, or could not be made within a second. */
export class ExistingTcp implements Asker {
  readonly flow = 'tcp-existing';
  readonly #family: Family;
  readonly #address: string;
  readonly #tell: Tell;
  readonly #happened: (happening: Happening) => void;
  readonly #open = new Map<number, Question>();
  #socket: Socket | undefined;
  #isConnected = false;
  #closed = false;
  #number = 0;

  constructor(family: Family, address: string, tell: Tell, happened: (happening: Happening) => void) {
    this.#family = family;
    this.#address = address;
    this.#tell = tell;
    this.#happened = happened;
    this.#connect();
  }

  #say(what: string): void {
    this.#happened({ family: this.#family, atMs: monotonicMs(), what });
  }

  #connect(): void {
    const socket = connect({ host: this.#address, port: PORTS.echo, noDelay: true });
    this.#socket = socket;
    let [why, received] = ['closed', Buffer.alloc(0)];
    const giveUp = setTimeout(() => {
      why = 'connect timeout';
      socket.destroy();
    }, TIMEOUT_MS);
    socket.on('connect', () => {
      clearTimeout(giveUp);
      this.#isConnected = true;
      this.#say('connected');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      why = error.code ?? error.message;
    });
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk]);
      for (; received.length >= RECORD_BYTES; received = received.subarray(RECORD_BYTES)) {
        this.#open.get(received.readUInt32BE(0))?.answered();
      }
    });
    socket.on('close', () => {
      clearTimeout(giveUp);
      this.#isConnected = false;
      // What was asked by this connection is not answered any more.
      for (const question of this.#open.values()) question.failed();
      if (this.#closed) return;
      this.#say(why);
      setTimeout(() => {
        if (!this.#closed) this.#connect();
      }, RECONNECT_MS);
    });
  }

  ask(): void {
    const own = this.#number++;
    const question = new Question(this.#tell, () => this.#open.delete(own));
    this.#open.set(own, question);
    if (!this.#isConnected) {
      question.failed();
      return;
    }
    const record = Buffer.alloc(RECORD_BYTES);
    record.writeUInt32BE(own);
    this.#socket?.write(record);
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }
}
