// A control API that answers what a test tells it to, on a real Unix socket in a directory of its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { controlSocketPath } from '../../daemon/api/api.js';

/** One request as it came. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

export type Answer = (seen: Seen, response: ServerResponse) => void;

export interface FakeDaemon {
  readonly seen: readonly Seen[];
  /** `METHOD URL` of each request. */
  calls(): string[];
  close(): Promise<void>;
}

export function temporaryRunDir(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'bw-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export async function fakeDaemon(runDir: string, answer: Answer): Promise<FakeDaemon> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then(text => {
      const one = {
        method: request.method ?? '',
        url: request.url ?? '',
        body: text === '' ? undefined : (JSON.parse(text) as unknown),
      };
      seen.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>(resolve => {
    server.listen(controlSocketPath(runDir), resolve);
  });
  return {
    seen,
    calls: () => seen.map(({ method, url }) => `${method} ${url}`),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  return text;
}

export function reply(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

export function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  reply(response, status, { error: { code, errno: 'EINVAL', message } });
}

export function done(response: ServerResponse, warnings: readonly string[] = []): void {
  reply(response, 200, { done: true, warnings });
}
