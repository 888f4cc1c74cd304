// Bondwire itself: a daemon in the gateway, and an uplink with a page and DNS servers to ask, otherwise as it comes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FaultKind, type IspLab, ManagedBondwire } from '#lab';
import { EventLog, type Method } from './method.js';

// From the compiled file.
const BIN = fileURLToPath(new URL('../../../bin/bondwire', import.meta.url));
const UPLINK = 'office';
/** Pages are asked for every 15 s, names every 5 s. */
const PORTAL_SECONDS = 24;
const SECONDS = 12;

export class BondwireUplink implements Method {
  readonly name = 'bondwire';
  readonly #log = new EventLog();
  #daemon: ManagedBondwire | undefined;
  #unfollow: () => void = () => {};

  get events(): EventLog['events'] {
    return this.#log.events;
  }

  patienceSeconds(fault: FaultKind): number {
    return fault === 'portal' ? PORTAL_SECONDS : SECONDS;
  }

  async start(lab: IspLab): Promise<void> {
    const daemon = new ManagedBondwire({
      spawn: argv => lab.spawn('gateway', argv),
      bin: BIN,
      runDir: lab.makeRunDir(),
    });
    this.#daemon = daemon;
    await daemon.start();
    const file = join(daemon.runDir, 'office.yaml');
    writeFileSync(file, officeFile(lab));
    await daemon.run('uplink', 'create', file);
    this.#unfollow = daemon.follow(({ message }) => this.#log.add(message));
  }

  async stop(): Promise<void> {
    this.#unfollow();
    await this.#daemon?.stop();
  }
}

/** What is not said is what everybody gets, but for the time to the return, of which the lab does not wait 30 s. */
function officeFile({ lines, servers }: IspLab): string {
  const dns = `["${servers.dns.ipv4}", "${servers.dns.ipv6}"]`;
  const page = '{ url: "http://www.lab.test/generate_204", status: 204 }';
  return [
    'uplinks:',
    `  ${UPLINK}:`,
    '    nat: masquerade',
    '    return: 5s',
    '    lines:',
    ...lines.map(({ device }) => `      ${device}: { device: ${device}, dns: ${dns}, http: ${page} }`),
    '',
  ].join('\n');
}
