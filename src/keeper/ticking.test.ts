// When members are asked for their carrier: before every tick, or seldom where the kernel tells by itself.
import { describe, expect, it } from 'vitest';
import { HandmadeHost, joins, newBond } from '../../test/support/handmade-host.js';

/** A bond of eth1 and eth2 at rest, and the time of its next tick. */
function prepared(restMs: number | null) {
  const host = new HandmadeHost();
  const keeper = newBond(host, { miimon: '100', inline_failover: '0' });
  joins(keeper, 1);
  joins(keeper, 2);
  host.clock.pass(2000);
  host.restUntilMs = restMs === null ? null : host.clock.now() + restMs;
  host.clock.pass(100);
  host.asked.length = 0;
  const [nextMs = 0] = host.clock.waiting;
  return { host, keeper, nextMs };
}

describe('members', () => {
  it('are asked before every tick', () => {
    const { host, nextMs } = prepared(null);
    host.clock.pass(200);
    const asked = [nextMs, nextMs + 100].flatMap(at => [`eth1 at ${at}`, `eth2 at ${at}`]);
    expect(host.asked).toEqual(asked);
  });

  it('are left in peace until they are to be asked, and then are asked at the first tick', () => {
    const { host, nextMs } = prepared(1000);
    expect(nextMs).toBe(3100);
    host.restUntilMs = 4000;
    host.clock.pass(1800);
    expect(host.asked).toEqual(['eth1 at 3100', 'eth2 at 3100']);
    expect(host.clock.waiting).toEqual([4100]);
  });

  it('that lost their carrier count as down at the tick that follows the news, as if there had been no rest', () => {
    const { host, keeper } = prepared(1000);
    host.clock.pass(345);
    host.change(1, { carrier: false });
    keeper.memberTold(1);
    expect(keeper.policy.facts().active).toBe(1);
    const [tickMs = 0] = host.clock.waiting;
    expect(tickMs).toBe(2500);
    host.clock.pass(tickMs - host.clock.now());
    expect(keeper.policy.facts().active).toBe(2);
  });

  it('are asked no more once it stops', () => {
    const { host, keeper } = prepared(1000);
    keeper.stop();
    expect(host.clock.waiting).toEqual([]);
  });
});
