// The control API: HTTP with JSON on a Unix socket, for root alone. Reads requests, checks them, answers; see api.ts.
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ok, type Refusal, type Result, shown, unreachable } from '../../base/index.js';
import {
  type Changed,
  type DaemonStatus,
  type DescribedDocument,
  type DescribedRequest,
  type EnslaveRequest,
  type ErrorBody,
  type EventRecord,
  type LinkRequest,
  type MembersDocument,
  type RouteRequest,
  type ShowDocument,
  STARTING_HEADER,
} from './api.js';
import type { BondRunner } from '../bond-runner.js';
import { eventText, followEvents } from './event-followers.js';
import type { Journal } from '../keeping/journal.js';
import type { Done } from '../operations.js';
import { type Starting, startingRefusal } from '../starting.js';
import type { Turns } from '../kernel/turns.js';
import { parseUrl, readBody, type RequestUrl, TOO_LARGE } from './request-reading.js';
import { isSystemFailure, systemRefusal } from '../kernel/system-refusal.js';
import type { TextView } from '../views/views.js';
import {
  addressesBody,
  check,
  createBody,
  describedBody,
  emptyBody,
  enslaveBody,
  invalid,
  linkBody,
  releaseBody,
  routesBody,
  setBody,
} from './request-bodies.js';

/** What the server needs of the daemon. */
export interface ControlledDaemon {
  readonly journal: Journal;
  /** Changes are made one after another. */
  readonly turns: Turns;
  status(): DaemonStatus;
  /** Set while it makes what it was started for. */
  starting(): Starting | undefined;
  show(name?: string): Result<ShowDocument, Refusal>;
  members(runner: BondRunner): MembersDocument;
  text(runner: BondRunner, view: TextView): string;
  find(name: string): Result<BondRunner, Refusal>;
  create(name: string, options: Readonly<Record<string, string>>): Done;
  destroy(runner: BondRunner): Promise<Done>;
  enslave(runner: BondRunner, request: Required<EnslaveRequest>): Done;
  release(runner: BondRunner, names: readonly string[]): Done;
  set(runner: BondRunner, options: Readonly<Record<string, string>>): Done;
  up(runner: BondRunner): Done;
  addAddresses(runner: BondRunner, addresses: readonly string[]): Done;
  setLink(runner: BondRunner, wish: LinkRequest): Done;
  addRoutes(runner: BondRunner, routes: readonly RouteRequest[]): Done;
  describe(runner: BondRunner, request: DescribedRequest): Result<readonly string[], Refusal>;
  described(runner: BondRunner): DescribedDocument;
}

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
    case 'not-implemented':
      return 501;
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

/** What may be done with a bond's parts; the empty one is the bond. */
const PART_METHODS: ReadonlyMap<string, string> = new Map([
  ['', 'GET, DELETE'],
  ['proc', 'GET'],
  ['info', 'GET'],
  ['ifconfig', 'GET'],
  ['sysfs', 'GET'],
  ['members', 'GET, POST, DELETE'],
  ['options', 'PATCH'],
  ['up', 'POST'],
  ['addresses', 'POST'],
  ['link', 'PATCH'],
  ['routes', 'POST'],
  ['described', 'GET, PUT'],
]);

