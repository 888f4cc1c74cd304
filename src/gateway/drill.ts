// A drill: for a while the policy hears of a line what it would hear if it had failed. The line itself goes on: flows that stay on it work,
// and what is tried is whether the uplink notices, moves and comes back.
import { unreachable } from '../base/index.js';
import type { LineDevice, LineNumber, Probe } from '../uplinks/index.js';

export const DRILL_KINDS = ['silent', 'cut', 'router', 'dns', 'portal'] as const;
/** `silent`: nothing beyond the gateway answers; `cut`: no carrier; `router`: the gateway is silent too. */
export type DrillKind = (typeof DRILL_KINDS)[number];

/** What becomes of an answer that came: as it is, no answer, or another one. */
export type Heard = 'as it is' | 'nothing' | 'redirected';

/** One drill at a time. */
export class Drill {
  readonly line: LineNumber;
  readonly kind: DrillKind;
  readonly untilMs: number;

  constructor(line: LineNumber, kind: DrillKind, untilMs: number) {
    this.line = line;
    this.kind = kind;
    this.untilMs = untilMs;
  }

  /** What is told of a question that was answered. */
  heard({ line, kind }: Probe): Heard {
    if (line !== this.line) return 'as it is';
    switch (this.kind) {
      case 'cut':
      case 'router':
        return 'nothing';
      case 'silent':
        return kind === 'gateway' ? 'as it is' : 'nothing';
      case 'dns':
        return kind === 'dns' ? 'nothing' : 'as it is';
      case 'portal':
        return kind === 'http' ? 'redirected' : 'as it is';
      default:
        return unreachable(this.kind);
    }
  }

  /** What is told of a line's device. */
  device(line: LineNumber, device: LineDevice | null): LineDevice | null {
    return line === this.line && this.kind === 'cut' && device !== null
      ? { ...device, carrier: false }
      : device;
  }
}
