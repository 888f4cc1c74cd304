// balance-alb in the worker: the table of clients goes through the shared words, and which frames of a member are the bond's.
import { describe, expect, test } from 'vitest';
import type { ReceiversPlan } from '../../policy/index.js';
import { type ReceivedAs, receivedAs, receiverSlots } from './receiver-slots.js';
import { SHARED_BYTES, SharedState, type SlotPlan } from './shared-state.js';

const OWN = [0, 1, 2].map(slot => Uint8Array.of(2, 0, 0, 0, 0, slot));
const BROADCAST = new Uint8Array(6).fill(0xff);

const RECEIVERS: ReceiversPlan = {
  bondAddress: '02:00:00:00:00:00',
  next: 12,
  clients: [
    { place: 1, ourIp: '192.168.255.1', ip: '10.0.0.11', member: 11 },
    { place: 255, ourIp: '10.0.0.1', ip: '10.0.0.255', member: null },
  ],
  hearsAll: false,
};

test('the table is read by the worker as it was published', () => {
  const state = new SharedState(new ArrayBuffer(SHARED_BYTES));
  state.initialise();
  const plan: Omit<SlotPlan, 'usable'> = {
    mode: 'balance-alb',
    hashPolicy: 'layer2',
    packetsPerSlave: 1,
    order: [0, 1, 2],
    isUsable: [true, true, true],
    byLoad: true,
    rebalance: 0,
    balanced: [],
    sources: OWN,
    receivers: receiverSlots(RECEIVERS, member => member - 10),
    divert: true,
    acceptAlways: [],
    throughQdisc: [],
  };
  state.publish(plan, 0);
  expect(state.plan().receivers).toEqual({
    bondAddress: OWN[0],
    table: {
      ...RECEIVERS,
      next: 2,
      clients: [
        { ...RECEIVERS.clients[0], member: 1 },
        { ...RECEIVERS.clients[1], member: null },
      ],
    },
  });
  // Clients that are gone are gone.
  state.publish({ ...plan, receivers: receiverSlots({ ...RECEIVERS, clients: [], next: null }, () => 0) }, 0);
  expect(state.plan().receivers?.table).toMatchObject({ next: null, clients: [] });
  state.publish({ ...plan, mode: 'balance-tlb', receivers: null }, 0);
  expect(state.plan().receivers).toBe(null);
});

describe('receivedAs()', () => {
  const plan = { sources: OWN, isUsable: [true, true, false] };
  const as = (
    to: Uint8Array | undefined,
    slot: number,
    isCurrent: boolean,
    isHeard = isCurrent,
  ): ReceivedAs =>
    receivedAs(plan, Uint8Array.from([...(to ?? []), ...OWN.flatMap(mac => [...mac])]), slot, {
      isHeard,
      isCurrent,
    });

  test.each<[string, ReceivedAs, ReceivedAs]>([
    ['its own address', as(OWN[1], 1, false), 'to bond'],
    ['its own address on the active one', as(OWN[0], 0, true), 'to bond'],
    ['that of another', as(OWN[0], 1, false), 'dropped'],
    ['that of another, on the active one', as(OWN[1], 0, true), 'as it is'],
    ['that of one that was lost, on the active one', as(OWN[2], 0, true), 'to bond'],
    ['that of one that was lost, elsewhere', as(OWN[2], 1, false, true), 'as it is'],
    ['everybody', as(BROADCAST, 1, false), 'dropped'],
    ['everybody, on the active one', as(BROADCAST, 0, true), 'as it is'],
    ['everybody, on one that is heard besides', as(BROADCAST, 1, false, true), 'as it is'],
  ])('a frame to %s', (_, is, wanted) => {
    expect(is).toBe(wanted);
  });
});
