// `ifenslave` with its classic syntax, messages and exit codes (H04), done by the daemon: 0 done, 1 failed, 2 usage, 19 a slave
// that does not exist (ENODEV), 255 the same when detaching or changing the active one.
import type { ShowDocument } from '../../daemon/api/api.js';
import type { ApiClient } from '../api-client.js';
import { Failure } from '../reading/failure.js';
import { readWords } from './ifenslave-words.js';
import { advice, plain } from '../printing/plain.js';
import type { Terminal } from '../printing/terminal.js';

/** What is shown of an interface. */
export interface InterfaceFacts {
  readonly name: string;
  /** IFF_*. */
  readonly flags: number;
  readonly hardwareType: number;
  readonly mac: string;
  /** The first IPv4 address, or null ("unnumbered"). */
  readonly ipv4: string | null;
}

/** What ifenslave needs of the machine; tests give their own. */
export interface IfenslaveMachine {
  api(): Promise<ApiClient>;
  /** All interfaces of this network namespace. */
  interfaces(): Promise<readonly InterfaceFacts[]>;
  readonly version: string;
}

const IFF_UP = 0x1;
const IFF_MASTER = 0x400;
const IFF_SLAVE = 0x800;
const NO_DEVICE = 19;

const USAGE = `Usage: ifenslave [-f] <master-if> <slave-if> [<slave-if>...]
       ifenslave -d   <master-if> <slave-if> [<slave-if>...]
       ifenslave -c   <master-if> <slave-if>
       ifenslave --help
`;

const HELP = `
  -d, --detach          take slaves out of the bond
  -c, --change-active   make a slave the active one
  -a, --all-interfaces  show all interfaces
  -f, --force           attach whatever kind of interface it is; a bond of Bondwire is always Ethernet
  -v, --verbose         tell what is done
  -u, --usage   -V, --version   -h, --help
With a bond alone, shows it.

A bond, step by step:
  bondwire daemon &                                       (instead of modprobe bonding)
  bondwire create bond0 mode=active-backup miimon=100     (instead of options of the module)
  ifconfig bond0 192.0.2.1 netmask 255.255.255.0 up       (or, without an address: ifconfig bond0 up)
  ifenslave bond0 eth0 eth1

Addresses and routes of a slave move to the bond. BONDWIRE_RUN_DIR names the daemon's directory.
Exit codes: 0 done, 1 failed, 2 usage; 19 (-d, -c: 255) there is no such slave.
`;

interface Job {
  readonly api: ApiClient;
  readonly terminal: Terminal;
  readonly verbose: boolean;
  readonly master: string;
  readonly shown: ShowDocument;
  readonly interfaces: readonly InterfaceFacts[];
}

/** Runs one command line and gives its exit code. */
export async function runIfenslave(
  words: readonly string[],
  terminal: Terminal,
  machine: IfenslaveMachine,
): Promise<number> {
  const read = readWords(words);
  if ('wrong' in read) {
    terminal.err(`ifenslave: ${plain(read.wrong)}\n${USAGE}`);
    return 2;
  }
  const { action, verbose, names } = read;
  if (verbose || action === 'V')
    terminal.out(`ifenslave of Bondwire ${machine.version}, syntax of ifenslave.c 1.1.0\n`);
  if (action === 'V') return 0;
  if (action === 'u' || action === 'h') {
    terminal.out(action === 'u' ? USAGE : `${USAGE}${HELP}`);
    return 0;
  }
  const [master, ...slaves] = names;
  const lacks =
    action === 'a'
      ? master !== undefined
      : master === undefined || (action !== 'enslave' && slaves.length === 0);
  if (lacks) {
    terminal.err(USAGE);
    return 2;
  }
  let job: Job;
  try {
    const api = await machine.api();
    job = {
      api,
      terminal,
      verbose,
      master: master ?? '',
      shown: await api.show(),
      interfaces: await machine.interfaces(),
    };
  } catch (error) {
    terminal.err(
      `Master '${plain(master ?? '')}': Error: handshake with driver failed. Aborting\nifenslave: ${reasonOf(error)}\n`,
    );
    return 1;
  }
  if (action === 'a') {
    for (const { name } of job.interfaces) show(job, name);
    return 0;
  }
  return onMaster(job, action, slaves);
}

function reasonOf(error: unknown): string {
  return error instanceof Failure
    ? error.message
    : plain(error instanceof Error ? error.message : String(error));
}

function factsOf({ interfaces }: Job, name: string): InterfaceFacts | undefined {
  return interfaces.find(each => each.name === name);
}

function bondOf({ shown }: Job, member: string): string | undefined {
  return shown.bonds.find(({ members }) => members.some(({ name }) => name === member))?.name;
}

