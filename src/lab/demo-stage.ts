// The demo's stage: a lab, a daemon in it, a bond of two members with an address, and how all of it is taken down.
import { Lab } from './lab.js';
import { measureLoss } from './loss-meter.js';
import { ManagedBondwire } from './managed-bondwire.js';
import { announce, withdraw } from './running-labs.js';

export const BOND = 'bond0';
const MEMBERS = ['eth0', 'eth1'];
const READY_ATTEMPTS = 20;

/** What the demo plays on. */
export interface Stage {
  readonly lab: Lab;
  readonly bondwire: ManagedBondwire;
  /** Removes everything; gives what could not be removed. A second call does nothing. */
  close(): Promise<string[]>;
}

/** Builds it all and waits until packets get through the bond. Removes everything again when that fails. */
export async function buildStage(
  bin: string,
  tell: (text: string) => void,
  interrupted: AbortSignal,
): Promise<Stage> {
  const lab = await Lab.create({ members: MEMBERS, onSignal: 'leave' });
  const runDir = lab.makeRunDir();
  const bondwire = new ManagedBondwire({ spawn: argv => lab.spawn('host', argv), bin, runDir });
  let closed: Promise<string[]> | null = null;
  const close = (): Promise<string[]> => {
    closed ??= takeDown(lab, bondwire);
    return closed;
  };
  try {
    announce({ pid: process.pid, host: lab.host, switch: lab.switch, cables: lab.cables });
    tell(
      `A lab in namespaces ${lab.host}, ${lab.switch}, ${lab.peer}: a host with ${MEMBERS.join(' and ')} to a switch, and a peer.`,
    );
    await bondwire.start();
    interrupted.throwIfAborted();
    await bondwire.run('create', BOND, 'mode=active-backup', 'miimon=100');
    await bondwire.run('enslave', BOND, ...MEMBERS);
    lab.addAddress('host', BOND, lab.hostAddress);
    lab.setUp('host', BOND, true);
    await waitForTraffic(lab, interrupted);
    tell(
      `${BOND}, active-backup with miimon=100, over ${MEMBERS.join(' and ')}; packets get through to the peer.`,
    );
    return { lab, bondwire, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function waitForTraffic(lab: Lab, interrupted: AbortSignal): Promise<void> {
  let last = '';
  for (let attempt = 0; attempt < READY_ATTEMPTS; attempt++) {
    interrupted.throwIfAborted();
    const report = await measureLoss({
      from: argv => lab.spawn('host', argv),
      to: argv => lab.spawn('peer', argv),
      address: lab.peerIp,
      rate: 500,
      seconds: 0.1,
    });
    if (report.sent > 0 && report.lost === 0) return;
    last = `${report.lost} of ${report.sent} packets were lost`;
  }
  throw new Error(`No traffic gets through ${BOND}: ${last}`);
}

async function takeDown(lab: Lab, bondwire: ManagedBondwire): Promise<string[]> {
  const left: string[] = [];
  if (bondwire.pid !== null) {
    const destroyed = await bondwire.command(['destroy', BOND]);
    const missing = /no bond|not found|unknown/i.test(destroyed.stderr);
    if (destroyed.status !== 0 && !missing) left.push(`${BOND} (${destroyed.stderr.trim()})`);
  }
  await bondwire.stop();
  withdraw(process.pid);
  left.push(...lab.close());
  return left;
}
