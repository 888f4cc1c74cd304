// Reads requests to the control API: their address and their body, both from whoever may open the socket.
import type { IncomingMessage } from 'node:http';
import { err, ok, type Refusal, type Result, shown } from '../../base/index.js';
import { invalid } from './request-bodies.js';

/** Why a body is none. */
export interface BadBody {
  readonly refusal: Refusal;
  /** Of HTTP, where the code of the refusal does not tell it. */
  readonly status?: number;
}

function tooLarge(most: number): BadBody {
  const message = `The request is larger than ${most} bytes; no change needs as much, so say it in several.`;
  return { refusal: invalid(message), status: 413 };
}

/** The address of a request. */
export interface RequestUrl {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** The parts of a request's address; undefined when it is none. */
export function parseUrl(text: string): RequestUrl | undefined {
  try {
    const url = new URL(text, 'http://bondwire');
    return {
      path: url.pathname
        .split('/')
        .filter(part => part !== '')
        .map(decodeURIComponent),
      query: url.searchParams,
    };
  } catch {
    return undefined;
  }
}

/** The body of a request as JSON; undefined where there is none. `most` is its greatest length in bytes. */
export async function readBody(request: IncomingMessage, most: number): Promise<Result<unknown, BadBody>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    // What is too much is read on, but not kept: who sends it hears the answer only when all is sent.
    if (length > most) chunks.length = 0;
    else chunks.push(chunk);
  }
  if (length === 0) return ok(undefined);
  if (length > most) return err(tooLarge(most));
  try {
    return parseBody(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    // The stack of the reader ends before such a body does.
    if (error instanceof RangeError)
      return bad('The body of the request is nested too deeply; see the documentation of the control API.');
    const message = `The body of the request is not JSON (${shown((error as Error).message, 120)}); see the documentation of the control API.`;
    return bad(message);
  }
}

function bad(message: string): Result<never, BadBody> {
  return err({ refusal: invalid(message) });
}

/** JSON without the one key that objects do not keep as others: what it says would be lost without a word. */
function parseBody(text: string): Result<unknown, BadBody> {
  let hasPrototype = false;
  const body: unknown = JSON.parse(text, (key, value: unknown) => {
    hasPrototype ||= key === '__proto__';
    return value;
  });
  if (!hasPrototype) return ok(body);
  return bad('The request was refused: "__proto__" is no field and no option; leave it out.');
}