async function onMaster(job: Job, action: 'c' | 'd' | 'enslave', slaves: readonly string[]): Promise<number> {
  const { terminal, master, shown } = job;
  const facts = factsOf(job, master);
  if (facts === undefined) {
    terminal.err(
      `Master '${plain(master)}': Error: handshake with driver failed. Aborting\n` +
        `ifenslave: There is no ${plain(master)}; '${plain(advice('bondwire create {bond} mode=active-backup miimon=100', { bond: master }))}' makes one.\n`,
    );
    return 1;
  }
  if (slaves.length === 0) {
    show(job, master);
    return 0;
  }
  if (shown.bonds.every(({ name }) => name !== master)) {
    terminal.err(`Illegal operation; the specified interface '${plain(master)}' is not a master. Aborting\n`);
    return 1;
  }
  if ((facts.flags & IFF_UP) === 0) {
    terminal.err(`Illegal operation; the specified master interface '${plain(master)}' is not up.\n`);
    return 1;
  }
  if (job.verbose)
    terminal.err(
      `current hardware address of master '${plain(master)}' is ${facts.mac}, type ${facts.hardwareType}\n`,
    );
  // As ever, changing the active one takes one slave, and passes over the rest.
  if (action === 'c') return changeActive(job, slaves[0] ?? '');
  let result = 0;
  for (const slave of slaves)
    result = (await (action === 'd' ? detach(job, slave) : attach(job, slave))) || result;
  return result;
}

async function attach(job: Job, slave: string): Promise<number> {
  const { api, terminal, master } = job;
  const name = plain(slave);
  if (factsOf(job, slave) === undefined) {
    terminal.err(`Slave '${name}': Error: get settings failed: No such device. Skipping\n`);
    return NO_DEVICE;
  }
  if (bondOf(job, slave) !== undefined) {
    terminal.err(`Illegal operation: The specified slave interface '${name}' is already a slave\n`);
    terminal.err(`Master '${plain(master)}', Slave '${name}': Error: Enslave failed\n`);
    return 1;
  }
  return done(job, slave, 'Enslave', () =>
    api.enslave(master, { interfaces: [slave], takeDown: true, takeAddresses: true }),
  );
}

async function detach(job: Job, slave: string): Promise<number> {
  const { api, terminal, master } = job;
  if (factsOf(job, slave) === undefined) {
    terminal.err(`Slave '${plain(slave)}': Error: get flags failed. Skipping\n`);
    return 255;
  }
  if (bondOf(job, slave) === undefined) {
    terminal.err(`Illegal operation: The specified slave interface '${plain(slave)}' is not a slave\n`);
    terminal.err(`Master '${plain(master)}', Slave '${plain(slave)}': Error: Release failed\n`);
    return 1;
  }
  return done(job, slave, 'Release', () => api.release(master, { interfaces: [slave] }));
}

async function changeActive(job: Job, slave: string): Promise<number> {
  const { api, terminal, master } = job;
  if (factsOf(job, slave) === undefined) {
    terminal.err(`Slave '${plain(slave)}': Error: get flags failed. Aborting\n`);
    return 255;
  }
  if (bondOf(job, slave) === undefined) {
    terminal.err(`Illegal operation: The specified slave interface '${plain(slave)}' is not a slave\n`);
    terminal.err(`Master '${plain(master)}', Slave '${plain(slave)}': Error: Change active failed\n`);
    return 1;
  }
  return done(job, slave, 'Change active', () => api.set(master, { options: { active_slave: slave } }));
}

/** Does it; the classic message for what fails, and the reason that the daemon gives. */
async function done(
  { terminal, master, verbose }: Job,
  slave: string,
  what: string,
  action: () => Promise<{ readonly warnings: readonly string[] }>,
): Promise<number> {
  try {
    const { warnings } = await action();
    for (const warning of warnings) terminal.err(`ifenslave: warning: ${plain(warning)}\n`);
    if (verbose) terminal.err(`Master '${plain(master)}', Slave '${plain(slave)}': ${what} done\n`);
    return 0;
  } catch (error) {
    terminal.err(
      `Master '${plain(master)}', Slave '${plain(slave)}': Error: ${what} failed\nifenslave: ${reasonOf(error)}\n`,
    );
    return 1;
  }
}

/** The three lines of the classic, with the flags that bonds and members have there; no address is no error. */
function show(job: Job, name: string): void {
  const { terminal, shown } = job;
  const facts = factsOf(job, name);
  if (facts === undefined) {
    terminal.err(`${plain(name)}: unknown interface.\n`);
    return;
  }
  const isMaster = shown.bonds.some(bond => bond.name === name);
  const flags = facts.flags | (isMaster ? IFF_MASTER : 0) | (bondOf(job, name) === undefined ? 0 : IFF_SLAVE);
  const bytes = (facts.ipv4 ?? '0.0.0.0').split('.').map(part => Number(part).toString(16).padStart(2, '0'));
  terminal.out(
    `The result of SIOCGIFFLAGS on ${plain(name)} is ${(flags & 0xffff).toString(16)}.\n` +
      `The result of SIOCGIFADDR is ${bytes.join('.')}.\n` +
      `The result of SIOCGIFHWADDR is type ${facts.hardwareType}  ${facts.mac}.\n`,
  );
}
