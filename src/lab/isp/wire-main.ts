// The process that carries the wires of a lab: frames between two interfaces each, with delay and loss.
//
//   node dist/lab/isp/wire-main.js JSON      in the namespace of the wires; ends when its standard input is closed
//
// A process of its own, with nothing else to do and before all others, so that what is measured is not how busy the lab is.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import {
  ETH_P_ALL,
  mapShared,
  PacketSocket,
  PollSet,
  requireLink,
  Rtnetlink,
  setThreadRealTime,
} from '../../linux/index.js';
import { DelayLine } from './delay-line.js';
import { DIRECTIONS, type Direction } from './faults.js';
import { WireControl } from './wire-control.js';
import { WIRE_READY, type WireSettings } from './wire-messages.js';

const FRAMES = 8192;
/** MTU 1500, its header, and a VLAN tag; no offload makes longer ones. */
const FRAME_BYTES = 1600;
const QUEUE_MS = 300;
const RECEIVE_BUFFER_BYTES = 8 << 20;
/** Frames taken from a socket before others get their turn. */
const BURST = 128;
const PRIORITY = 20;

/** One direction of one wire. */
interface Lane {
  readonly wire: number;
  readonly direction: Direction;
  readonly from: PacketSocket;
  readonly to: PacketSocket;
  readonly line: DelayLine;
}

function openEnd(netlink: Rtnetlink, name: string): PacketSocket {
  return PacketSocket.open({
    ifindex: requireLink(netlink, name).ifindex,
    protocol: ETH_P_ALL,
    qdiscBypass: true,
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    maxFrameBytes: FRAME_BYTES + 1,
  });
}

function openLanes(settings: WireSettings): Lane[] {
  const netlink = Rtnetlink.open();
  try {
    return settings.wires.flatMap(({ near, far, bytesPerSecond }, wire) => {
      const ends = { near: openEnd(netlink, near), far: openEnd(netlink, far) };
      const limits = {
        frames: FRAMES,
        frameBytes: FRAME_BYTES,
        bytesPerSecond: bytesPerSecond ?? Infinity,
        queueMs: QUEUE_MS,
      };
      return DIRECTIONS.map((direction, i) => {
        const [from, to] = direction === 'up' ? [ends.near, ends.far] : [ends.far, ends.near];
        return { wire, direction, from, to, line: new DelayLine(limits, settings.seed + 2 * wire + i) };
      });
    });
  } finally {
    netlink.close();
  }
}

/** Sends what is due; gives when the next frame is. */
function deliver(lanes: readonly Lane[], control: WireControl): number {
  let next = Infinity;
  for (const { wire, direction, to, line } of lanes) {
    for (;;) {
      const frame = line.take(performance.now());
      if (frame === undefined) break;
      control.count(wire, direction, to.send(frame) ? 'delivered' : 'full');
    }
    next = Math.min(next, line.nextMs);
  }
  return next;
}

function takeIn({ wire, direction, from, line }: Lane, control: WireControl): void {
  const state = control.get(wire, direction);
  for (let i = 0; i < BURST; i++) {
    const frame = from.receive();
    if (frame === undefined) return;
    const became = line.offer(frame.data, performance.now(), state);
    if (became !== 'taken') control.count(wire, direction, became);
  }
}

function run(settings: WireSettings): void {
  const fd = openSync(settings.controlFile, 'r+');
  const control = new WireControl(mapShared(fd, settings.controlLength, { writable: true }).buffer);
  closeSync(fd);
  const lanes = openLanes(settings);
  const waiting = new PollSet([0, ...lanes.map(lane => lane.from.fd)]);
  setThreadRealTime(PRIORITY);
  writeSync(1, WIRE_READY);
  for (;;) {
    const next = deliver(lanes, control);
    waiting.waitExactly(Math.max(0, next - performance.now()));
    if (waiting.isReady(0) && readSync(0, new Uint8Array(16)) === 0) return;
    for (const [i, lane] of lanes.entries()) if (waiting.isReady(i + 1)) takeIn(lane, control);
  }
}

const [text] = process.argv.slice(2);
if (text === undefined) {
  process.stderr.write('Use: wire-main.js JSON\n');
  process.exitCode = 2;
} else {
  run(JSON.parse(text) as WireSettings);
}
