// What the control thread tells the forwarding worker, and what the worker tells it.
import type { MessagePort } from 'node:worker_threads';
import type { MemberPlace } from './member-port.js';
import type { RingPlace } from './ring-reader.js';

/** Given to the worker at its start. */
export interface WorkerStart {
  /** eventfd that wakes it. */
  readonly wakeUp: number;
  /** One word: how many commands were carried out. */
  readonly done: SharedArrayBuffer;
  /** Commands come by it, what was moved goes by it. */
  readonly port: MessagePort;
  /** Nice value that it is to run at. */
  readonly nice: number;
}

export type Command =
  | {
      readonly kind: 'bond';
      readonly bond: number;
      readonly state: number;
      readonly host: RingPlace;
      readonly members: readonly {
        readonly slot: number;
        readonly ifindex: number;
        readonly place: MemberPlace;
      }[];
    }
  | {
      readonly kind: 'member';
      readonly bond: number;
      readonly slot: number;
      readonly ifindex: number;
      readonly place: MemberPlace;
    }
  | { readonly kind: 'no member'; readonly bond: number; readonly slot: number }
  | { readonly kind: 'no bond'; readonly bond: number }
  | { readonly kind: 'end' };

/** The worker moved the traffic of a bond; slots. */
export interface Moved {
  readonly bond: number;
  readonly from: number;
  readonly to: number;
  readonly atNs: bigint;
}
