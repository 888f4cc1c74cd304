// The bonds of a Bondwire daemon on one host, through its control socket; the daemon is a process of its own.
import { request } from 'node:http';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { controlSocketPath, type ErrorBody, type ShowBond, type ShowDocument } from '../daemon/index.js';
import { ManagedBondwire } from '../lab/index.js';
import { netnsPath, spawnInNetns, unmountFileSystem } from '../linux/index.js';
import type { BondSnapshot } from '../policy/index.js';
import { sysfsText } from '../report/index.js';
import type { BondSpec } from '../simulator/index.js';
import { type Answer, type BondControl, viewOf } from './bond-control.js';
import type { RealHost } from './real-network.js';

const BIN = fileURLToPath(new URL('../../bin/bondwire', import.meta.url));
const AFTER_MEMBERS: ReadonlySet<string> = new Set(['active_slave', 'prio', 'queue_id', 'actor_port_prio']);

interface Reply {
  readonly status: number;
  readonly text: string;
}

function call(runDir: string, method: string, path: string, body?: unknown): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    // A DELETE has a body only if it says so.
    const headers = { 'content-length': Buffer.byteLength(text) };
    const asked = request({ socketPath: controlSocketPath(runDir), method, path, headers }, answer => {
      let said = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (said += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: said }));
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(text);
  });
}

/** As much of a snapshot as the files of sysfs are made from. */
function snapshotOf(shown: ShowBond): BondSnapshot {
  const { name, mode, options, carrier } = shown;
  const active = shown.members.findIndex(member => member.name === shown.active);
  const members = shown.members.map((member, at) => ({ name: member.name, member: at }));
  const known = { name, mode, options, carrier, members, active: active < 0 ? null : active };
  return known as unknown as BondSnapshot;
}

async function must(what: string, answer: Promise<Answer>): Promise<void> {
  const got = await answer;
  if (got !== 'ok') throw new Error(`Bondwire refused ${what}: ${got}`);
}

/** Starts a daemon in the host's namespace with a run directory of its own; its bonds get the data plane that is named. */
export async function bondwireBonds(
  host: RealHost,
  runDir: string,
  dataPlane?: 'userspace',
): Promise<BondControl> {
  mkdirSync(runDir, { recursive: true });
  const daemon = new ManagedBondwire({
    spawn: ([command = '', ...args]) =>
      spawnInNetns(netnsPath(host.place.name), command, args, { stdio: ['pipe', 'pipe', 'pipe'] }),
    bin: BIN,
    runDir,
  });
  let running = true;
  await daemon.start();

  async function change(method: string, path: string, body?: unknown): Promise<Answer> {
    const { status, text } = await call(runDir, method, path, body);
    return status < 400 ? 'ok' : (JSON.parse(text) as ErrorBody).error.errno;
  }
  const set = (bond: string, option: string, value: string): Promise<Answer> =>
    change('PATCH', `/v1/bonds/${bond}/options`, { options: { [option]: value } });
  const enslave = (bond: string, member: string): Promise<Answer> =>
    change('POST', `/v1/bonds/${bond}/members`, { interfaces: [member] });

  const show = async (bond: string): Promise<ShowBond | undefined> => {
    const { status, text } = await call(runDir, 'GET', `/v1/bonds/${bond}`);
    return status === 200 ? (JSON.parse(text) as ShowDocument).bonds[0] : undefined;
  };

  return {
    async create(spec: BondSpec, beforeUp: () => void) {
      const entries = Object.entries(spec.options);
      const wish = dataPlane === undefined ? {} : { data_plane: dataPlane };
      const options = {
        ...wish,
        ...Object.fromEntries(entries.filter(([name]) => !AFTER_MEMBERS.has(name))),
      };
      await must(spec.name, change('POST', '/v1/bonds', { name: spec.name, options }));
      for (const member of spec.members) await must(member, enslave(spec.name, member));
      beforeUp();
      if (spec.up !== false) host.setUp(spec.name, true);
      for (const [name, values] of entries.filter(([each]) => AFTER_MEMBERS.has(each)))
        for (const value of values.split(' ')) await must(`${name}=${value}`, set(spec.name, name, value));
    },
    set,
    enslave,
    release: (bond, member) => change('DELETE', `/v1/bonds/${bond}/members`, { interfaces: [member] }),
    async view(bond) {
      if (!running) return undefined;
      const { status, text } = await call(runDir, 'GET', `/v1/bonds/${bond}/proc`);
      return status === 200 ? viewOf(text) : undefined;
    },
    async sysfs(bond, name) {
      const shown = await show(bond);
      if (shown === undefined) return null;
      return sysfsText(snapshotOf(shown), name)?.trimEnd() ?? null;
    },
    async memberState(bond, member) {
      const shown = running ? await show(bond) : undefined;
      return shown?.members.find(({ name }) => name === member)?.state ?? null;
    },
    async killDaemon() {
      running = false;
      await daemon.stop('SIGKILL');
    },
    async startDaemon() {
      await daemon.start();
      running = true;
    },
    async removeBonds() {
      const { text } = await call(runDir, 'GET', '/v1/bonds');
      for (const { name } of (JSON.parse(text) as ShowDocument).bonds)
        await change('DELETE', `/v1/bonds/${name}`);
    },
    async close() {
      await daemon.stop();
      unmountFileSystem(`${runDir}/bpf`);
      rmSync(runDir, { recursive: true, force: true });
    },
  };
}