/** What of a change goes with the answer: what it removed, where it tells. */
type Outcome = Result<readonly string[] | undefined, Refusal>;

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
    const body = await readBody(request);
    if (!body.ok) return refuse(response, body.error, body.error === TOO_LARGE ? 413 : undefined);
    const [version, , , , ...rest] = url.path;
    if (version !== 'v1' || rest.length > 0) return notFound(request, response);
    const method = request.method ?? 'GET';
    const starting = this.#daemon.starting();
    if (starting !== undefined && method !== 'GET' && request.headers[STARTING_HEADER] !== starting.key)
      return refuse(response, startingRefusal(starting));
    if (method !== 'GET')
      return this.#daemon.turns.take(() => this.#route(url, body.value, request, response));
    return this.#route(url, body.value, request, response);
  }

  #route(
    url: RequestUrl,
    body: unknown,
    request: IncomingMessage,
    response: ServerResponse,
  ): void | Promise<void> {
    const [, area, name, part] = url.path;
    const method = request.method ?? 'GET';
    if ((area === 'status' || area === 'events') && name === undefined) {
      if (method !== 'GET') return wrongMethod(request, response, 'GET');
      if (area === 'events') return this.#events(url.query, response);
      return send(response, this.#daemon.status());
    }
    if (area !== 'bonds') return notFound(request, response);
    if (name === undefined) {
      if (method === 'GET') return sendResult(response, this.#daemon.show());
      if (method === 'POST') {
        return this.#change(response, check(createBody, body), value =>
          this.#daemon.create(value.name, value.options),
        );
      }
      return wrongMethod(request, response, 'GET, POST');
    }
    return this.#bond(`${method} ${part ?? ''}`, name, body, request, response);
  }

  #bond(
    verb: string,
    name: string,
    body: unknown,
    request: IncomingMessage,
    response: ServerResponse,
  ): void | Promise<void> {
    const daemon = this.#daemon;
    const found = daemon.find(name);
    const starting = daemon.starting();
    // It may be the next that is made.
    if (!found.ok && starting !== undefined && request.headers[STARTING_HEADER] !== starting.key)
      return refuse(response, startingRefusal(starting));
    if (!found.ok) return refuse(response, found.error);
    const runner = found.value;
    switch (verb) {
      case 'GET ':
        return sendResult(response, daemon.show(name));
      case 'GET proc':
      case 'GET info':
      case 'GET ifconfig':
      case 'GET sysfs':
        response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
        response.end(daemon.text(runner, verb.slice('GET '.length) as TextView));
        return;
      case 'DELETE ':
        return this.#change(response, ok({}), () => daemon.destroy(runner), runner);
      case 'GET members':
        return sendResult(response, ok(daemon.members(runner)));
      case 'POST members':
        return this.#change(response, check(enslaveBody, body), value => daemon.enslave(runner, value));
      case 'DELETE members':
        return this.#change(
          response,
          check(releaseBody, body),
          value => daemon.release(runner, value.interfaces),
          runner,
        );
      case 'PATCH options':
        return this.#change(response, check(setBody, body), value => daemon.set(runner, value.options));
      case 'POST up':
        return this.#change(response, check(emptyBody, body ?? {}), () => daemon.up(runner));
      case 'POST addresses':
        return this.#change(response, check(addressesBody, body), value =>
          daemon.addAddresses(runner, value.addresses),
        );
      case 'GET described':
        return sendResult(response, ok(daemon.described(runner)));
      case 'PUT described':
        return this.#change(response, check(describedBody, body), value => daemon.describe(runner, value));
      case 'PATCH link':
        return this.#change(response, check(linkBody, body), value => daemon.setLink(runner, value));
      case 'POST routes':
        return this.#change(response, check(routesBody, body), value =>
          daemon.addRoutes(runner, value.routes),
        );
      default: {
        const methods = PART_METHODS.get(verb.slice(verb.indexOf(' ') + 1));
        if (methods === undefined) return notFound(request, response);
        return wrongMethod(request, response, methods);
      }
    }
  }

  /** Runs a change; the warnings that it caused go with the answer. */
  async #change<T>(
    response: ServerResponse,
    wish: Result<T, Refusal>,
    action: (value: T) => Outcome | Promise<Outcome>,
    runner?: BondRunner,
  ): Promise<void> {
    if (!wish.ok) return refuse(response, wish.error);
    const records: EventRecord[] = [];
    const name = runner?.name;
    const stop = this.#daemon.journal.listen(record => {
      // What others tell while this takes its turns is not its affair.
      if (name === undefined || record.bond === name) records.push(record);
    });
    try {
      const result = await action(wish.value);
      if (!result.ok) return refuse(response, result.error);
      const emptied = runner !== undefined && runner.records.size === 0;
      const alarming = records.filter(
        ({ severity, type }) => severity !== 'info' && !isExpected(type, emptied),
      );
      const warnings = [...new Set(alarming.map(({ message }) => message))];
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

function sendError(
  response: ServerResponse,
  status: number,
  code: string,
  errno: string,
  message: string,
): void {
  const body: ErrorBody = { error: { code, errno, message } };
  send(response, body, status);
}

/** What nobody foresaw: the machine's failures are told as such, others are faults of ours. */
function refuseFailed(response: ServerResponse, error: unknown): void {
  if (isSystemFailure(error))
    return refuse(response, systemRefusal(error, 'The request was not carried out'));
  const message = error instanceof Error ? error.message : String(error);
  const text = `The daemon failed at this request: ${shown(message, 200)}.`;
  sendError(response, 500, 'internal', 'EIO', text);
}

function refuse(response: ServerResponse, why: Refusal, status: number = httpStatus(why)): void {
  sendError(response, status, why.code, why.errno, why.message);
}

/** True for what merely follows from what was asked for: another active member, or none where there are no members. */
function isExpected(type: EventRecord['type'], emptied: boolean): boolean {
  if (type === 'refused' || type === 'failover') return true;
  return emptied && (type === 'lost' || type === 'carrier' || type === 'address');
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
  sendError(response, 404, 'not-found', 'ENOENT', message);
}
