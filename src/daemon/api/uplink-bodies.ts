// The bodies of requests about the uplink: their shape. What is wrong in what they say is the policy's to find.
import { z } from 'zod';
import type { UplinkSettings } from '../../uplinks/index.js';
import type { UplinkDrill, UplinkWish } from './uplink-api.js';

const text = z.string().min(1);
const number = z.number();
const nat = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('masquerade') }),
  z.strictObject({ kind: z.literal('prefix'), inside: text, outside: text }),
]);
const range = z.tuple([number, number]);

const line = z.strictObject({
  name: text,
  device: text,
  gateway: z.strictObject({ ipv4: z.string().nullable(), ipv6: z.string().nullable() }),
  nat: z.strictObject({ ipv4: nat, ipv6: nat }),
  metered: z.boolean(),
  budget: z.strictObject({ bytes: number, resetDay: number.nullable() }).nullable(),
  weight: number,
  targets: z.strictObject({ ipv4: z.array(text), ipv6: z.array(text) }),
  dns: z.array(text),
  http: z.strictObject({ url: text, status: number, body: z.string() }).nullable(),
  tcp: text.nullable(),
});

const rule = z
  .strictObject({
    match: z.strictObject({
      from: text.optional(),
      to: text.optional(),
      protocol: z.enum(['tcp', 'udp', 'icmp', 'icmpv6']).optional(),
      sourcePorts: range.optional(),
      destinationPorts: range.optional(),
      dscp: number.optional(),
      incoming: text.optional(),
      uids: range.optional(),
    }),
    use: z.array(text).optional(),
    otherwise: z.enum(['drop', 'selected']),
    keepTcpMs: number.optional(),
  })
  .transform(
    given =>
      withoutAbsent({ ...given, match: withoutAbsent(given.match) }) as UplinkSettings['rules'][number],
  );

const timing = z.strictObject({
  intervalMs: number,
  meteredIntervalMs: number,
  silenceMs: number,
  silenceWithTrafficMs: number,
  lossEnter: number,
  lossLeave: number,
  latencyEnterMs: number,
  dnsIntervalMs: number,
  httpIntervalMs: number,
  appTimeoutMs: number,
});

/** Fields that are undefined are not there. */
function withoutAbsent(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}

export const uplinkBody: z.ZodType<UplinkSettings> = z.strictObject({
  name: text,
  lines: z.array(line),
  mode: z.enum(['failover', 'share']),
  sticky: z.enum(['client', 'flow']),
  rules: z.array(rule),
  markMask: number,
  clampMss: z.boolean(),
  return: z.strictObject({ afterMs: number, at: number.nullable() }).nullable(),
  timing,
});

const forMs = z
  .int('it must be a whole number of milliseconds')
  .min(1)
  .max(366 * 86_400_000);

export const wishBody: z.ZodType<UplinkWish> = z.strictObject({
  kind: z.enum(['use', 'drain', 'release', 'refill']),
  line: text.optional(),
  forMs: forMs.optional(),
});

export const drillBody: z.ZodType<UplinkDrill> = z.strictObject({
  line: text,
  kind: z.enum(['silent', 'cut', 'router', 'dns', 'portal']),
  forMs: forMs.max(3_600_000, 'it must be an hour at most'),
});
