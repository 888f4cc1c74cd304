// Client of the control API: HTTP over the Unix socket in the run directory. Every way in which it can go wrong
// becomes a Failure with its sentence and exit code.
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import {
  type AddressesRequest,
  type Changed,
  type ConfigRequest,
  type Configured,
  controlSocketPath,
  type CreateRequest,
  type DaemonStatus,
  type DescribedDocument,
  type DescribedRequest,
  DEFAULT_RUN_DIR,
  EXIT,
  type EnslaveRequest,
  type EventRecord,
  type LinkRequest,
  type MembersDocument,
  type ReleaseRequest,
  type RoutesRequest,
  type SetRequest,
  type ShowDocument,
  STARTING_HEADER,
} from '../daemon/api/api.js';
import type { UplinkDocument, UplinkDrill, UplinkReasons, UplinkWish } from '../daemon/api/uplink-api.js';
import type { UplinkSettings } from '../uplinks/index.js';
import {
  Failure,
  noDaemonFailure,
  permissionFailure,
  refusedFailure,
  systemCode,
} from './reading/failure.js';
import { lines } from './printing/ndjson.js';
import { advice, plain } from './printing/plain.js';
import { type Address, ADDRESSES, type Method, pathFor } from '../daemon/api/addresses.js';
import { completeShow, isErrorBody, parseJson } from '../daemon/api/answers.js';

/** Longest silence of the daemon before a request is given up. */
const ANSWER_TIMEOUT_MS = 60_000;
/** So long a daemon that starts is waited for. */
const START_MS = 20_000;
const ASK_AGAIN_MS = 100;

/** Texts of one bond in the form of other programs. */
export type TextView = 'proc' | 'info' | 'ifconfig' | 'sysfs';

interface EventQuery {
  readonly bond?: string | undefined;
  /** Only events with a greater sequence number. */
  readonly after?: number | undefined;
  /** Stay, and tell what happens from now on. */
  readonly follow?: boolean | undefined;
  /** Ends a stream that follows, without an error. */
  readonly signal?: AbortSignal | undefined;
}

/** The control API as functions; see ../daemon/api/api.ts. */
export interface ApiClient {
  status(): Promise<DaemonStatus>;
  show(bond?: string): Promise<ShowDocument>;
  members(bond: string): Promise<MembersDocument>;
  text(bond: string, view: TextView): Promise<string>;
  create(body: CreateRequest): Promise<Changed>;
  configure(body: ConfigRequest): Promise<Configured>;
  destroy(bond: string): Promise<Changed>;
  enslave(bond: string, body: EnslaveRequest): Promise<Changed>;
  release(bond: string, body: ReleaseRequest): Promise<Changed>;
  set(bond: string, body: SetRequest): Promise<Changed>;
  up(bond: string): Promise<Changed>;
  addAddresses(bond: string, body: AddressesRequest): Promise<Changed>;
  link(bond: string, body: LinkRequest): Promise<Changed>;
  addRoutes(bond: string, body: RoutesRequest): Promise<Changed>;
  describe(bond: string, body: DescribedRequest): Promise<Changed>;
  described(bond: string): Promise<DescribedDocument>;
  uplink(): Promise<UplinkDocument>;
  configureUplink(settings: UplinkSettings): Promise<Changed>;
  removeUplink(): Promise<Changed>;
  wishUplink(body: UplinkWish): Promise<Changed>;
  drillUplink(body: UplinkDrill): Promise<Changed>;
  explainUplink(): Promise<UplinkReasons>;
  events(query: EventQuery): AsyncGenerator<EventRecord, void, undefined>;
}

