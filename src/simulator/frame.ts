// A frame on a simulated wire: addresses as text, and what it carries. (simulator)
import { BROADCAST_MAC, formatMac, type MacText } from '../base/index.js';
import type { Output } from '../policy/index.js';
import type { FlowRun } from './flow.js';

/** What a frame carries: a packet of a flow, a question for an address or its answer, or bytes that a bond made. */
export type Cargo =
  | { readonly kind: 'packet'; readonly flow: FlowRun; readonly sequence: number }
  /** `sender`: the MAC address that it names, where that is not the frame's own source. */
  | { readonly kind: 'ask'; readonly ip: string; readonly from: string; readonly sender?: MacText }
  | { readonly kind: 'answer'; readonly ip: string; readonly to: string; readonly sender?: MacText }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

export interface Frame {
  readonly destination: MacText;
  readonly source: MacText;
  readonly cargo: Cargo;
}

/** A group address: broadcast or multicast. */
export function isGroup(mac: MacText): boolean {
  return mac === BROADCAST_MAC || (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}

/** 01:80:c2:00:00:0X: stays on its link. */
export function isLinkLocal(mac: MacText): boolean {
  return mac.startsWith('01:80:c2:00:00:0');
}

/** A frame of bytes. */
export function frameOf(bytes: Uint8Array): Frame {
  return { destination: formatMac(bytes, 0), source: formatMac(bytes, 6), cargo: { kind: 'bytes', bytes } };
}

/** What a bond sends through one member: its own frame, or a question with the member's MAC address. */
export function memberFrame(
  output: Extract<Output, { kind: 'probe' | 'send-through' }>,
  source: MacText,
): Frame {
  if (output.kind === 'send-through') return frameOf(output.frame);
  const cargo = { kind: 'ask', ip: output.target, from: output.sender ?? '0.0.0.0' } as const;
  return { destination: BROADCAST_MAC, source: output.source ?? source, cargo };
}
