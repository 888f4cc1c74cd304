// The shape of `uplinks:` in bondwire.yaml: texts as they stand there. (config)
import { z } from 'zod';

/** For both families, or for each. */
type PerFamily = string | { readonly ipv4?: string | undefined; readonly ipv6?: string | undefined };

export interface LineText {
  readonly device: string;
  readonly gateway?: PerFamily | undefined;
  readonly nat?: PerFamily | undefined;
  readonly metered: boolean;
  readonly budget?:
    | {
        readonly gb?: string | undefined;
        readonly mb?: string | undefined;
        readonly reset?: string | undefined;
      }
    | undefined;
  readonly weight: string;
  readonly targets?: readonly string[] | undefined;
  readonly dns?: readonly string[] | undefined;
  readonly http?: { readonly url: string; readonly status: string; readonly body: string } | undefined;
  readonly tcp?: string | undefined;
}

export interface RuleText {
  readonly match: Readonly<
    Partial<
      Record<'from' | 'to' | 'protocol' | 'sport' | 'dport' | 'dscp' | 'iif' | 'uid', string | undefined>
    >
  >;
  readonly use?: readonly string[] | undefined;
  readonly else: 'drop' | 'selected';
  readonly existing?: { readonly tcp: string } | undefined;
}

export type TimeKey =
  | 'interval'
  | 'metered_interval'
  | 'silence'
  | 'silence_with_traffic'
  | 'latency'
  | 'dns_interval'
  | 'http_interval'
  | 'app_timeout';

export interface UplinkText extends Readonly<Partial<Record<TimeKey, string | undefined>>> {
  readonly lines: Readonly<Record<string, LineText>>;
  readonly mode: 'failover' | 'share';
  readonly sticky: 'client' | 'flow';
  readonly nat: PerFamily;
  readonly return?:
    | string
    | { readonly after?: string | undefined; readonly at?: string | undefined }
    | undefined;
  readonly rules: readonly RuleText[];
  readonly mark_mask?: string | undefined;
  readonly clamp_mss?: boolean | undefined;
  readonly loss?: { readonly enter?: string | undefined; readonly leave?: string | undefined } | undefined;
}

const texts = z.union([z.array(z.string()), z.string().transform(text => [text])]);
const flag = z
  .string()
  .regex(/^(?:true|false|yes|no|on|off)$/, 'it must be true or false')
  .transform(value => ['true', 'yes', 'on'].includes(value));
const perFamily = z.strictObject({ ipv4: z.string().optional(), ipv6: z.string().optional() });
const optional = z.string().optional();

const line = z.strictObject({
  device: z.string(),
  gateway: z.union([z.string(), perFamily]).optional(),
  nat: z.union([z.string(), perFamily]).optional(),
  metered: flag.default(false),
  budget: z.strictObject({ gb: optional, mb: optional, reset: optional }).optional(),
  weight: z.string().default('1'),
  targets: texts.optional(),
  dns: texts.optional(),
  http: z
    .strictObject({ url: z.string(), status: z.string().default('200'), body: z.string().default('') })
    .optional(),
  tcp: optional,
});

const rule = z.strictObject({
  match: z.strictObject({
    from: optional,
    to: optional,
    protocol: optional,
    sport: optional,
    dport: optional,
    dscp: optional,
    iif: optional,
    uid: optional,
  }),
  use: texts.optional(),
  else: z.enum(['drop', 'selected'], 'it must be drop or selected').default('selected'),
  existing: z.strictObject({ tcp: z.string() }).optional(),
});

/** Defaults are those of the text alone; what they mean is in uplink-wish.ts. */
export const uplinkSchema: z.ZodType<UplinkText> = z.strictObject({
  lines: z.record(z.string(), line),
  mode: z.enum(['failover', 'share'], 'it must be failover or share').default('failover'),
  sticky: z.enum(['client', 'flow'], 'it must be client or flow').default('client'),
  nat: z.union([z.string(), perFamily]).default('none'),
  return: z.union([z.string(), z.strictObject({ after: optional, at: optional })]).optional(),
  rules: z.array(rule).default([]),
  mark_mask: optional,
  clamp_mss: flag.optional(),
  interval: optional,
  metered_interval: optional,
  silence: optional,
  silence_with_traffic: optional,
  loss: z.strictObject({ enter: optional, leave: optional }).optional(),
  latency: optional,
  dns_interval: optional,
  http_interval: optional,
  app_timeout: optional,
});
