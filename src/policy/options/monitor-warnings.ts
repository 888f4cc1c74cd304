// What users are told of monitors that do nothing, or not what they were asked for: a bond that nothing watches (H08), link_watch
// and passive_evidence without what they need, lacp_fallback=static beside options that say the contrary.
import type { Context } from '../state.js';
import { FALLBACK } from '../lacp/fallback.js';
import { tell, tellOfOption } from '../tell.js';
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

/** min_links and lacp_strict want ports that LACP has negotiated, lacp_fallback=static carries without any: says which of them counts. */
export function warnOfFallback(context: Context): void {
  const { name, numbers } = context.state;
  const { min_links: least, lacp_strict: strict, lacp_fallback: fallback } = numbers;
  if (fallback !== FALLBACK.STATIC || least === 0) return;
  const message =
    strict === 1
      ? `lacp_fallback=static of ${name} gives it no carrier, as lacp_strict=on counts no port without LACP towards min_links=${least}; set lacp_strict=off or min_links=0`
      : `lacp_fallback=static of ${name} gives it carrier with any port while nobody speaks LACP, and min_links=${least} counts for nothing then; set lacp_fallback=off if it must count`;
  tellOfOption(context, 'lacp_fallback', message);
}
