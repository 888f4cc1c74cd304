// What a path costs a packet, measured without a scheduler: both ends are sockets of this one process, which sends and fetches in
// turn, so that nothing has to be woken up. For a machine of one processor whose clock counts instructions: whatever is done
// for a packet is done before the call that sent it returns. A figure is the median of many short blocks; those in which somebody
// else got the processor (a daemon's tick, the garbage collection of this process) lie above it and do not count.
import { InetSocket, netnsPath, PollSet, UdpBatch, withNetns } from '#linux';
import { median } from './arithmetic.js';

/** An end of the path: its address, the namespace that it lives in, and how to open a socket there. */
export interface PathEnd {
  readonly address: string;
  readonly namespace: string;
  readonly inside: <T>(work: () => T) => T;
}

/** An end in a namespace that has this name. */
export function endIn(address: string, namespace: string): PathEnd {
  return { address, namespace, inside: work => withNetns(netnsPath(namespace), work) };
}

const EAGAIN = 11;
const PATIENCE_MS = 5000;
/** So long the code is made quick (by a thread that shares the processor) before anything counts. */
const WARM_NS = 6e8;
const BLOCKS = 60;
/** Datagrams in one system call, and calls in a block. More in one would not fit into the allocator's stock of buffers. */
const BATCH = 32;
const CALLS = 8;
const TURNS = 32;
const PIECE_BYTES = 128 * 1024;
const STREAM_BLOCK_BYTES = 1024 * 1024;

function nowNs(): number {
  return Number(process.hrtime.bigint());
}

/** Calls `work`, which gives how many units it did, again and again; gives the median of the nanoseconds a unit. */
function costOf(work: () => number): number {
  const warm = nowNs() + WARM_NS;
  while (nowNs() < warm) work();
  const costs: number[] = [];
  while (costs.length < BLOCKS) {
    const start = nowNs();
    const units = work();
    costs.push((nowNs() - start) / units);
  }
  return median(costs);
}

/** Nanoseconds of one call into the kernel that has nothing to do: what the meter itself adds to a round trip with each call. */
function callCost(): number {
  const nothing = new PollSet([]);
  return costOf(() => {
    for (let i = 0; i < TURNS * 4; i++) nothing.wait(0);
    return TURNS * 4;
  });
}

function openUdp(end: PathEnd): InetSocket {
  return end.inside(() => InetSocket.udp({ address: end.address, port: 0 }));
}

/** Waits for bytes; 0 when none came in time. */
function receiveSoon(socket: InetSocket, waiting: PollSet, into: Uint8Array): number {
  for (let tries = 0; tries < 100; tries++) {
    const length = socket.receive(into);
    if (length !== -EAGAIN) return length;
    waiting.wait(50);
  }
  return 0;
}

/** Sends to and fro until both have heard of each other: neighbours are resolved then, and switches have learnt. */
export async function meet(one: PathEnd, other: PathEnd): Promise<void> {
  using near = openUdp(one);
  using far = openUdp(other);
  near.connect(far.local());
  far.connect(near.local());
  const bytes = new Uint8Array(64);
  const deadline = performance.now() + PATIENCE_MS;
  const heard = { near: 0, far: 0 };
  while (heard.near < 3 || heard.far < 3) {
    if (performance.now() > deadline)
      throw new Error(`${one.address} and ${other.address} do not reach each other`);
    near.send(bytes, 18);
    far.send(bytes, 18);
    await new Promise(resolve => setTimeout(resolve, 20));
    while (near.receive(bytes) > 0) heard.near++;
    while (far.receive(bytes) > 0) heard.far++;
  }
}

/** Nanoseconds a datagram of so many bytes of payload, one way; and how many were sent. All must arrive. */
export function datagramCost(from: PathEnd, to: PathEnd, payloadBytes: number): { ns: number; sent: number } {
  using receiver = to.inside(() =>
    UdpBatch.open({ local: { address: to.address, port: 0 }, batch: BATCH, payloadBytes }),
  );
  using sender = from.inside(() =>
    UdpBatch.open({
      local: { address: from.address, port: 0 },
      remote: receiver.localEndpoint(),
      batch: BATCH,
      payloadBytes,
    }),
  );
  const waiting = new PollSet([receiver.fd]);
  let sent = 0;
  let got = 0;
  const fetch = (): void => {
    for (let tries = 0; got < sent && tries < 100; tries++) {
      const came = receiver.receive();
      if (came > 0) got += came;
      else if (came === -EAGAIN) waiting.wait(10);
      else throw new Error(`Datagrams could not be received (errno ${-came})`);
    }
    if (got !== sent) throw new Error(`${sent - got} of ${sent} datagrams did not arrive`);
  };
  const ns = costOf(() => {
    const before = sent;
    for (let call = 0; call < CALLS; call++) {
      const count = sender.send(BATCH);
      if (count <= 0) throw new Error(`A datagram could not be sent (errno ${-count})`);
      sent += count;
      fetch();
    }
    return sent - before;
  });
  return { ns, sent };
}

