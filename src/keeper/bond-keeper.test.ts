// What a keeper does with news of the world and with answers of the policy: in which order, how often, and where a port fails.
import { describe, expect, it } from 'vitest';
import { HandmadeHost, joins, newBond, nextKeeper } from '../../test/support/handmade-host.js';

/** A bond of eth1, which sends, and eth2. */
function prepared(options: Readonly<Record<string, string>> = {}) {
  const host = new HandmadeHost();
  const keeper = newBond(host, options);
  joins(keeper, 1);
  joins(keeper, 2);
  host.clock.endTurn();
  host.take();
  host.written.length = 0;
  host.told.length = 0;
  return { host, keeper };
}

describe('a failover', () => {
  it('looks at what stands on the bond, then moves the packets, tells the peers, and tells people last and once', () => {
    const { host, keeper } = prepared();
    host.change(1, { carrier: false });
    keeper.memberTold(1);
    const done = host.actsOf('look', 'plan', 'send', 'tell failover');
    expect(done).toEqual(['look', 'plan active eth2', 'send arp', 'tell failover']);
    host.take();
    keeper.memberTold(1);
    expect(host.actsOf('plan', 'send', 'tell')).toEqual([]);
  });

  it('says what it cost: milliseconds since the first frame was lost, and frames', () => {
    const { host, keeper } = prepared();
    host.clock.pass(500);
    host.loss = { packets: 9, sinceNs: 487_500_000n };
    host.change(1, { carrier: false });
    keeper.memberTold(1);
    expect(host.told.find(({ type }) => type === 'failover')?.cost).toEqual({
      outageMs: 12.5,
      lostPackets: 9,
    });
  });

  it('says nothing of the cost where the data plane cannot know it', () => {
    const { host, keeper } = prepared();
    Object.assign(host.packets, { checksCarrier: false });
    host.change(1, { carrier: false });
    keeper.memberTold(1);
    expect(host.told.find(({ type }) => type === 'failover')?.cost).toEqual({});
  });

  it('goes on where an action fails, which is told', () => {
    const { host, keeper } = prepared();
    host.fails('plan active eth2');
    host.change(1, { carrier: false });
    keeper.memberTold(1);
    expect(host.failures).toEqual(['it failed (EIO)']);
    expect(host.acts).toContain('send arp');
    expect(host.told.map(({ type }) => type)).toContain('failover');
  });
});

describe('a member whose interface vanishes', () => {
  it('is awaited, which the book has together with its going, and which is told once', () => {
    const { host, keeper } = prepared();
    keeper.setOption('prio', 'eth2:7');
    host.written.length = 0;
    host.interfaces.delete(2);
    keeper.memberGone(2);
    const wish = { name: 'eth2', ifindex: 2, takeDown: true, takeAddresses: false, options: { prio: '7' } };
    // At no time it is neither a member nor awaited.
    for (const { members, wanted } of host.written)
      expect(members.length === 2 || wanted?.length === 1).toBe(true);
    expect(host.written.at(-1)).toMatchObject({ members: [{ original: { ifindex: 1 } }], wanted: [wish] });
    expect(host.told.filter(({ type }) => type === 'awaited')).toHaveLength(1);
    keeper.memberGone(2);
    expect(host.told.filter(({ type }) => type === 'awaited')).toHaveLength(1);
    expect(keeper.wanted).toHaveLength(1);
  });

  it('is not awaited where it was given away, was to be forgotten, or is waited for already', () => {
    const given = prepared();
    given.keeper.memberGone(2, true);
    expect(given.keeper.wanted).toEqual([]);
    const forgotten = prepared();
    const record = forgotten.keeper.records.get(2);
    if (record !== undefined) record.forget = true;
    forgotten.keeper.memberGone(2);
    expect(forgotten.keeper.wanted).toEqual([]);
    const waited = prepared();
    const wish = { name: 'eth2', takeDown: false, takeAddresses: true, options: {} };
    waited.keeper.wanted = [wish];
    waited.keeper.memberGone(2);
    expect(waited.keeper.wanted).toEqual([wish]);
  });
});

describe('release()', () => {
  it('ends the waiting for members that leave and for names that are not there, and for no others', () => {
    const { keeper } = prepared();
    const wish = { takeDown: false, takeAddresses: false, options: {} };
    keeper.wanted = [
      { ...wish, name: 'lan1', ifindex: 1 },
      { ...wish, name: 'eth8' },
      { ...wish, name: 'eth9' },
    ];
    keeper.release([1], ['eth9']);
    expect(keeper.wanted.map(({ name }) => name)).toEqual(['eth8']);
    expect([...keeper.records.keys()]).toEqual([2]);
  });
});

describe('news of a member', () => {
  it('that has another name is written down', () => {
    const { host, keeper } = prepared();
    host.change(2, { name: 'lan2' });
    keeper.memberTold(2);
    expect(host.written.at(-1)?.members[1]?.original.name).toBe('lan2');
  });

  it('that says nothing new has nothing looked at', () => {
    const { host, keeper } = prepared();
    keeper.memberTold(2);
    expect(host.acts).toEqual([]);
  });
});

describe('what stands on the bond', () => {
  it('is looked at once for many changes in one turn', () => {
    const { host, keeper } = prepared();
    keeper.stackChanged();
    keeper.stackChanged();
    expect(host.acts).toEqual([]);
    host.clock.endTurn();
    expect(host.acts).toEqual(['look']);
    host.clock.endTurn();
    keeper.stackChanged();
    host.clock.endTurn();
    expect(host.acts).toEqual(['look', 'look']);
  });

  it('is not looked at in the end of a turn where it was looked at since', () => {
    const { host, keeper } = prepared();
    keeper.stackChanged();
    keeper.refreshStack();
    host.clock.endTurn();
    expect(host.acts).toEqual(['look']);
  });
});

