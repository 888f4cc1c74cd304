// What somebody meant by an option or a value that the driver does not know, so that the rest can be looked at as it was meant. (config)
import { nearestName, own } from '../base/index.js';
import { findOption, nearestOption, optionNumber } from '../policy/index.js';

/** Names of modes in the mouths of people and of other programs. */
const MODES: Readonly<Record<string, string>> = {
  activebackup: 'active-backup',
  ab: 'active-backup',
  failover: 'active-backup',
  lacp: '802.3ad',
  '8023ad': '802.3ad',
  roundrobin: 'balance-rr',
  rr: 'balance-rr',
  xor: 'balance-xor',
  loadbalance: 'balance-xor',
  tlb: 'balance-tlb',
  alb: 'balance-alb',
};

export interface MeantOption {
  readonly name: string;
  readonly value: string;
  /** Something is not as it was written. */
  readonly isGuess: boolean;
}

/** The option as it was meant; as it is where it is right, or nothing is near. */
export function meantOption(name: string, value: string): MeantOption {
  const meantName =
    findOption(name) === undefined ? (nearestOption(name.replaceAll('-', '_')) ?? name) : name;
  const meantValue = valueOf(meantName, value);
  return { name: meantName, value: meantValue, isGuess: meantName !== name || meantValue !== value };
}

function valueOf(name: string, value: string): string {
  const spec = findOption(name);
  if (spec === undefined || (spec.kind !== 'word' && spec.kind !== 'number') || optionNumber(spec, value).ok)
    return value;
  const plain = value.trim().toLowerCase();
  const number = /^(\d+)\s*(ms|s|sec)?$/.exec(plain);
  if (number !== null && spec.unit !== null) {
    const inSeconds = number[2] === 's' || number[2] === 'sec';
    return String(Number(number[1]) * (inSeconds && spec.unit === 'ms' ? 1000 : 1));
  }
  const flag = own({ yes: '1', true: '1', no: '0', false: '0' }, plain);
  if (flag !== undefined && optionNumber(spec, flag).ok) return flag;
  const mode = name === 'mode' ? own(MODES, plain.replaceAll(/[^a-z0-9]/g, '')) : undefined;
  return (
    mode ??
    nearestName(
      plain.replaceAll('_', '-'),
      spec.words.map(({ word }) => word),
    ) ??
    nearestName(
      plain,
      spec.words.map(({ word }) => word),
    ) ??
    value
  );
}
