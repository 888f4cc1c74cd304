// A failover that gives the new active member the bond's MAC address, which it refuses: it is promiscuous from then on, so that it hears
// what is sent to the bond, also with the next daemon, and has its own mode back when it leaves. Members that refuse: macvlans, which
// take no address that another device on the same interface has; on cards (pcnet) see docs/cards.md. Real interfaces; needs root and
// BPF; part of test:all.
import { afterEach, expect, test } from 'vitest';
import { closeStages, Stage, until } from './support/stage.js';

afterEach(closeStages);

const IFF_PROMISC = 0x100;

/** A stage with `mv0`, which refuses the address of eth0. */
async function withRefuser(): Promise<Stage> {
  const stage = await Stage.open();
  await stage.ip('link', 'add', 'low0', 'type', 'veth', 'peer', 'name', 'far0');
  await stage.ip('link', 'set', 'low0', 'address', stage.mac('eth0'));
  await stage.ip('link', 'set', 'far0', 'up');
  await stage.ip('link', 'set', 'low0', 'up');
  await stage.ip('link', 'add', 'link', 'low0', 'name', 'mv0', 'type', 'macvlan', 'mode', 'private');
  return stage;
}

const isPromiscuous = (stage: Stage, name: string): boolean =>
  ((stage.lab.link('host', name)?.flags ?? 0) & IFF_PROMISC) !== 0;

test.each(['ebpf', 'userspace'])('fail_over_mac=follow on %s', async plane => {
  const stage = await withRefuser();
  const own = stage.mac('mv0');
  await stage.api.create({
    name: 'bond0',
    options: { mode: 'active-backup', miimon: '50', fail_over_mac: 'follow', data_plane: plane },
  });
  await stage.api.enslave('bond0', { interfaces: ['eth0', 'mv0'] });
  await stage.api.up('bond0');
  await stage.active('eth0');
  expect(isPromiscuous(stage, 'mv0')).toBe(false);

  stage.lab.cut('eth0');
  await stage.active('mv0');
  await until('it hears everything', () => isPromiscuous(stage, 'mv0'));
  expect(stage.mac('mv0')).toBe(own);
  expect((await stage.events()).map(({ message }) => message).join('\n')).toContain(
    'setting its MAC address',
  );

  await stage.bondwire.stop('SIGKILL');
  await stage.bondwire.start();
  await stage.active('mv0');
  // The next daemon sets modes at its first change of them.
  await stage.ip('link', 'set', 'bond0', 'allmulticast', 'on');
  await until('the bond is followed', () => ((stage.lab.link('host', 'mv0')?.flags ?? 0) & 0x200) !== 0);
  expect(isPromiscuous(stage, 'mv0')).toBe(true);

  await stage.api.release('bond0', { interfaces: ['mv0'] });
  expect(isPromiscuous(stage, 'mv0')).toBe(false);
});
