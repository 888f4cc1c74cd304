// Bugs in what keeps a bond, planted to see that a daemon's death shows them: a call that is left out, or a note that is not written.
import type { KeeperPlant } from '../../src/simulator/bond-world.js';

type Written = Parameters<NonNullable<KeeperPlant['written']>>[0];

const nothing = (): void => {};

function members(change: (member: Written['members'][number]) => Written['members'][number]): KeeperPlant {
  return { written: saved => ({ ...saved, members: saved.members.map(change) }) };
}

function forgetful(member: Written['members'][number]): Written['members'][number] {
  return member.joining ? member : { ...member, original: { ...member.original, up: false, mtu: 1500 } };
}

export const BROKEN_KEEPERS: readonly (readonly [bug: string, plant: KeeperPlant])[] = [
  ['an interface joins before that is written down', { notes: false }],
  ['a joining is not marked as one', members(member => ({ ...member, joining: false }))],
  ['a joining is marked as one for ever', members(member => ({ ...member, joining: true }))],
  [
    'what a joining brought is taken for what an earlier one brought',
    members(member => ({ ...member, took: false })),
  ],
  ['undo leaves the addresses on the bond', { links: { takeBack: nothing } }],
  ['undo does not give addresses and routes back', { links: { giveBack: () => [] } }],
  ['a member that leaves is not restored', { links: { restore: () => [] } }],
  ['a member that leaves keeps its filters', { intake: { release: nothing } }],
  ['a member that leaves stays in the data plane', { packets: { removeMember: nothing } }],
  ['an interface is not taken into the data plane', { packets: { addMember: nothing } }],
  ['a leaving is not written down', members(({ leaving: _leaving, ...member }) => member)],
  [
    'a leaving that was cut short keeps the MAC address',
    members(member =>
      member.leaving === undefined ? member : { ...member, leaving: { restoreAddress: false } },
    ),
  ],
  ['what was held down is forgotten', { written: ({ heldDown: _heldDown, ...saved }) => saved }],
  ['what was taken from interfaces is not written down', { written: saved => ({ ...saved, taken: [] }) }],
  ['the end of a bond is not written down', { written: saved => ({ ...saved, ending: false }) }],
  ['what was taken is not taken off the interface', { links: { takeOver: nothing } }],
  [
    'at the end what was taken does not go home',
    { links: { homecoming: () => ({ first: nothing, rest: (_, done) => done([]) }) } },
  ],
  ['an interface is not silenced before it joins', { links: { silence: nothing } }],
  ['a new plan is not made true', { packets: { apply: nothing } }],
  ['the carrier stays as it is', { packets: { setCarrier: nothing } }],
  ['what a member was like is written down only while it joins', members(forgetful)],
];
