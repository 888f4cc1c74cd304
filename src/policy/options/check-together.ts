// Options that conflict although each of them would do: what is given together in one request.
import { refusal, type Refusal } from '../../base/index.js';
import { parseOptionNumber } from './option-parse.js';
import { findOption, type OptionName, optionSpec } from './options.js';

type Given = readonly (readonly [name: string, value: string])[];

/** The number that was given for an option; undefined: none was, null: text that is no value, which is refused when it is its turn. */
function givenNumber(options: Given, option: OptionName): number | null | undefined {
  const text = options.find(([name]) => findOption(name)?.name === option)?.[1];
  if (text === undefined) return undefined;
  const parsed = parseOptionNumber(optionSpec(option), text);
  return parsed.ok ? parsed.value : null;
}

/**
 * Conflicts between options that are given together (bond_changelink): found when it is the turn of the second, `turn`, or at once
 * when that is left out. `what` is refused.
 */
export function checkTogether(what: string, options: Given, turn?: OptionName): Refusal | null {
  const isSet = (option: OptionName): boolean => (givenNumber(options, option) ?? 0) !== 0;
  if ((givenNumber(options, 'link_watch') ?? 0) !== 0) return null;
  const isTurn = (option: OptionName): boolean => (turn ?? option) === option && isSet(option);
  if (isTurn('arp_interval') && isSet('miimon')) {
    const message = `${what} was refused: ARP monitoring cannot be used with MII monitoring; give miimon or arp_interval, not both; or both together with link_watch=any.`;
    return refusal('invalid-request', 'EINVAL', message);
  }
  if (isTurn('arp_validate') && isSet('miimon')) {
    const message = `${what} was refused: ARP validating cannot be used with MII monitoring; leave out arp_validate.`;
    return refusal('invalid-request', 'EINVAL', message);
  }
  return null;
}