interface Call {
  readonly method: Method;
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** How a daemon is talked to. */
export interface ApiOptions {
  /** Longest silence of the daemon before a request is given up. */
  readonly answerTimeoutMs?: number;
  /** Whether a daemon that is just starting is waited for; it is, unless told not to. */
  readonly awaitsStart?: boolean;
  /** Of whoever makes the bonds that the daemon was started for. */
  readonly startingKey?: string;
}

/** A client for the daemon of `runDir`; nothing is connected before the first call. */
export function apiClient(runDir: string, options: ApiOptions = {}): ApiClient {
  const send = (call: Call): Promise<IncomingMessage> =>
    options.awaitsStart === false
      ? open(runDir, call, options)
      : patiently(runDir, () => open(runDir, call, options));

  async function ask<Body, Answer>(row: Address<Body, Answer>, bond = '', body?: Body): Promise<Answer> {
    const call: Call = { method: row.method, path: pathFor(row.path, bond), body };
    const text = await readAll(runDir, await send(call));
    const answer = row.read(text);
    if (answer === undefined) throw malformed(call, text);
    return answer;
  }

  return {
    status: () => ask(ADDRESSES.status),
    show: async bond =>
      completeShow(await (bond === undefined ? ask(ADDRESSES.show) : ask(ADDRESSES.showBond, bond))),
    members: bond => ask(ADDRESSES.members, bond),
    text: (bond, view) => ask(ADDRESSES[view], bond),
    create: body => ask(ADDRESSES.create, '', body),
    configure: body => ask(ADDRESSES.configure, '', body),
    destroy: bond => ask(ADDRESSES.destroy, bond),
    enslave: (bond, body) => ask(ADDRESSES.enslave, bond, body),
    release: (bond, body) => ask(ADDRESSES.release, bond, body),
    set: (bond, body) => ask(ADDRESSES.set, bond, body),
    up: bond => ask(ADDRESSES.up, bond, {}),
    addAddresses: (bond, body) => ask(ADDRESSES.addAddresses, bond, body),
    link: (bond, body) => ask(ADDRESSES.link, bond, body),
    addRoutes: (bond, body) => ask(ADDRESSES.addRoutes, bond, body),
    describe: (bond, body) => ask(ADDRESSES.describe, bond, body),
    described: bond => ask(ADDRESSES.described, bond),
    uplink: () => ask(ADDRESSES.uplink),
    configureUplink: settings => ask(ADDRESSES.configureUplink, '', settings),
    removeUplink: () => ask(ADDRESSES.removeUplink),
    wishUplink: body => ask(ADDRESSES.wishUplink, '', body),
    drillUplink: body => ask(ADDRESSES.drillUplink, '', body),
    explainUplink: () => ask(ADDRESSES.explainUplink),
    async *events(query) {
      const call: Call = { method: ADDRESSES.events.method, path: eventsPath(query), signal: query.signal };
      try {
        const response = await send(call);
        response.setEncoding('utf8');
        for await (const line of lines(response)) {
          const record = ADDRESSES.events.read(line);
          if (record === undefined) throw malformed(call, line);
          yield record;
        }
      } catch (error) {
        if (query.signal?.aborted === true) return;
        throw error instanceof Failure ? error : connectionFailure(runDir, error);
      }
    },
  };
}

function eventsPath(query: EventQuery): string {
  const search = new URLSearchParams();
  if (query.bond !== undefined) search.set('bond', query.bond);
  if (query.after !== undefined) search.set('after', String(query.after));
  if (query.follow === true) search.set('follow', '1');
  const text = search.toString();
  return text === '' ? ADDRESSES.events.path : `${ADDRESSES.events.path}?${text}`;
}

/** Sends one request and resolves with a 2xx answer whose body is still to be read; anything else is a Failure. */
async function open(runDir: string, call: Call, options: ApiOptions): Promise<IncomingMessage> {
  const response = await answerTo(runDir, call, options);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  const text = await readAll(runDir, response);
  const reply = parseJson(text);
  if (!isErrorBody(reply)) {
    throw refusedFailure(
      `The daemon refused ${call.method} ${call.path} with status ${status} and gave no reason.`,
    );
  }
  const message = plain(reply.error.message);
  throw reply.error.code === 'permission'
    ? permissionFailure(message, reply.error)
    : refusedFailure(message, reply.error);
}

/** Asks again while a daemon starts: its process is there and does not answer yet, or it is still making the bonds of its file. */
async function patiently<T>(runDir: string, ask: () => Promise<T>): Promise<T> {
  let deadline: number | undefined;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      deadline ??= performance.now() + START_MS;
      if (!(error instanceof Failure) || performance.now() > deadline) throw error;
      const isStarting = isNobody(error) && (await hasStartingDaemon(runDir));
      if (!isStarting && !isMakingItsBonds(error)) throw error;
    }
    await new Promise(resolve => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

/** Nothing was asked of anybody yet. */
function isNobody({ exitCode, cause }: Failure): boolean {
  return exitCode === EXIT.noDaemon && NOBODY[systemCode(cause) ?? ''] !== undefined;
}

async function hasStartingDaemon(runDir: string): Promise<boolean> {
  return (await import('./process/starting-daemon.js')).isDaemonStarting(runDir);
}

function isMakingItsBonds({ cause }: Failure): boolean {
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'starting';
}

function answerTo(runDir: string, call: Call, options: ApiOptions): Promise<IncomingMessage> {
  const { answerTimeoutMs = ANSWER_TIMEOUT_MS, startingKey } = options;
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  const headers: Record<string, string | number> = { host: 'bondwire', accept: '*/*' };
  if (startingKey !== undefined) headers[STARTING_HEADER] = startingKey;
  if (body !== undefined) {
    headers['content-type'] = 'application/json';
    headers['content-length'] = Buffer.byteLength(body);
  }
  return new Promise((resolve, reject) => {
    const sent = request({
      // Without an agent, whose look at the name of the host takes a tenth of a short command.
      createConnection: () => connect(controlSocketPath(runDir)),
      method: call.method,
      path: call.path,
      headers,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    const timer = setTimeout(() => {
      sent.destroy(
        refusedFailure(`The daemon at ${plain(runDir)} did not answer within ${answerTimeoutMs / 1000} s.`),
      );
    }, answerTimeoutMs);
    // It is still at it.
    sent.on('information', () => timer.refresh());
    sent.once('response', response => {
      clearTimeout(timer);
      resolve(response);
    });
    sent.on('error', error => {
      clearTimeout(timer);
      reject(error instanceof Failure ? error : connectionFailure(runDir, error));
    });
    sent.end(body);
  });
}

async function readAll(runDir: string, response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  try {
    for await (const chunk of response) text += String(chunk);
  } catch (error) {
    throw connectionFailure(runDir, error);
  }
  return text;
}

function malformed(call: Call, text: string): Failure {
  const start = plain(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  return refusedFailure(
    `The daemon's answer to ${call.method} ${call.path} cannot be understood (${start === '' ? 'it is empty' : start}); are daemon and command of one version?`,
  );
}

/** Errors of connect(2) that mean that there is no daemon. */
const NOBODY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no control.sock',
  ENOTDIR: 'there is no control.sock',
  ECONNREFUSED: 'nobody answers on its control.sock',
  ENOTSOCK: 'its control.sock is no socket',
};

function connectionFailure(runDir: string, error: unknown): Failure {
  const where = plain(runDir);
  const socket = plain(controlSocketPath(runDir));
  const start =
    runDir === DEFAULT_RUN_DIR
      ? `'${advice('bondwire daemon')}'`
      : `'${plain(advice('bondwire daemon --run-dir {runDir}', { runDir }))}'`;
  const code = systemCode(error) ?? '';
  const why = NOBODY[code];
  if (why !== undefined) {
    return noDaemonFailure(
      `No daemon is running at ${where} (${why}): start one with ${start}, or name its directory with --run-dir.`,
      error,
    );
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return permissionFailure(
      `This user may not open ${socket} (permission denied): run it as the user of the daemon, most often root.`,
      error,
    );
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return noDaemonFailure(
      `The daemon at ${where} went away before its answer was complete; '${plain(advice('bondwire --run-dir {runDir} show', { runDir }))}' tells what holds now.`,
      error,
    );
  }
  return refusedFailure(
    `Talking to the daemon at ${where} failed: ${plain(error instanceof Error ? error.message : String(error))}.`,
    error,
  );
}
