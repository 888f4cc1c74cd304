// The control API: HTTP with JSON on a Unix socket, for root alone. Reads requests, checks them, answers; routes.ts has
// what there is at each address.
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Refusal, type Result, shown, unreachable } from '../../base/index.js';
import { type Changed, type ErrorBody, type EventRecord, STARTING_HEADER } from './api.js';
import type { BondRunner } from '../bond-runner.js';
import { eventText, followEvents } from './event-followers.js';
import { type Starting, startingRefusal } from '../starting.js';
import { parseUrl, readBody, type RequestUrl } from './request-reading.js';
import { isSystemFailure, systemRefusal } from '../kernel/system-refusal.js';
import { invalid } from './request-bodies.js';
import { warningsOf } from './warnings.js';
import {
  bondOf,
  type ControlledDaemon,
  MOST_PARTS,
  mostBytesAt,
  type Route,
  routesAt,
  ROUTES_OF_ALL,
  ROUTES_OF_BONDS,
  type Wish,
  type WorkWish,
} from './routes.js';

/** Status of HTTP for a refusal. */
function httpStatus({ code }: Refusal): number {
  switch (code) {
    case 'invalid-request':
    case 'invalid-value':
    case 'unknown-option':
      return 400;
    case 'unknown-bond':
    case 'unknown-interface':
      return 404;
    case 'permission':
      return 403;
    case 'system':
      return 500;
    case 'starting':
      return 503;
    case 'bond-up':
    case 'exists':
    case 'has-addresses':
    case 'has-members':
    case 'in-use':
    case 'interface-up':
    case 'needs-monitor':
    case 'unsupported':
    case 'wrong-mode':
      return 409;
    default:
      return unreachable(code);
  }
}

/** So often whoever waits for something long hears that it is still done; clients wait ten times as long. */
const STILL_AT_IT_MS = 5000;

/** One request that was read. */
interface Asked {
  readonly url: RequestUrl;
  readonly body: unknown;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Set while others than the one who asks may change something. */
  readonly starting?: Starting;
}

/** Serves until closed. */
export class ControlServer {
  readonly #daemon: ControlledDaemon;
  readonly #server: Server;
  readonly #path: string;
  readonly #followers = new Set<ServerResponse>();

