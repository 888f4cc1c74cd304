// Fetches a page by a line whose answer is known. Another body, another status or another place to go is a portal's.
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { errnoName } from '../../base/index.js';
import { monotonicMs } from '../../linux/index.js';
import type { HttpPage, Probe } from '../../uplinks/index.js';
import { connectBy } from './connection.js';
import { findHost } from './host-address.js';
import { type ProbeAnswers, type ProbeLine, unsentReason } from './probe-ways.js';

const HTTP_PORT = 80;
/** More of a body than this is not read. */
const MOST_BYTES = 65_536;

/** What the page is asked with. */
export interface PageWay {
  readonly page: HttpPage;
  /** DNS servers of the line. */
  readonly servers: readonly string[];
}

/** Asks for the page; calls back once. */
export function askHttp(probe: Probe, way: PageWay, line: ProbeLine, answers: ProbeAnswers): void {
  new Fetch(probe, way, line, answers).start();
}

type Verdict =
  | { readonly why: 'right' }
  | { readonly why: 'redirected' | 'wrong' | 'refused' | 'timeout' | 'unsent'; readonly detail: string };

class Fetch {
  readonly #probe: Probe;
  readonly #way: PageWay;
  readonly #line: ProbeLine;
  readonly #answers: ProbeAnswers;
  readonly #sentMs = monotonicMs();
  readonly #timer: NodeJS.Timeout;
  /** Ends what is under way. */
  #cancel: () => void = () => {};
  #isOver = false;

  constructor(probe: Probe, way: PageWay, line: ProbeLine, answers: ProbeAnswers) {
    this.#probe = probe;
    this.#way = way;
    this.#line = line;
    this.#answers = answers;
    this.#timer = setTimeout(() => this.#end({ why: 'timeout', detail: '' }), probe.timeoutMs).unref();
  }

  start(): void {
    const { url: text } = this.#way.page;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== 'http:')
      return this.#end({ why: 'unsent', detail: `"${text}" is no address that begins with http://` });
    const { device } = this.#line;
    this.#step(() =>
      findHost(url.hostname, this.#probe.family, { device, servers: this.#way.servers }, address => {
        // A page that is not there in this family says nothing of the line.
        if (address === null) this.#end({ why: 'right' });
        else if (address === undefined)
          this.#end({ why: 'unsent', detail: `no address of ${url.hostname} is known` });
        else this.#connect(address, url);
      }),
    );
  }

  #connect(address: string, url: URL): void {
    const port = url.port === '' ? HTTP_PORT : Number(url.port);
    this.#step(() => {
      const connecting = connectBy(this.#line.device, { address, port }, outcome => {
        if ('socket' in outcome) this.#ask(outcome.socket, url);
        else this.#end({ why: 'refused', detail: errnoName(outcome.errno) });
      });
      return () => connecting.cancel();
    });
  }

  #ask(socket: Socket, url: URL): void {
    if (this.#isOver) {
      socket.destroy();
      return;
    }
    const headers = { host: url.host, connection: 'close', 'user-agent': 'bondwire' };
    const path = `${url.pathname}${url.search}`;
    const asked = request({ path, headers, createConnection: () => socket }, answer =>
      judge(answer, this.#way.page, verdict => this.#end(verdict)),
    );
    this.#cancel = () => {
      asked.destroy();
      socket.destroy();
    };
    asked.on('error', error => this.#end({ why: 'refused', detail: unsentReason(error) }));
    asked.end();
  }

  /** Begins something that can be ended; what has called back by then is not ended any more. */
  #step(begin: () => () => void): void {
    if (this.#isOver) return;
    const before = this.#cancel;
    try {
      const cancel = begin();
      if (this.#isOver) cancel();
      else if (this.#cancel === before) this.#cancel = cancel;
    } catch (error) {
      this.#end({ why: 'unsent', detail: unsentReason(error) });
    }
  }

  #end(verdict: Verdict): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#cancel();
    if (verdict.why === 'right') this.#answers.answered(this.#probe, monotonicMs() - this.#sentMs);
    else this.#answers.failed(this.#probe, verdict.why, verdict.detail === '' ? undefined : verdict.detail);
  }
}

/** Reads the answer to its end. */
function judge(answer: IncomingMessage, page: HttpPage, done: (verdict: Verdict) => void): void {
  const status = answer.statusCode ?? 0;
  if (status >= 300 && status < 400) {
    done({ why: 'redirected', detail: `to ${answer.headers.location ?? 'another place'}` });
    return;
  }
  let body = '';
  answer.setEncoding('utf8');
  answer.on('data', (part: string) => {
    body = (body + part).slice(0, MOST_BYTES);
  });
  answer.on('end', () => {
    if (status !== page.status) done({ why: 'wrong', detail: `status ${status}, not ${page.status}` });
    else if (body.trim() !== page.body)
      done({ why: 'wrong', detail: 'another page came than the one that is known' });
    else done({ why: 'right' });
  });
  answer.on('error', error => done({ why: 'refused', detail: unsentReason(error) }));
}
