// What users are told of monitors that do nothing, or not what they were asked for: a bond that nothing watches (H08), link_watch
// and passive_evidence without what they need.
import type { Context } from '../state.js';
import { tell } from '../tell.js';
import type { OptionName, OptionValues } from './options.js';

/** True when a dead link would go unnoticed. */
export function watchesNothing({ numbers }: Context['state']): boolean {
  return numbers.miimon === 0 && numbers.arp_interval === 0;
}

/** Says so. */
export function warnOfNoMonitor(context: Context): void {
  const { name } = context.state;
  const message = `${name} watches no links, so a dead one goes unnoticed; set miimon (for example miimon=100)`;
  tell(context, 'warning', 'option', message);
}

/** What a user who asked for both monitors, or for passive evidence, is missing, and the option that asked; undefined when nothing is. */
export function idleWatch(
  name: string,
  options: OptionValues,
): { readonly option: OptionName; readonly message: string } | undefined {
  const { link_watch: watch, passive_evidence: passive, miimon, arp_interval: interval } = options;
  if (watch === 'driver') {
    const message = `passive_evidence=1 of ${name} does nothing without link_watch; set link_watch=any, miimon and arp_interval`;
    return passive === 1 ? { option: 'passive_evidence', message } : undefined;
  }
  if (miimon > 0 && interval > 0) return undefined;
  const missing =
    interval > 0 ? 'miimon' : miimon > 0 ? 'arp_interval and arp_ip_target' : 'miimon and arp_interval';
  const message = `link_watch=${watch} of ${name} joins two monitors, and not both are on: ${missing} must be set too`;
  return { option: 'link_watch', message };
}
