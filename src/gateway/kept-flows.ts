// Which flows rules of an uplink keep when others of their line are ended.
import { parseIpv4, parseIpv6 } from '../base/index.js';
import type { FlowPrefix, KeptFlows } from '../linux/index.js';
import type { Family, UplinkSettings } from '../uplinks/index.js';

/**
 * What tells the flows of these rules (places in `settings.rules`) in the connection tracking table, which knows neither DSCP nor the
 * device that a flow came in by nor its user: a rule that goes by those keeps nothing.
 */
export function keptFlows(
  settings: UplinkSettings | null,
  rules: readonly number[],
  family: Family,
): KeptFlows[] {
  return rules.flatMap(place => {
    const match = settings?.rules[place]?.match;
    if (match === undefined) return [];
    if ([match.dscp, match.incoming, match.uids].some(each => each !== undefined)) return [];
    if (match.protocol !== undefined && match.protocol !== 'tcp') return [];
    const [from, to] = [prefixOf(match.from), prefixOf(match.to)];
    const isOther = [from, to].some(
      prefix => prefix !== undefined && prefix.bytes.length !== (family === 'ipv4' ? 4 : 16),
    );
    if (isOther) return [];
    const { sourcePorts, destinationPorts } = match;
    return [
      {
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
        ...(sourcePorts !== undefined && { sourcePorts }),
        ...(destinationPorts !== undefined && { destinationPorts }),
      },
    ];
  });
}

function prefixOf(text: string | undefined): FlowPrefix | undefined {
  if (text === undefined) return undefined;
  const [address = '', length] = text.split('/');
  const parsed = address.includes(':') ? parseIpv6(address) : parseIpv4(address);
  if (!parsed.ok) return undefined;
  return { bytes: parsed.value, length: length === undefined ? 8 * parsed.value.length : Number(length) };
}
