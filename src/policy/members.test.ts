// Leaving, and what of a member must not be kept when it is gone.
import { describe, expect, it } from 'vitest';
import { remember } from './addresses/mac-rules.js';
import { Bond } from './bond.js';
import { Bench, stackOf } from './testing.js';

/** A bond that asks a target which never answers. */
function asking(): Bench {
  const bench = new Bench({ miimon: 0, arp_interval: 200, arp_ip_target: '192.0.2.254' }, [1, 2]);
  bench.give({ kind: 'stack', devices: [stackOf()] });
  const route = { target: '192.0.2.254', path: 'bond', sender: '192.0.2.1', vlans: [] } as const;
  bench.give({ kind: 'routes', routes: [route] });
  bench.up();
  return bench;
}

describe('a member that leaves', () => {
  it('is out of the plan before it is detached', () => {
    const bench = new Bench({}, [1, 2]);
    bench.up();
    bench.forget();
    bench.leave(2);
    const kinds = bench.seen.map(({ output }) => output.kind);
    expect(kinds.indexOf('forward')).toBeGreaterThan(-1);
    expect(kinds.lastIndexOf('forward')).toBeLessThan(kinds.indexOf('detach-member'));
  });

  it('does not ask for the others any more', () => {
    const bench = asking();
    bench.run(3000);
    const { probing } = bench.bond.save().state;
    expect(probing).not.toBeNull();
    bench.leave(probing ?? 0);
    expect(bench.bond.save().state.probing).toBeNull();
  });

  it('takes the address with it where a joining that is undone had given it', () => {
    const bench = new Bench({}, [1]);
    bench.forget();
    bench.leave(1, 'undo');
    expect(bench.outputs('random-bond-address')).toHaveLength(1);
  });
});

describe('late news', () => {
  it("of an address that the bond had a moment ago are nobody else's change", () => {
    const bench = new Bench({ fail_over_mac: 'active' }, [1, 2]);
    bench.up();
    const before = bench.bond.snapshot().address;
    bench.link(1, { carrier: false });
    bench.run(200);
    expect(bench.active).toBe('eth2');
    bench.forget();
    const { name, mtu } = bench.bond.snapshot();
    const link = { name, adminUp: true, mtu, promiscuous: false, allMulticast: false };
    bench.give({ kind: 'bond-link', ...link, address: before });
    expect(bench.events('address')).toEqual([]);
    expect(bench.outputs('set-bond-address')).toEqual([]);
  });

  it('may tell the newest of what was true before, each once', () => {
    let stale: string[] = [];
    for (const address of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'b'])
      stale = remember(stale, address);
    expect(stale).toEqual(['c', 'd', 'e', 'f', 'g', 'h', 'i', 'b']);
  });
});

describe('a restored bond', () => {
  it('gives members that are up the time that a new role has, as nobody asked meanwhile', () => {
    const bench = asking();
    bench.run(300);
    const restored = Bond.restore(bench.bond.save(bench.now), 90_000);
    const [first] = restored.save(90_000).state.members;
    expect(first).toMatchObject({ link: 'up', arp: { linkUpMs: 0, rxMs: 0 } });
  });
});