describe('adopt()', () => {
  it('looks, hears of diversions, then makes plan and carrier true', () => {
    const { host, keeper } = prepared();
    const next = nextKeeper(host, structuredClone(keeper.saved()));
    host.take();
    next.adopt();
    const done = host.actsOf('look', 'poll', 'plan', 'carrier');
    expect(done.slice(0, 2)).toEqual(['look', 'poll']);
    expect(done.slice(-2)).toEqual(['plan active eth1', 'carrier on']);
  });

  it('takes the member that sends for the active one where programs moved the packets meanwhile', () => {
    const { host, keeper } = prepared();
    const next = nextKeeper(host, structuredClone(keeper.saved()));
    host.current = 2;
    host.change(1, { carrier: false });
    next.adopt();
    expect(next.policy.facts().active).toBe(2);
  });

  it('lets go of members that are gone, and awaits them', () => {
    const { host, keeper } = prepared();
    const next = nextKeeper(host, structuredClone(keeper.saved()));
    host.interfaces.delete(2);
    next.adopt();
    expect(next.wanted.map(({ name }) => name)).toEqual(['eth2']);
    expect([...next.records.keys()]).toEqual([1]);
  });

  it('leaves the bond as it is where one step fails', () => {
    const { host, keeper } = prepared();
    const next = nextKeeper(host, structuredClone(keeper.saved()));
    host.fails('poll');
    host.fails('plan active eth1');
    host.take();
    next.adopt();
    expect(host.acts).toContain('carrier on');
    expect(host.failures).toHaveLength(2);
  });
});

describe('leaveInPlace()', () => {
  it('gives a bond without carrier its carrier, as nobody would once links return', () => {
    const { host, keeper } = prepared();
    for (const member of [1, 2]) {
      host.change(member, { carrier: false });
      keeper.memberTold(member);
    }
    host.take();
    keeper.leaveInPlace();
    expect(host.acts).toEqual(['close ears', 'carrier on', 'close']);
  });

  it('leaves one with carrier, and one without members, as it is', () => {
    const { host, keeper } = prepared();
    keeper.leaveInPlace();
    expect(host.acts).toEqual(['close ears', 'close']);
    const empty = new HandmadeHost();
    const none = newBond(empty);
    empty.take();
    none.leaveInPlace();
    expect(empty.acts).toEqual(['close ears', 'close']);
  });

  it('fails for nothing, as other bonds are to be left in place too', () => {
    const { host, keeper } = prepared();
    for (const act of ['close ears', 'close']) host.fails(act);
    keeper.leaveInPlace();
    expect(host.acts).toEqual(['close ears', 'close']);
    expect(host.failures).toEqual(['it failed (EIO)', 'it failed (EIO)']);
  });

  it('does nothing any more afterwards', () => {
    const { host, keeper } = prepared();
    keeper.stackChanged();
    keeper.leaveInPlace();
    host.take();
    expect(host.clock.waiting).toEqual([]);
    host.clock.pass(1000);
    expect(host.acts).toEqual([]);
  });
});

describe('what somebody sets on the bond', () => {
  const MTU = 9000;
  const ADDRESS = '02:00:00:00:00:77';

  it('goes to its members', () => {
    const { host, keeper } = prepared();
    if (host.bondLink !== null) host.bondLink = { ...host.bondLink, mtu: MTU };
    keeper.bondTold();
    expect(new Set(host.actsOf('mtu', 'set'))).toEqual(
      new Set(['mtu 9000', 'set eth1 mtu=9000', 'set eth2 mtu=9000']),
    );
    expect(keeper.policy.facts().mtu).toBe(MTU);
  });

  it('is taken back from all and from the bond where a member refuses the MTU', () => {
    const { host, keeper } = prepared();
    host.fails('set eth2 mtu=9000', 'EINVAL');
    if (host.bondLink !== null) host.bondLink = { ...host.bondLink, mtu: MTU };
    keeper.bondTold();
    const back = ['set eth1 mtu=1500', 'mtu 1500', 'set bond0 mtu=1500'];
    expect(host.actsOf('mtu', 'set')).toEqual([
      'mtu 9000',
      'set eth1 mtu=9000',
      'set eth2 mtu=9000',
      ...back,
    ]);
    expect(host.told.map(({ type }) => type)).toEqual(['mtu']);
    expect(keeper.policy.facts().mtu).toBe(1500);
    expect(host.interfaces.get(1)?.mtu).toBe(1500);
  });

  it('is no matter of a member that is gone', () => {
    const { host, keeper } = prepared();
    host.fails('set eth1 mtu=9000', 'ENODEV');
    if (host.bondLink !== null) host.bondLink = { ...host.bondLink, mtu: MTU };
    keeper.bondTold();
    expect(keeper.policy.facts().mtu).toBe(MTU);
    expect(host.interfaces.get(2)?.mtu).toBe(MTU);
  });

  it('is taken back from all and from the bond where a member refuses the MAC address, last first', () => {
    const { host, keeper } = prepared();
    host.fails(`set eth2 address=${ADDRESS}`, 'EBUSY');
    const before = keeper.policy.facts().address;
    if (host.bondLink !== null) host.bondLink = { ...host.bondLink, address: ADDRESS };
    keeper.bondTold();
    expect(host.actsOf('set')).toEqual([
      `set eth1 address=${ADDRESS}`,
      `set eth2 address=${ADDRESS}`,
      `set eth1 address=${before}`,
      `set bond0 address=${before}`,
    ]);
    expect(keeper.policy.facts().address).toBe(before);
    expect(host.told.map(({ type }) => type)).toEqual(['address']);
  });
});
