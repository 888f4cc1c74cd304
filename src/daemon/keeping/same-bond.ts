// A bond that is to be made and is there already: when it is as wished, all is done.
import { advice, err, ok, type Refusal, refusal, type Result, shown } from '../../base/index.js';
import { canonicalValue, findOption, valueOf } from '../../policy/index.js';
import type { BondRunner } from '../bond-runner.js';

/** Done when the bond has every option that is named as it is named; those that are not may be whatever they are. */
export function existsAs(
  runner: BondRunner,
  options: Readonly<Record<string, string>>,
): Result<undefined, Refusal> {
  const { name } = runner;
  const now = runner.policy.snapshot().options;
  const other = Object.entries(options).flatMap(
    ([option, value]): { option: string; is: string; to: string }[] => {
      const own = findOption(option)?.name ?? option;
      const to = canonicalValue(option, value);
      if (own === 'data_plane') {
        const { kind } = runner.plane;
        return to === 'auto' || to === kind ? [] : [{ option: own, is: kind, to }];
      }
      const current = valueOf(now, own);
      const is = Array.isArray(current) ? current.join(',') : String(current ?? '');
      return is === to ? [] : [{ option: own, is, to }];
    },
  );
  if (other.length === 0) return ok(undefined);
  const differs = other.map(({ option, is, to }) => `${option} is ${shown(is) || 'empty'}, not ${shown(to)}`);
  const fix = advice('bondwire set {bond} OPTION=VALUE', { bond: name });
  return err(
    refusal(
      'exists',
      'EEXIST',
      `${name} was not created: the bond ${name} exists already, and ${differs.join('; ')}. Change it ('${fix}'), or choose another name.`,
    ),
  );
}
