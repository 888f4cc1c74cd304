// The bonds of a daemon as bondwire.yaml would describe them: what `bondwire apply` of it finds done.
import { type BondWish, emptyWish, printBondwireYaml } from '../../config/index.js';
import type { UplinkSettings } from '../../uplinks/index.js';
import type { DescribedDocument, ShowBond } from '../../daemon/api/api.js';
import { createBond, isOfMembers, OPTION_TABLE, type OptionValue } from '../../policy/index.js';

/** MTU of a bond that nobody gave another. */
const USUAL_MTU = 1500;

type Values = ShowBond['options'];

function text(value: OptionValue | undefined): string {
  return typeof value === 'object' ? (value ?? []).join(',') : String(value ?? '');
}

/** The options of a new bond of this mode. */
function defaults(mode: string): Values {
  const fresh = createBond({
    name: 'bond0',
    address: '02:00:00:00:00:01',
    addressIsRandom: true,
    mtu: USUAL_MTU,
    options: [['mode', mode]],
  });
  if (!fresh.ok) throw new TypeError(`No bond has mode ${mode}: ${fresh.error.message}`);
  return fresh.value.snapshot().options;
}

/** One bond as a file would describe it. */
export function wishOf(bond: ShowBond, { addresses, routes }: DescribedDocument): BondWish {
  const usual = defaults(bond.mode);
  const now: Values = bond.options;
  const options = OPTION_TABLE.filter(
    ({ name, kind }) =>
      !isOfMembers(name) && kind !== 'members' && name !== 'mode' && text(now[name]) !== text(usual[name]),
  ).map(({ name }) => [name, text(now[name])] as const);
  const [first] = bond.members;
  const follows = bond.options.fail_over_mac === 'active' || bond.address === first?.permanentAddress;
  return {
    ...emptyWish(bond.name),
    options: {
      mode: bond.mode,
      ...Object.fromEntries(options),
    },
    members: [
      ...bond.members.map(({ name }) => ({ name, options: memberOptions(now, name) })),
      ...bond.awaited.map(name => ({ name, options: {} })),
    ],
    takeDown: true,
    addresses,
    routes: routes.map(({ to, via, onLink }) => ({ to, via, ...(onLink === true && { onLink }) })),
    mtu: bond.mtu === USUAL_MTU ? null : bond.mtu,
    mac: bond.members.length === 0 || follows ? null : bond.address,
    up: bond.adminUp,
  };
}

/** What of `prio` and `queue_id` (`IFACE:N`) is not 0. */
function memberOptions(now: Values, member: string): Record<string, string> {
  return Object.fromEntries(
    (['prio', 'queue_id'] as const).flatMap(option => {
      const own = now[option].find(value => value.startsWith(`${member}:`));
      const value = own?.slice(member.length + 1) ?? '0';
      return value === '0' ? [] : [[option, value] as const];
    }),
  );
}

/** The text of the file; what it cannot say is told in its heading. */
export function exportText(
  bonds: readonly { readonly bond: ShowBond; readonly described: DescribedDocument }[],
  uplink: UplinkSettings | null = null,
): string {
  const more = bonds.flatMap(({ bond, described }) => described.more.map(what => `${bond.name}: ${what}`));
  const heading = [
    'What runs, as a file.',
    ...(more.length === 0 ? [] : ['This form cannot say:', ...more.map(line => `  ${line}`)]),
  ];
  return printBondwireYaml(
    bonds.map(({ bond, described }) => wishOf(bond, described)),
    heading,
    uplink,
  );
}
