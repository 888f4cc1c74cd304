// What runs in a guest with emulated cards: carries out what the machine outside asks by a virtio serial port, one JSON line each.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { openSync, read, readdirSync, readFileSync, writeSync } from 'node:fs';
import { request } from 'node:http';
import type { CardAnswer, CardRequest } from './card-messages.js';

const PORT_NAME = 'bondwire';
const PORTS = '/sys/class/virtio-ports';

function openPort(): number {
  for (const port of readdirSync(PORTS)) {
    const name = readFileSync(`${PORTS}/${port}/name`, 'utf8').trim();
    if (name === PORT_NAME) return openSync(`/dev/${port}`, 'r+');
  }
  throw new Error(`There is no port called ${PORT_NAME}`);
}

function shell(script: string): Promise<CardAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    const take = (chunk: Buffer): void => {
      text += chunk.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', reject);
    // Not `close`: what the script left running holds the pipes.
    child.once('exit', status => setTimeout(() => resolve({ status: status ?? 255, text }), 20));
  });
}

function callApi(socketPath: string, method: string, path: string, body: unknown): Promise<CardAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent: false }, response => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Sends random bytes to a server, or fetches what it has; gives their hash. */
async function transfer(url: string, bytes: number): Promise<CardAnswer> {
  if (bytes === 0) {
    const reply = await fetch(url);
    return { status: 0, text: hash(new Uint8Array(await reply.arrayBuffer())) };
  }
  const body = randomBytes(bytes);
  const reply = await fetch(url, { method: 'POST', body });
  const theirs = await reply.text();
  return { status: theirs === hash(body) ? 0 : 1, text: `${theirs} ${hash(body)}` };
}

function answer(asked: CardRequest): Promise<CardAnswer> {
  if ('sh' in asked) return shell(asked.sh);
  if ('api' in asked) return callApi(asked.socket, asked.api, asked.path, asked.body);
  return transfer(asked.url, asked.bytes);
}

const port = openPort();
const say = (line: unknown): void => {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length; ) at += writeSync(port, bytes, at);
};
const buffer = Buffer.alloc(65_536);
let waiting = '';

function listen(): void {
  read(port, buffer, 0, buffer.length, null, (error, count) => {
    if (error !== null) throw error;
    // Nobody is at the other end yet, or any more.
    if (count === 0) {
      setTimeout(listen, 100);
      return;
    }
    waiting += buffer.toString('utf8', 0, count);
    for (let end = waiting.indexOf('\n'); end >= 0; end = waiting.indexOf('\n')) {
      const asked = JSON.parse(waiting.slice(0, end)) as CardRequest;
      waiting = waiting.slice(end + 1);
      answer(asked).then(
        ({ status, text }) => say({ id: asked.id, status, text }),
        (failure: unknown) => say({ id: asked.id, status: 255, text: String(failure) }),
      );
    }
    listen();
  });
}

say({ id: 0, status: 0, text: 'ready' });
listen();
