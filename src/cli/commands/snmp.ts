// `bondwire snmp`: an SNMP agent in the foreground that shows interfaces, bonds and addresses, read-only.
import { statSync } from 'node:fs';
import { isIP } from 'node:net';
import { type Command, InvalidArgumentError } from 'commander';
import { DEFAULT_RUN_DIR, type ShowBond, type ShowLacp } from '../../daemon/api/api.js';
import type { BondFacts, LagFacts, SnmpUser } from '../../snmp/index.js';
import type { ApiClient } from '../api-client.js';
import { asFailure, Failure, refusedFailure, systemCode, usageFailure } from '../reading/failure.js';
import { advice, plain } from '../printing/plain.js';
import type { Session } from '../process/session.js';
import { stopRequest } from '../process/stop-request.js';
import { readTextFile } from '../reading/read-text.js';

const LASTING_STATE = '/var/lib/bondwire/snmp.json';

const HELP = `
Version 2c answers to the communities given, version 3 to the users of the file, which has a line for each:
  NAME AUTH-PROTOCOL PASSWORD [PRIV-PROTOCOL PASSWORD]

Examples:
  bondwire snmp
  snmpwalk -v2c -c public 127.0.0.1 IF-MIB::ifTable
  bondwire snmp --listen 192.0.2.1 --users /etc/bondwire/snmp-users`;

interface SnmpOptions {
  readonly listen: string;
  readonly port: number;
  readonly community?: readonly string[];
  readonly users?: string;
  readonly state?: string;
}

export function registerSnmp(program: Command, session: Session): void {
  program
    .command('snmp')
    .description('serve interfaces, bonds and addresses by SNMP, read-only, in the foreground')
    .usage('[--listen ADDRESS] [--port N] [--community NAME ...] [--users FILE] [--state FILE]')
    .option('--listen <ADDRESS>', 'address to answer at', address, '127.0.0.1')
    .option('--port <N>', 'UDP port', port, 161)
    .option('--community <NAME>', 'community of version 2c; may be repeated', collect)
    .option('--users <FILE>', 'users of version 3')
    .option('--state <FILE>', `what must not be forgotten: indexes, engine (else ${LASTING_STATE})`)
    .addHelpText('after', HELP)
    .action(async (options: SnmpOptions) => {
      const { terminal } = session;
      const communities = communitiesOf(options);
      const users = options.users === undefined ? [] : await usersOf(options.users);
      terminal.outliveReader();
      const stop = stopRequest(terminal, 'still ending.');
      try {
        const api = await session.api();
        const { startAgent } = await import('../../snmp/index.js');
        const agent = await startAgent({
          address: options.listen,
          port: options.port,
          communities,
          users,
          stateFile: options.state ?? stateFileOf(session.runDir()),
          bonds: () => bondsOf(api),
          refused: message => terminal.err(`bondwire: not answered: ${plain(message)}\n`),
        }).catch((error: unknown) => {
          throw listenFailure(error, options);
        });
        try {
          terminal.out(`bondwire: SNMP at ${options.listen} port ${options.port} (pid ${process.pid})\n`);
          await stop.wait();
        } finally {
          agent.close();
        }
      } finally {
        stop.release();
      }
    });
}

function address(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('It must be an IPv4 or IPv6 address.');
  return text;
}

function port(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > 65535) throw new InvalidArgumentError('It must be a number from 1 to 65535.');
  return value;
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  return [...before, text];
}

function isLoopback(text: string): boolean {
  return text.startsWith('127.') || text === '::1';
}

/** `public` is good enough on loopback only; elsewhere somebody has to choose. */
function communitiesOf({ listen, community, users }: SnmpOptions): readonly string[] {
  if (community !== undefined) return community;
  if (users !== undefined) return [];
  if (isLoopback(listen)) return ['public'];
  throw usageFailure(
    `snmp: at ${listen} others can ask, so who may must be said: give --users FILE (version 3) or --community NAME (version 2c).`,
  );
}

async function usersOf(file: string): Promise<readonly SnmpUser[]> {
  const { parseUsers } = await import('../../snmp/index.js');
  let text: string;
  try {
    if ((statSync(file).mode & 0o077) !== 0) {
      throw refusedFailure(
        `${plain(file)} holds passwords and others may read it; run: chmod 600 ${plain(file)}.`,
      );
    }
    text = readTextFile(file);
  } catch (error) {
    throw error instanceof Failure ? error : asFailure(error, `Reading the users of ${plain(file)}`);
  }
  const users = parseUsers(text, plain(file));
  if (!users.ok) throw refusedFailure(users.error);
  if (users.value.length === 0) {
    throw refusedFailure(
      `${plain(file)} has no user; write a line for each, see '${advice('bondwire snmp --help')}'.`,
    );
  }
  return users.value;
}

/** Beside the machine's own state; a daemon at another place (of another network namespace) has its own. */
function stateFileOf(runDir: string): string {
  return runDir === DEFAULT_RUN_DIR ? LASTING_STATE : `${runDir}/snmp.json`;
}

/** Bonds of the daemon; undefined while none answers. */
async function bondsOf(api: ApiClient): Promise<readonly BondFacts[] | undefined> {
  try {
    return (await api.show()).bonds.map(factsOf);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function factsOf(bond: ShowBond): BondFacts {
  const facts = { name: bond.name, speedMbps: speedOf(bond), members: bond.members.map(({ name }) => name) };
  return bond.lacp === undefined ? facts : { ...facts, lag: lagOf(bond, bond.lacp) };
}

function lagOf({ members }: ShowBond, { system, systemPriority, active }: ShowLacp): LagFacts {
  const ports = members.flatMap(({ name, lacp }) =>
    lacp === undefined ? [] : [{ ...lacp, member: name, reason: lacp.explanation?.text ?? '' }],
  );
  return { system, systemPriority, active, ports };
}

/** What the driver tells by ethtool: the sum of what can send, the least in broadcast (bond_ethtool_get_link_ksettings). */
function speedOf(bond: ShowBond): number | null {
  const speeds = bond.members
    .filter(({ state, miiStatus }) => state === 'active' && miiStatus === 'up')
    .flatMap(({ speedMbps }) => speedMbps ?? []);
  if (speeds.length === 0) return null;
  return bond.mode === 'broadcast' ? Math.min(...speeds) : speeds.reduce((sum, each) => sum + each, 0);
}

function listenFailure(error: unknown, { listen, port: number }: SnmpOptions): Failure {
  const at = `${listen} port ${number}`;
  const code = systemCode(error);
  if (code === 'EADDRINUSE') {
    const message = `The agent does not answer at ${at}: another program does (snmpd perhaps). Choose another with --port, or end that one.`;
    return refusedFailure(message, error);
  }
  if (code === 'EADDRNOTAVAIL') {
    const message = `The agent does not answer at ${at}: no interface has this address. '${advice('ip addr')}' lists them.`;
    return refusedFailure(message, error);
  }
  return asFailure(error, `Answering at ${at}`);
}