function roundTrip(near: InetSocket, far: InetSocket): number {
  const bytes = new Uint8Array(64);
  const [nearWaits, farWaits] = [new PollSet([near.fd]), new PollSet([far.fd])];
  const hop = (from: InetSocket, to: InetSocket, waiting: PollSet): void => {
    if (from.send(bytes, 1) !== 1) throw new Error('A byte could not be sent');
    if (receiveSoon(to, waiting, bytes) !== 1) throw new Error('A byte did not arrive');
  };
  const ns = costOf(() => {
    for (let i = 0; i < TURNS; i++) {
      hop(near, far, farWaits);
      hop(far, near, nearWaits);
    }
    return TURNS;
  });
  return ns - 4 * callCost();
}

/** Nanoseconds of one byte there and one back in datagrams, without what the meter's own four calls cost. */
export function datagramRoundTrip(one: PathEnd, other: PathEnd): number {
  using near = openUdp(one);
  using far = openUdp(other);
  near.connect(far.local());
  far.connect(near.local());
  return roundTrip(near, far);
}

interface Connection {
  readonly near: InetSocket;
  readonly far: InetSocket;
}

async function connections(from: PathEnd, to: PathEnd, count: number): Promise<Connection[]> {
  using listener = to.inside(() => InetSocket.tcp({ address: to.address, port: 0 }));
  listener.listen();
  const made: Connection[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const near = from.inside(() => InetSocket.tcp({ address: from.address, port: 0 }));
      near.connect(listener.local());
      const deadline = performance.now() + PATIENCE_MS;
      let far = listener.accept();
      while (far === undefined) {
        if (performance.now() > deadline) {
          near.close();
          throw new Error(`${to.address} was not reached by TCP`);
        }
        await new Promise(resolve => setTimeout(resolve, 1));
        far = listener.accept();
      }
      made.push({ near, far });
    }
    return made;
  } catch (error) {
    closeAll(made);
    throw error;
  }
}

function closeAll(made: readonly Connection[]): void {
  for (const { near, far } of made) {
    near.close();
    far.close();
  }
}

/** Nanoseconds of one byte there and one back over TCP. */
export async function streamRoundTrip(one: PathEnd, other: PathEnd): Promise<number> {
  const made = await connections(one, other, 1);
  try {
    const [{ near, far } = { near: undefined, far: undefined }] = made;
    if (near === undefined || far === undefined) throw new Error('There is no connection');
    return roundTrip(near, far);
  } finally {
    closeAll(made);
  }
}

/** Mbit/s of so many TCP streams together, one way. */
export async function streamRate(from: PathEnd, to: PathEnd, streams: number): Promise<number> {
  const made = await connections(from, to, streams);
  try {
    const piece = new Uint8Array(PIECE_BYTES);
    const into = new Uint8Array(PIECE_BYTES);
    const waiting = new PollSet(made.map(({ far }) => far.fd));
    const ns = costOf(() => {
      let got = 0;
      let idle = 0;
      while (got < STREAM_BLOCK_BYTES) {
        const before = got;
        for (const { near, far } of made) {
          near.send(piece, piece.length);
          for (let length = far.receive(into); length > 0; length = far.receive(into)) got += length;
        }
        if (got > before) idle = 0;
        else if (idle++ > 100) throw new Error('The streams stand still');
        else waiting.wait(50);
      }
      return got;
    });
    return 8000 / ns;
  } finally {
    closeAll(made);
  }
}

/**
 * Measures over this namespace's own loopback and throws it away: the first figures of a process are up to 1 % off, as its code is not yet
 * compiled for all that it will meet.
 */
export async function warmUp(): Promise<void> {
  const here: PathEnd = { address: '127.0.0.1', namespace: '', inside: work => work() };
  for (let round = 0; round < 2; round++) {
    datagramCost(here, here, 18);
    for (const streams of [1, 8]) await streamRate(here, here, streams);
  }
}
