// VLANs where the hardware filters them, on emulated virtio cards in a guest (this machine's kernel may have no VLANs, and veth has no
// filter): devices on the bond receive by either member, also through deaths of the daemon, and devices on a member keep their
// frames. Where no guest is prepared (run `scripts/guest true` once) it is left out. Needs root; part of test:all.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Arm, Peer } from '../../src/arms/index.js';
import { CardGuest, type GuestKernel, guestIsReady } from '../../src/lab/index.js';

const KERNELS: readonly GuestKernel[] = ['6.12', '6.1'];
const MINUTES = 60_000;
/** Emulated, and maybe beside much else. */
const PATIENCE_S = 300;

for (const kernel of KERNELS) {
  describe.runIf(guestIsReady(kernel))(`Linux ${kernel}`, () => {
    let guest: CardGuest;
    let peer: Peer;
    let arm: Arm;
    const macOf = (name: string): Promise<string> => guest.must(`cat /sys/class/net/${name}/address`);
    const filters = (): Promise<string> => guest.must('ls /sys/class/net | grep -c ^bwv- || true');
    const filtersAre = (count: string): Promise<void> =>
      arm.until(`${count} filters`, async () => (await filters()) === count, PATIENCE_S);
    const tagged = (id: number, mac: string): Promise<string> =>
      peer.tagged(mac, { tpid: 0x8100, tci: id }, `10.${id}.0.1`);

    /** An emulated machine that others keep busy loses a frame now and then; a filter keeps out the same ones each time. */
    const allCome = (id: number, mac: string): Promise<void> =>
      expect.poll(() => tagged(id, mac), { timeout: 5 * MINUTES, interval: 1000 }).toBe('4/4');

    beforeAll(async () => {
      guest = await CardGuest.boot({ kernel, cards: ['virtio-net-pci', 'virtio-net-pci'] });
      peer = new Peer(guest);
      arm = new Arm('ebpf', guest, guest.cards);
    }, 30 * MINUTES);
    afterAll(() => {
      peer?.close();
      guest?.close();
    });

    test(
      'devices on the bond and on a member receive, by either active member',
      async () => {
        expect(await guest.must('ethtool -k virtio0 | grep rx-vlan-filter')).toContain('on');
        await guest.must(
          'ip link add link virtio0 name virtio0.30 type vlan id 30; ip addr add 10.30.0.1/24 dev virtio0.30',
        );
        await arm.make();
        await guest.must(
          'ip link add link bond0 name bond0.20 type vlan id 20; ip addr add 10.20.0.1/24 dev bond0.20; ip link set bond0.20 up; ip link set virtio0.30 up',
        );
        await filtersAre('2');
        for (const name of ['virtio1', 'virtio0']) {
          await arm.set('active_slave', name);
          await arm.until(name, async () => (await arm.active())?.name === name, PATIENCE_S);
          await allCome(20, await macOf('bond0'));
          await allCome(30, await macOf('virtio0.30'));
        }
      },
      20 * MINUTES,
    );

    test(
      'VLANs that come and go without a daemon are caught up with, in other namespaces too; nothing stays behind',
      async () => {
        await arm.killDaemon();
        await guest.must(`ip link del bond0.20; ip netns add other
          ip link add link bond0 name v21 type vlan id 21; ip link set v21 netns other
          ip -n other addr add 10.21.0.1/24 dev v21; ip -n other link set v21 up`);
        await arm.startDaemon();
        await filtersAre('2');
        await allCome(21, await macOf('bond0'));
        await guest.must('ip -n other link del v21');
        await filtersAre('0');
        await guest.must('ip link add link bond0 name bond0.22 type vlan id 22');
        await filtersAre('2');
        await arm.unmake();
        expect(await filters()).toBe('0');
        expect(await guest.must('ls /sys/class/net | grep virtio0.30')).toBe('virtio0.30');
      },
      20 * MINUTES,
    );
  });
}
