// A TCP session that never rests: a client in the host sends a line every 20 ms, an echo server in the peer answers.
import { createInterface } from 'node:readline';
import type { Stage } from './stage.js';
import { until } from './stage.js';

const SERVER = `
require('net').createServer(socket => { socket.on('error', () => {}); socket.pipe(socket); })
  .listen(Number(process.argv[1]), '::', () => console.log('ready'));`;

const CLIENT = `
const [port, address] = process.argv.slice(1);
let sent = 0, rest = '';
const socket = require('net').connect({ port: Number(port), host: address });
socket.setNoDelay(true);
socket.on('connect', () => setInterval(() => socket.write((++sent) + '\\n'), 20));
socket.on('data', data => {
  const lines = (rest + data).split('\\n'); rest = lines.pop();
  if (lines.length > 0) console.log(lines.at(-1));
});
socket.on('error', error => { console.log('error ' + error.message); process.exit(1); });
socket.on('close', () => { console.log('error closed'); process.exit(1); });`;

/** One session. */
export interface TcpSession {
  /** Why it broke, when it did. */
  readonly broken: string | undefined;
  /** Waits until lines that are sent from now on come back. */
  lives(): Promise<void>;
}

/** Opens a session to an address of the peer. */
export async function tcpSession(stage: Stage, address: string, port: number): Promise<TcpSession> {
  const server = stage.lab.spawn('peer', [process.execPath, '-e', SERVER, String(port)]);
  let ready = false;
  server.stdout?.on('data', () => {
    ready = true;
  });
  await until('the echo server listens', () => ready);
  let echoed = 0;
  let broken: string | undefined;
  const client = stage.lab.spawn('host', [process.execPath, '-e', CLIENT, String(port), address]);
  if (client.stdout === null) throw new Error('The client has no output');
  createInterface({ input: client.stdout }).on('line', line => {
    if (line.startsWith('error')) broken = line;
    else echoed = Number(line);
  });
  const lives = async (): Promise<void> => {
    const wanted = echoed + 25;
    await until(`lines come back from ${address}`, () => {
      if (broken !== undefined) throw new Error(`The session broke: ${broken}`);
      return echoed >= wanted;
    });
  };
  await lives();
  return {
    get broken() {
      return broken;
    },
    lives,
  };
}
