// What a worker does while it waits for its first bond: it carries a few frames between rings in memory of its own and a pair of
// sockets. JavaScript is compiled when it first runs, and for a bond that is taken over that would be while frames wait.
import {
  addressOf,
  channelPair,
  closeFd,
  RING_BLOCK_BYTES,
  RING_FRAME_BYTES,
  takeSocketError,
} from '../../linux/index.js';
import { BondPort } from './bond-port.js';
import { putFrame, type RingPlace } from './ring-reader.js';
import { receiverSlots } from './receiver-slots.js';
import { SHARED_BYTES, SharedState } from './shared-state.js';

const MODES = [
  'active-backup',
  'balance-rr',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
] as const;
const RECEIVERS = receiverSlots(
  { bondAddress: '02:00:00:00:00:01', next: null, clients: [], hearsAll: false },
  () => undefined,
);
const FRAMES = 2;
const FRAME_BYTES = 60;
const TURNS = 2;

/** Rings as the kernel makes them, but nobody fills them. */
function ringOf(bytes: Uint8Array, fd: number): RingPlace {
  return { fd, address: Number(addressOf(bytes)), blocks: bytes.length / RING_BLOCK_BYTES };
}

/** Carries frames through a bond that is nowhere. */
export function rehearse(): void {
  const state = new Uint8Array(SHARED_BYTES);
  const hostBytes = new Uint8Array(RING_BLOCK_BYTES);
  const memberBytes = new Uint8Array(RING_BLOCK_BYTES);
  const [near, far] = channelPair();
  try {
    const shared = new SharedState(state.buffer);
    shared.initialise();
    // No interface has this index.
    shared.occupy(0, -1);
    const memory = { buffer: state.buffer, address: Number(addressOf(state)) };
    const port = new BondPort(ringOf(hostBytes, near), memory, () => {});
    port.addMember(0, -1, { ring: ringOf(memberBytes, near), direct: near });
    let at = 0;
    for (const mode of MODES) {
      publish(shared, mode);
      for (let turn = 0; turn < TURNS; turn++) {
        for (let i = 0; i < FRAMES; i++, at++) {
          for (const bytes of [hostBytes, memberBytes])
            putFrame(bytes, at * RING_FRAME_BYTES, new Uint8Array(FRAME_BYTES), i % 2 === 0);
        }
        port.fromHost();
        port.fromMember(0, performance.now());
      }
    }
    takeSocketError(near);
  } finally {
    closeFd(near);
    closeFd(far);
  }
}

function publish(shared: SharedState, mode: (typeof MODES)[number]): void {
  shared.publish(
    {
      mode,
      hashPolicy: 'layer3+4',
      packetsPerSlave: 1,
      order: [0],
      isUsable: [true],
      byLoad: true,
      rebalance: 0,
      balanced: [{ member: 0, speedMbps: 1000 }],
      sources: [],
      receivers: mode === 'balance-alb' ? RECEIVERS : null,
      divert: true,
      acceptAlways: [false],
      throughQdisc: [false],
    },
    0,
  );
}