  private constructor(daemon: ControlledDaemon, path: string) {
    this.#daemon = daemon;
    this.#path = path;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else refuseFailed(response, error);
      });
    });
    this.#server.on('clientError', refuseBytes);
    // An unknown Expect header is no reason to refuse.
    this.#server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
      this.#server.emit('request', request, response),
    );
  }

  /** Listens; an old socket file is replaced. Only the owner may connect. */
  static async listen(daemon: ControlledDaemon, path: string): Promise<ControlServer> {
    const server = new ControlServer(daemon, path);
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
      throw new Error(`${path}, where the control socket belongs, is a directory; remove it.`);
    }
    rmSync(path, { force: true });
    const mask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        server.#server.once('error', reject);
        server.#server.listen(path, resolve);
      });
    } finally {
      process.umask(mask);
    }
    chmodSync(path, 0o600);
    return server;
  }

  async close(): Promise<void> {
    for (const follower of this.#followers) follower.end();
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    rmSync(this.#path, { force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = parseUrl(request.url ?? '/');
    if (url === undefined) {
      const message = `The address ${shown(request.url ?? '')} of the request cannot be read; write other characters than ASCII as %XX of their UTF-8.`;
      return refuse(response, invalid(message));
    }
    const body = await readBody(request, mostBytesAt(request.method ?? 'GET', url.path));
    if (!body.ok) return refuse(response, body.error.refusal, body.error.status);
    if (url.path[0] !== 'v1' || url.path.length > MOST_PARTS) return notFound(request, response);
    const starting = this.#daemon.starting();
    const mustWait = starting !== undefined && request.headers[STARTING_HEADER] !== starting.key;
    const asked: Asked = { url, body: body.value, request, response, ...(mustWait && { starting }) };
    if (request.method === 'GET') return this.#route(asked);
    if (mustWait) return refuse(response, startingRefusal(starting));
    // A whole configuration takes long, and so it does until those behind it have their turn: whoever asked hears that it is not forgotten.
    const alive = setInterval(() => response.writeProcessing(), STILL_AT_IT_MS);
    try {
      return await this.#daemon.turns.take(() => this.#route(asked));
    } finally {
      clearInterval(alive);
    }
  }

  #route(asked: Asked): void | Promise<void> {
    const { url, response, starting } = asked;
    const name = bondOf(url.path);
    if (name === undefined) return this.#carryOut(asked, ROUTES_OF_ALL, undefined);
    const found = this.#daemon.find(name);
    if (found.ok) return this.#carryOut(asked, ROUTES_OF_BONDS, found.value);
    // It may be the next that is made.
    return refuse(response, starting === undefined ? found.error : startingRefusal(starting));
  }

  #carryOut<Bond extends BondRunner | undefined>(
    { url, body, request, response }: Asked,
    routes: readonly Route<Bond>[],
    bond: Bond,
  ): void | Promise<void> {
    const there = routesAt(routes, url.path);
    const deed = there.find(({ method }) => method === request.method)?.deed;
    if (there.length === 0) return notFound(request, response);
    if (deed === undefined) {
      const methods = there.map(({ method }) => method).join(', ');
      return wrongMethod(request, response, methods);
    }
    switch (deed.kind) {
      case 'look':
        return sendResult(response, deed.run(this.#daemon, bond));
      case 'text':
        response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
        response.end(deed.run(this.#daemon, bond));
        return;
      case 'change':
        return this.#change(
          response,
          deed.wish(this.#daemon, bond, body),
          deed.isOfOneBond === true ? bond : undefined,
        );
      case 'work':
        return this.#work(response, deed.wish(this.#daemon, body));
      case 'stream':
        return this.#events(url.query, response);
      default:
        return unreachable(deed);
    }
  }

  /** Does what may take long. It is done to its end, whether anybody waits or not. */
  async #work(response: ServerResponse, wish: WorkWish): Promise<void> {
    if (!wish.ok) return refuse(response, wish.error);
    const result = await wish.value();
    if (result.ok) return send(response, result.value);
    const { code, errno, message, undone } = result.error;
    return sendError(response, httpStatus(result.error), {
      code,
      errno,
      message,
      ...(undone !== undefined && { undone }),
    });
  }

  /** Makes a change; the warnings that it caused go with the answer. */
  async #change(response: ServerResponse, wish: Wish, runner: BondRunner | undefined): Promise<void> {
    if (!wish.ok) return refuse(response, wish.error);
    const records: EventRecord[] = [];
    const name = runner?.name;
    const stop = this.#daemon.journal.listen(record => {
      // What others tell while this takes its turns is not its affair.
      if (name === undefined || record.bond === name) records.push(record);
    });
    try {
      const result = await wish.value();
      if (!result.ok) return refuse(response, result.error);
      const emptied = runner !== undefined && runner.records.size === 0;
      const warnings = warningsOf(records, emptied);
      const removed = result.value;
      const changed: Changed = { done: true, warnings, ...(removed !== undefined && { removed }) };
      return send(response, changed);
    } finally {
      stop();
    }
  }

  #events(query: URLSearchParams, response: ServerResponse): void {
    const after = Number(query.get('after') ?? '0');
    if (!Number.isSafeInteger(after) || after < 0) {
      return refuse(
        response,
        invalid(`after=${shown(query.get('after') ?? '')} is not a sequence number; give 0 or more.`),
      );
    }
    const bond = query.get('bond') ?? undefined;
    const { journal } = this.#daemon;
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.flushHeaders();
    if (query.get('follow') !== '1') {
      for (const record of journal.after(after, bond)) response.write(eventText(record));
      response.end();
      return;
    }
    this.#followers.add(response);
    response.on('close', () => this.#followers.delete(response));
    followEvents(journal, { after, bond }, response);
  }
}

function send(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}

function sendResult(response: ServerResponse, result: Result<unknown, Refusal>): void {
  if (result.ok) send(response, result.value);
  else refuse(response, result.error);
}

function sendError(response: ServerResponse, status: number, error: ErrorBody['error']): void {
  const body: ErrorBody = { error };
  send(response, body, status);
}

/** What nobody foresaw: the machine's failures are told as such, others are faults of ours. */
function refuseFailed(response: ServerResponse, error: unknown): void {
  if (isSystemFailure(error))
    return refuse(response, systemRefusal(error, 'The request was not carried out'));
  const message = error instanceof Error ? error.message : String(error);
  const text = `The daemon failed at this request: ${shown(message, 200)}.`;
  sendError(response, 500, { code: 'internal', errno: 'EIO', message: text });
}

function refuse(response: ServerResponse, why: Refusal, status: number = httpStatus(why)): void {
  const { code, errno, message } = why;
  sendError(response, status, { code, errno, message });
}

/** For bytes that are no HTTP: there is no request to answer, only a socket. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, why] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'its headers are too long']
      : ['400 Bad Request', `it is not HTTP/1.1 (${shown(error.message, 120)})`];
  const body: ErrorBody = {
    error: {
      code: 'invalid-request',
      errno: 'EINVAL',
      message: `The request was refused: ${why}; see the documentation of the control API.`,
    },
  };
  const text = `${JSON.stringify(body)}\n`;
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}`;
  socket.end(`${head}\r\nconnection: close\r\n\r\n${text}`);
}

function wrongMethod(request: IncomingMessage, response: ServerResponse, methods: string): void {
  const where = shown(request.url ?? '', 80);
  response.setHeader('allow', methods);
  refuse(response, invalid(`${request.method} is not possible at ${where}; what is: ${methods}.`), 405);
}

function notFound(request: IncomingMessage, response: ServerResponse): void {
  const message = `There is nothing at ${request.method} ${shown(request.url ?? '', 80)}; the addresses are listed in the documentation of the control API.`;
  sendError(response, 404, { code: 'not-found', errno: 'ENOENT', message });
}
