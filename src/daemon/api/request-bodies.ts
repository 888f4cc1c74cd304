// The bodies of requests to the control API: their shape, and what is wrong with one that has another.
import { z } from 'zod';
import { err, ok, type Refusal, type Result, refusal, shown } from '../../base/index.js';
import type {
  AddressesRequest,
  ConfigBond,
  ConfigRequest,
  CreateRequest,
  DescribedRequest,
  EnslaveRequest,
  LinkRequest,
  ReleaseRequest,
  RoutesRequest,
  SetRequest,
} from './api.js';
import { isCidr } from './cidr.js';

/** More of what is wrong with one request is not told. */
const MOST_PROBLEMS = 3;

/** Refuses a request as such. */
export const invalid = (message: string): Refusal => refusal('invalid-request', 'EINVAL', message);

const options = z.record(z.string(), z.string());
const names = z
  .array(z.string().min(1, 'an interface has no empty name'))
  .min(1, 'at least one interface must be named');
export const createBody: z.ZodType<CreateRequest> = z.strictObject({
  name: z.string(),
  options: options.default({}),
});
export const enslaveBody: z.ZodType<Required<EnslaveRequest>> = z
  .strictObject({
    interfaces: names,
    takeDown: z.boolean().default(false),
    takeAddresses: z.boolean().default(false),
    await: z.boolean().default(false),
    forget: z.boolean().default(false),
    options: options.default({}),
  })
  .refine(wish => !(wish.await && wish.forget), '"await" and "forget" exclude each other');
export const releaseBody: z.ZodType<ReleaseRequest> = z.strictObject({ interfaces: names });
export const setBody: z.ZodType<SetRequest> = z.strictObject({
  options: options.refine(value => Object.keys(value).length > 0, 'at least one option must be given'),
});
export const addressesBody: z.ZodType<AddressesRequest> = z.strictObject({
  addresses: z.array(z.string()).min(1, 'at least one address must be given'),
});
const mtu = z
  .int('it must be a whole number')
  .min(68, 'it must be at least 68')
  .max(65535, 'it must be at most 65535');
export const linkBody: z.ZodType<LinkRequest> = z
  .strictObject({ mtu: mtu.optional(), address: z.string().optional() })
  .transform(wish => ({
    ...(wish.mtu !== undefined && { mtu: wish.mtu }),
    ...(wish.address !== undefined && { address: wish.address }),
  }))
  .refine(wish => Object.keys(wish).length > 0, 'mtu or address must be given');
const route = z.strictObject({ to: z.string(), via: z.string(), onLink: z.boolean().optional() });
export const routesBody: z.ZodType<RoutesRequest> = z.strictObject({
  routes: z.array(route).min(1, 'at least one route must be given'),
});
export const describedBody: z.ZodType<DescribedRequest> = z.strictObject({
  isMade: z.boolean(),
  addresses: z.array(z.string().refine(isCidr, 'it must be an address with a prefix length')),
  routes: z.array(route),
  members: z.array(z.string()),
  options: z.array(z.string()),
});
const configBond: z.ZodType<ConfigBond> = z.strictObject({
  name: z.string(),
  options: options.default({}),
  members: z
    .array(
      z.strictObject({
        name: z.string().min(1, 'an interface has no empty name'),
        options: options.default({}),
      }),
    )
    .default([]),
  takeDown: z.boolean().default(false),
  addresses: z.array(z.string().refine(isCidr, 'it must be an address with a prefix length')).default([]),
  routes: z.array(route).default([]),
  mtu: mtu.nullable().default(null),
  mac: z.string().nullable().default(null),
  up: z.boolean().default(true),
});
export const configBody: z.ZodType<Required<ConfigRequest>> = z.strictObject({
  bonds: z
    .array(configBond)
    .refine(
      bonds => new Set(bonds.map(({ name }) => name)).size === bonds.length,
      'a bond can stand there only once',
    ),
  takeDown: z.boolean().default(false),
  takeAddresses: z.boolean().default(false),
  isLenient: z.boolean().default(false),
});
export const emptyBody: z.ZodType<object> = z.strictObject({});

/** What becomes of a body in each of the requests: a value or a refusal, whatever it is. */
export const BODY_CHECKS: readonly ((body: unknown) => Result<unknown, Refusal>)[] = [
  createBody,
  enslaveBody,
  releaseBody,
  setBody,
  addressesBody,
  linkBody,
  routesBody,
  describedBody,
  configBody,
  emptyBody,
].map(schema => (body: unknown) => check<unknown>(schema, body));

/** A body as its type, or the refusal that says what is wrong with it. */
export function check<T>(schema: z.ZodType<T>, body: unknown): Result<T, Refusal> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return ok(parsed.data);
  const problems = parsed.error.issues.slice(0, MOST_PROBLEMS).map(issue => problemText(issue, body));
  return err(invalid(`The request was refused: ${problems.join('; ')}.`));
}

/** JSON's types in words. */
const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a JSON object',
  record: 'a JSON object',
};

/** What is wrong with one part of a request, as a clause. */
function problemText(issue: z.core.$ZodIssue, body: unknown): string {
  const path = issue.path.map(String);
  const where = path.length === 0 ? 'the body' : `"${shown(path.join('.'))}"`;
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map(key => `"${shown(key)}"`).join(', ');
    return `${names} ${issue.keys.length === 1 ? 'is no field' : 'are no fields'} of this request`;
  }
  if (issue.code !== 'invalid_type') return `${where}: ${issue.message}`;
  const missing = path.length === 0 ? body === undefined : valueAt(body, path) === undefined;
  const wanted = TYPE_WORDS[issue.expected] ?? issue.expected;
  return missing ? `${where} is missing; it must be ${wanted}` : `${where} must be ${wanted}`;
}

function valueAt(body: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    body,
  );
}
