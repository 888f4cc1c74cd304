// The switch of a lab as a switch that aggregates: the kernel's driver speaks LACP there for all cables of the host, and what it
// aggregated is one port of the switch. The same partner for every contender.
import type { Lab } from '#lab';

const PATIENCE_MS = 60_000;

async function ip(lab: Lab, words: string): Promise<string> {
  const { status, stdout, stderr } = await lab.exec('switch', ['ip', ...words.split(' ')]);
  if (status !== 0) throw new Error(`ip ${words} failed (exit status ${status}): ${stderr.trim()}`);
  return stdout;
}

/** Puts the switch's ends of the members' cables into one aggregate (802.3ad, fast, `layer3+4`). Needs the bonding driver. */
export async function aggregateSwitch(lab: Lab): Promise<void> {
  const options = 'mode 802.3ad miimon 100 lacp_rate fast xmit_hash_policy layer3+4';
  await ip(lab, `link add agg0 type bond ${options}`);
  for (const port of Object.values(lab.cables)) {
    await ip(lab, `link set ${port} nomaster down`);
    await ip(lab, `link set ${port} master agg0`);
  }
  await ip(lab, 'link set agg0 up');
  await ip(lab, 'link set agg0 master sw0');
}

/** Waits until the switch sends by both cables, so that both ends agree on both. Throws when that does not come. */
export async function waitForAggregate(lab: Lab): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const { stdout } = await lab.exec('switch', ['cat', '/proc/net/bonding/agg0']);
    // 0x3f: active, short timeout, aggregatable, in sync, collecting, distributing.
    const states = [...stdout.matchAll(/port state: (\d+)/g)].map(([, state]) => Number(state) & 0x3c);
    if (states.length === 2 * lab.members.length && states.every(state => state === 0x3c)) return;
    if (performance.now() > until) throw new Error(`The switch has no aggregate of all cables:\n${stdout}`);
    await new Promise(resolve => setTimeout(resolve, 250));
  }
}
