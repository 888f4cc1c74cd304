// The words of the LACP demo: what comes, and the summary. Pure text from values.
import { grouped, type Paint, span } from './demo-text.js';

/** How the host's daemon is survived: by the lease in the data plane, or by a supervisor that has the next daemon at hand. */
export type Survival = 'lease' | 'supervisor';

/** What was measured in one run. */
export interface LacpResult {
  readonly survival: Survival;
  readonly sent: number;
  readonly lost: number;
  readonly doubled: number;
  /** From the kill to the next daemon that has the bond. */
  readonly awayMs: number;
  readonly lostWhileAway: number;
  /** LACPDUs that the programs said meanwhile, by the next daemon's word; null: it said nothing of it. */
  readonly said: number | null;
  /** What the partner told of its bond meanwhile. */
  readonly partnerTold: readonly string[];
  readonly cutCable: string;
  readonly lostAtCut: number;
  /** Of those, frames that were in the cable. */
  readonly inCable: number;
  /** Packets that arrived while the cable was cut. */
  readonly receivedWhileCut: number;
  /** From the cable's being whole to both carrying again, and what was lost then. */
  readonly backMs: number;
  readonly lostAtReturn: number;
  readonly leftBehind: readonly string[];
}

/** How long a partner waits at the fast rate. */
export const PARTNER_WAITS_S = 3;

/** What comes. `awayS`: how long no daemon is there; null: a supervisor has the next one at hand. */
export function lacpIntroduction(awayS: number | null, rate: number): readonly string[] {
  return [
    `Two hosts speak LACP (802.3ad, lacp_rate=fast) over two cables; ${grouped(rate)} packets a second go each way.`,
    `The daemon of one is killed (kill -9)${awayS === null ? '' : ` and stays away for ${awayS} s`}: its partner gives a port up that says nothing for ${PARTNER_WAITS_S} s.`,
    'Then the daemon comes back, and a cable is cut.',
  ];
}

/** What is different where there is no lease. */
export const SUPERVISED =
  'The data plane is in user space here, and has no lease: nothing is said without a daemon. A supervisor has the next daemon at hand instead.';

function survivalRows({ survival, awayMs, said }: LacpResult): [string, string][] {
  if (survival === 'supervisor')
    return [['next daemon', `${span(awayMs)} after kill -9, started by the supervisor`]];
  const words = said === null ? '' : `; the programs said ${said} LACPDUs`;
  return [['no daemon for', `${span(awayMs)}, and the partner waits ${PARTNER_WAITS_S} s${words}`]];
}

function noticed([first, ...others]: readonly string[]): string {
  if (first === undefined) return 'noticed nothing';
  return others.length === 0 ? first : `${first} (and ${others.length} more)`;
}

/** The figures and the last words. */
export function lacpSummary(result: LacpResult, paint: Paint): string {
  const { partnerTold, lostAtCut, inCable, cutCable } = result;
  const cut =
    Math.min(inCable, lostAtCut) === 0
      ? ''
      : `, of them ${Math.min(inCable, lostAtCut)} in the cut cable itself`;
  const rows: [string, string][] = [
    ['packets sent', grouped(result.sent)],
    ['lost', grouped(result.lost)],
    ['doubled', grouped(result.doubled)],
    ...survivalRows(result),
    ['lost meanwhile', grouped(result.lostWhileAway)],
    ['the partner', noticed(partnerTold)],
    ['lost at the cut', `${grouped(lostAtCut)}${cut}`],
    [
      'both carry again',
      `${span(result.backMs)} after ${cutCable} was whole, ${grouped(result.lostAtReturn)} lost`,
    ],
  ];
  const lines = rows.map(([name, value]) => `  ${paint('bold', name.padEnd(16))} ${value}`);
  const problems = lacpFailures(result);
  const words =
    problems.length === 0
      ? paint('green', `The aggregate lived without its daemon, and without ${cutCable}.`)
      : problems.map(text => paint('red', text)).join('\n');
  return `${lines.join('\n')}\n\n${words}\n`;
}

/** Why the demo does not count as a success; empty when it does. */
export function lacpFailures(result: LacpResult): string[] {
  const found: string[] = [];
  if (result.survival === 'lease' && result.awayMs < PARTNER_WAITS_S * 1000)
    found.push(`The daemon was away for ${span(result.awayMs)} only, which every partner waits.`);
  if (result.partnerTold.length > 0)
    found.push(`The partner noticed that the daemon was away for ${span(result.awayMs)}.`);
  if (result.survival === 'lease' && result.lostWhileAway > 0)
    found.push(`${grouped(result.lostWhileAway)} packets were lost while the daemon was away.`);
  if (result.receivedWhileCut === 0) found.push(`No packet arrived while ${result.cutCable} was cut.`);
  for (const name of result.leftBehind) found.push(`Not removed: ${name}.`);
  return found;
}
