// Which interfaces of the machine a file means: by pattern, by MAC address, or by several conditions together. (config)
import { shown, unreachable } from '../base/index.js';
import type { Condition, InterfaceRef, KnownInterface } from './facts.js';

/** Kinds that stand over another interface and have its MAC address, so that an address does not mean them. */
const STACKED: ReadonlySet<string> = new Set([
  'bond',
  'bridge',
  'ipvlan',
  'ipvtap',
  'macsec',
  'macvlan',
  'macvtap',
  'team',
  'vlan',
]);

/** What a condition is called in a sentence. */
const CALLED: Readonly<Record<Condition['of'], string>> = {
  name: 'the name',
  mac: 'the MAC address',
  permanentMac: 'the permanent MAC address',
  driver: 'the driver',
  path: 'the path',
  type: 'the type',
  kind: 'the kind',
};

/** Names of the interfaces that a file means; none where the machine has none such. */
export function resolve(machine: readonly KnownInterface[], ref: InterfaceRef): string[] {
  switch (ref.by) {
    case 'name':
      return [ref.name];
    case 'mac':
      return withMac(machine, ref.mac);
    case 'pattern':
      return machine.filter(({ name }) => matches(ref.pattern, name)).map(({ name }) => name);
    case 'match': {
      const about = ref.conditions.some(({ of }) => of === 'mac' || of === 'permanentMac');
      return machine
        .filter(
          each => !(about && isStacked(each)) && ref.conditions.every(condition => meets(each, condition)),
        )
        .map(({ name }) => name);
    }
    default:
      return unreachable(ref);
  }
}

/** What an interface would have that a file means, for a sentence: `the name en*`. */
export function described(ref: InterfaceRef): string {
  switch (ref.by) {
    case 'name':
      return `the name ${shown(ref.name)}`;
    case 'mac':
      return `the MAC address ${ref.mac}`;
    case 'pattern':
      return `the name ${shown(ref.pattern)}`;
    case 'match':
      return ref.conditions
        .map(
          ({ of, patterns, isInverted }) =>
            `${CALLED[of]} ${isInverted ? 'that is not ' : ''}${patterns.map(each => shown(each)).join(' or ')}`,
        )
        .join(' and ');
    default:
      return unreachable(ref);
  }
}

function isStacked({ kind }: KnownInterface): boolean {
  return kind !== undefined && STACKED.has(kind);
}

/**
 * Cards with this address: by the permanent one, as the present one of a member is that of its bond; by the present one where no
 * interface has it as its permanent one.
 */
function withMac(machine: readonly KnownInterface[], mac: string): string[] {
  const cards = machine.filter(each => !isStacked(each));
  const permanent = cards.filter(({ permanentMac }) => permanentMac?.toLowerCase() === mac);
  const found = permanent.length > 0 ? permanent : cards.filter(each => each.mac.toLowerCase() === mac);
  return found.map(({ name }) => name);
}

function meets(one: KnownInterface, { of, patterns, isInverted }: Condition): boolean {
  const own =
    of === 'name'
      ? [one.name, ...(one.alternativeNames ?? [])]
      : of === 'permanentMac'
        ? [(one.permanentMac ?? one.mac).toLowerCase()]
        : of === 'mac'
          ? [
              one.mac.toLowerCase(),
              ...(one.permanentMac === undefined ? [] : [one.permanentMac.toLowerCase()]),
            ]
          : [one[of] ?? ''];
  return patterns.some(pattern => own.some(text => matches(pattern, text))) !== isInverted;
}

/** Whether a name fits a pattern of `*`, `?` and `[…]`; patterns that are too long fit nothing. */
export function matches(pattern: string, name: string): boolean {
  if (pattern.length > 64) return false;
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    const close = char === '[' ? pattern.indexOf(']', at + 2) : -1;
    if (char === '*') source += source.endsWith('.*') ? '' : '.*';
    else if (char === '?') source += '.';
    else if (close > 0) {
      const inner = pattern
        .slice(at + 1, close)
        .replaceAll('\\', '\\\\')
        .replace(/^!/, '^')
        .replaceAll('[', '\\[');
      source += `[${inner}]`;
      at = close;
    } else source += char.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&');
  }
  try {
    return new RegExp(`^${source}$`, 'u').test(name);
  } catch {
    // A range the wrong way round, such as [z-a].
    return false;
  }
}
