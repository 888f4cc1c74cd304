// The process with all servers of the lab of lines: echo, DNS and HTTP of the internet, and the providers' own pages.
//
//   node dist/lab/isp/server-main.js JSON      in the namespace of the internet; ends when its standard input is closed
import { createSocket } from 'node:dgram';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { InetSocket, setThreadRealTime, withNetns } from '../../linux/index.js';
import { dnsAnswer } from './dns-answer.js';
import type { Both } from './plan.js';
import {
  DOWNLOAD_PATH,
  PAGE_BODY,
  PORTAL_PATH,
  PORTS,
  SERVERS_READY,
  type ServerSettings,
} from './server-messages.js';

const PRIORITY = 10;
const CHUNK_BYTES = 16_384;
const MOST_MEGABYTES = 10_000;

/** Answers each datagram to the port, from the address that was asked. `answer` gives undefined for what is not answered. */
function serveDatagrams(
  address: string,
  port: number,
  answer: (datagram: Uint8Array) => Uint8Array | undefined,
): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (datagram, from) => {
    const reply = answer(datagram);
    // Whoever asked may be unreachable by now.
    if (reply !== undefined) socket.send(reply, from.port, from.address, () => {});
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, resolve);
  });
}

function listening(server: Server, where: { port: number; host: string } | { fd: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, resolve);
  });
}

function echo(socket: Socket): void {
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.pipe(socket);
}

function sendSlowly(response: ServerResponse, bytes: number, bytesPerSecond: number): void {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
  const chunk = new Uint8Array(CHUNK_BYTES);
  const startMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(bytes, ((performance.now() - startMs) * bytesPerSecond) / 1000);
    // What waits for a line that is dead is kept small.
    while (sent < due && !response.writableNeedDrain) {
      const size = Math.min(CHUNK_BYTES, bytes - sent);
      sent += size;
      response.write(chunk.subarray(0, size));
    }
    if (sent === bytes) {
      clearInterval(timer);
      response.end();
    }
  }, 10);
  response.once('close', () => clearInterval(timer));
}

function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  // A response without a page has no length either (RFC 9110, 8.6).
  const length =
    text === '' ? {} : { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(text) };
  response.writeHead(status, { connection: 'close', ...length, ...headers });
  response.end(text);
}

function serveInternet(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://lab');
  if (url.pathname === '/') sendText(response, 200, PAGE_BODY);
  else if (url.pathname === '/generate_204') sendText(response, 204, '');
  else if (url.pathname === DOWNLOAD_PATH) {
    const [megabytes, kilobytesPerSecond] = ['mb', 'kbps'].map(name => Number(url.searchParams.get(name)));
    const fits = (number: number | undefined): number is number =>
      number !== undefined && number > 0 && number <= MOST_MEGABYTES;
    if (fits(megabytes) && fits(kilobytesPerSecond)) {
      sendSlowly(response, Math.round(megabytes * 1e6), kilobytesPerSecond * 1000);
    } else sendText(response, 400, `mb and kbps are numbers above 0 and up to ${MOST_MEGABYTES}\n`);
  } else sendText(response, 404, 'There is no such page\n');
}

/** Whoever asks for whatever is sent to the provider's page. */
function servePortal(router: Both, request: IncomingMessage, response: ServerResponse): void {
  const byIpv4 =
    request.socket.remoteFamily === 'IPv4' || request.socket.remoteAddress?.startsWith('::ffff:') === true;
  const page = `http://${byIpv4 ? router.ipv4 : `[${router.ipv6}]`}${PORTAL_PATH}`;
  if (request.url === PORTAL_PATH) sendText(response, 200, 'Your provider asks you to sign in\n');
  else sendText(response, 302, 'Sign in first\n', { location: page });
}

async function run({ addresses, answer, portals }: ServerSettings): Promise<void> {
  const all = addresses.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]);
  await Promise.all([
    ...all.map(address => serveDatagrams(address, PORTS.echo, datagram => datagram)),
    ...all.map(address => serveDatagrams(address, PORTS.dns, query => dnsAnswer(query, answer))),
    listening(createServer(echo), { port: PORTS.echo, host: '::' }),
    listening(createHttpServer(serveInternet), { port: PORTS.http, host: '::' }),
    ...portals.map(({ netns, router }) => {
      const listener = withNetns(netns, () => {
        const socket = InetSocket.tcp({ address: '::', port: PORTS.http }, { transparent: true });
        socket.listen();
        return socket;
      });
      const server = createHttpServer((request, response) => servePortal(router, request, response));
      return listening(server, { fd: listener.fd });
    }),
  ]);
  setThreadRealTime(PRIORITY);
  process.stdin
    .on('end', () => process.exit())
    .on('error', () => process.exit())
    .resume();
  process.stdout.write(SERVERS_READY);
}

const [text] = process.argv.slice(2);
if (text === undefined) {
  process.stderr.write('Use: server-main.js JSON\n');
  process.exitCode = 2;
} else {
  run(JSON.parse(text) as ServerSettings).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
}
