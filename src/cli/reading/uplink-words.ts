// The words of `bondwire uplink run` as settings, with every default.
import {
  DEFAULT_MARK_MASK,
  DEFAULT_RETURN_MS,
  DEFAULT_TARGETS,
  DEFAULT_TIMING,
  type LineSettings,
  type Nat,
  type UplinkSettings,
} from '../../uplinks/index.js';
import { plain } from '../printing/plain.js';
import { usageFailure } from './failure.js';
import { checkMembers } from './names.js';

const NAME = /^[a-z][a-z0-9_.-]{0,30}$/i;

/** The settings of `uplink run`. */
export async function settingsOfWords(
  words: readonly string[],
  { masquerade, target }: { readonly masquerade?: boolean; readonly target: readonly string[] },
): Promise<UplinkSettings> {
  const named = words.map(word => {
    const at = word.indexOf('=');
    return at < 0 ? { name: word, device: word } : { name: word.slice(0, at), device: word.slice(at + 1) };
  });
  checkMembers(
    '',
    named.map(({ device }) => device),
  );
  for (const { name } of named) {
    if (!NAME.test(name))
      throw usageFailure(
        `uplink run: "${plain(name)}" cannot name a line: begin with a letter; use letters, digits, "-", "_" and "."; write NAME=DEVICE.`,
      );
  }
  const { addressText } = await import('../../config/index.js');
  const targets = target.map(text => {
    const address = addressText(text);
    if (address === null)
      throw usageFailure(`uplink run: ${plain(text)} is no address; write --target 192.0.2.1.`);
    return address;
  });
  const ofFamily = (isIpv6: boolean): string[] => targets.filter(text => text.includes(':') === isIpv6);
  const [ipv4, ipv6] = [ofFamily(false), ofFamily(true)];
  if (ipv4.length === 1 || ipv6.length === 1)
    throw usageFailure(
      'uplink run: name two targets or more of a family: one alone that is down would be taken for a dead line.',
    );
  const nat: Nat = { kind: masquerade === true ? 'masquerade' : 'none' };
  const lines = named.map(
    ({ name, device }): LineSettings => ({
      name,
      device,
      gateway: { ipv4: null, ipv6: null },
      nat: { ipv4: nat, ipv6: nat },
      metered: false,
      budget: null,
      weight: 1,
      targets: {
        ipv4: ipv4.length > 0 ? ipv4 : DEFAULT_TARGETS.ipv4,
        ipv6: ipv6.length > 0 ? ipv6 : DEFAULT_TARGETS.ipv6,
      },
      dns: [],
      http: null,
      tcp: null,
    }),
  );
  return {
    name: 'uplink0',
    lines,
    mode: 'failover',
    sticky: 'client',
    rules: [],
    markMask: DEFAULT_MARK_MASK,
    clampMss: lines.some(({ device }) => device.startsWith('ppp')),
    return: { afterMs: DEFAULT_RETURN_MS, at: null },
    timing: DEFAULT_TIMING,
  };
}
