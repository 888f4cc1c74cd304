// What the benches compare: no bond, the kernel driver's bond, and Bondwire's, each set up in the host of a lab.
import { fileURLToPath } from 'node:url';
import { type Lab, ManagedBondwire } from '#lab';

/** One way to connect the host of a lab. */
export interface Contender {
  readonly name: string;
  /** The interface that has the host's address. */
  readonly device: string;
  /** Connects the host: afterwards it has its address, and packets get through. */
  setUp(lab: Lab): Promise<void>;
  /** The member that sends now; null when there is none to choose. */
  active(lab: Lab): Promise<string | null>;
  tearDown(lab: Lab): Promise<void>;
  /** Stops the daemon, or lets it go on. */
  readonly pause?: (signal: 'SIGSTOP' | 'SIGCONT') => void;
  /** Its daemon. */
  readonly daemon?: () => { readonly pid: number; readonly runDir: string };
}

const BOND = 'bond0';
const BIN = fileURLToPath(new URL('../../bin/bondwire', import.meta.url));

async function must(lab: Lab, ...argv: string[]): Promise<string> {
  const { status, stdout, stderr } = await lab.exec('host', argv);
  if (status !== 0) throw new Error(`${argv.join(' ')} failed (exit status ${status}): ${stderr.trim()}`);
  return stdout;
}

/** The first member by itself. */
export function plain(): Contender {
  return {
    name: 'no bond',
    device: 'eth0',
    setUp(lab) {
      lab.setUp('host', 'eth0', true);
      lab.addAddress('host', 'eth0', lab.hostAddress);
      return Promise.resolve();
    },
    active: () => Promise.resolve('eth0'),
    async tearDown(lab) {
      await must(lab, 'ip', 'addr', 'flush', 'dev', 'eth0');
      lab.setUp('host', 'eth0', false);
    },
  };
}

/** The bonding driver, set up with iproute2; `options` are added to mode and miimon, the last of a name counts. */
export function driver(...options: string[]): Contender {
  return {
    name: ['driver', ...options].join(' '),
    device: BOND,
    async setUp(lab) {
      const all = Object.fromEntries(
        ['mode=active-backup', 'miimon=100', ...options].map(each => each.split('=') as [string, string]),
      );
      await must(lab, 'ip', 'link', 'add', BOND, 'type', 'bond', ...Object.entries(all).flat());
      for (const member of lab.members) await must(lab, 'ip', 'link', 'set', member, 'master', BOND);
      lab.addAddress('host', BOND, lab.hostAddress);
      lab.setUp('host', BOND, true);
    },
    async active(lab) {
      const [link] = JSON.parse(await must(lab, 'ip', '-j', '-d', 'link', 'show', BOND)) as {
        linkinfo?: { info_data?: { active_slave?: string } };
      }[];
      return link?.linkinfo?.info_data?.active_slave ?? null;
    },
    async tearDown(lab) {
      await must(lab, 'ip', 'link', 'del', BOND);
    },
  };
}

/** Bondwire; `options` are added to mode and miimon, another mode replaces it. */
export function bondwire(...options: string[]): Contender {
  return bondwireIn({}, options);
}

/** Bondwire with bonds of one shape: `veth` or `netkit`. */
export function bondwireShaped(pair: string, ...options: string[]): Contender {
  return { ...bondwireIn({ BONDWIRE_PAIR: pair }, options), name: `bondwire, ${pair}` };
}

function bondwireIn(environment: Readonly<Record<string, string>>, options: readonly string[]): Contender {
  let running: ManagedBondwire | null = null;
  const up = (): ManagedBondwire => {
    if (running === null) throw new Error('The bond is not set up');
    return running;
  };
  return {
    name: ['bondwire', ...options].join(' '),
    device: BOND,
    async setUp(lab) {
      const runDir = lab.makeRunDir();
      running = new ManagedBondwire({
        spawn: argv => lab.spawn('host', argv, { env: { ...process.env, ...environment } }),
        bin: BIN,
        runDir,
      });
      await running.start();
      const mode = options.some(each => each.startsWith('mode=')) ? [] : ['mode=active-backup'];
      await running.run('create', BOND, ...mode, 'miimon=100', ...options);
      await running.run('enslave', BOND, ...lab.members);
      lab.addAddress('host', BOND, lab.hostAddress);
      lab.setUp('host', BOND, true);
    },
    async active() {
      return (await up().show(BOND)).active;
    },
    pause(signal) {
      const { pid } = up();
      if (pid !== null) process.kill(pid, signal);
    },
    daemon() {
      const { pid, runDir } = up();
      if (pid === null) throw new Error('The daemon does not run');
      return { pid, runDir };
    },
    async tearDown() {
      const one = up();
      running = null;
      try {
        await one.run('destroy', BOND);
      } finally {
        await one.stop();
      }
    },
  };
}
