// Text to option value by the driver's rules (bond_opt_parse); the setters that parse for themselves have theirs here too.
import { err, formatIpv6, ok, parseIpv4, parseIpv6, type Result } from '../../base/index.js';
import type { OptionSpec } from './options.js';

const MAX_TARGETS = 16;

/** Text up to its first newline: sysfs values end there. */
export function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}

/** The numbers that an option takes, and those besides that words stand for: `3 to 3600 or 0 (off)`. */
export function numbersOf({ min, max, words }: OptionSpec): string {
  const others = words.filter(({ value }) => value < min || value > (max ?? min));
  return [`${min} to ${max ?? min}`, ...others.map(({ word, value }) => `${value} (${word})`)].join(' or ');
}

/** What may be written for an option, as a clause: `one of …` or `a number from … to …`. */
export function describeValues(spec: OptionSpec): string {
  if (spec.kind === 'word')
    return `one of ${spec.words.map(word => `${word.word} (${word.value})`).join(', ')}`;
  if (spec.max !== null) return `a number from ${numbersOf(spec)}`;
  return spec.words.map(word => `${word.value} (${word.word})`).join(' or ');
}

/**
 * The number that `text` stands for: all digits and white space → decimal; else the first word, at most 32 characters,
 * compared with the option's words as they are spelled, or `default`. The error is a clause that says what is allowed.
 */
export function parseOptionNumber(spec: OptionSpec, text: string): Result<number, string> {
  const line = firstLine(text);
  if (/^[0-9\t\v\f\r ]*$/.test(line)) {
    const digits = /[0-9]+/.exec(line)?.[0];
    if (digits !== undefined) {
      const value = Number(digits);
      const listed = spec.words.some(word => word.value === value);
      if (listed || (spec.max !== null && value >= spec.min && value <= spec.max)) return ok(value);
    }
    return err(`it must be ${describeValues(spec)}`);
  }
  const first = (/[^\t\v\f\r ]+/.exec(line)?.[0] ?? '').slice(0, 32);
  const match = spec.words.find(
    word => word.word === first || (first === 'default' && word.isDefault === true),
  );
  return match === undefined ? err(`it must be ${describeValues(spec)}`) : ok(match.value);
}

/** `INTERFACE:N` as its two parts; null when it is not of that form or N is out of the option's range. */
export function parsePerMember(spec: OptionSpec, text: string): { name: string; value: number } | null {
  const match = /^(?<name>[^:\s]+(?::[^:\s]+)*):(?<value>[+-]?[0-9]+)$/.exec(firstLine(text).trim());
  if (match?.groups === undefined) return null;
  const value = Number(match.groups['value']);
  if (value < spec.min || value > (spec.max ?? value)) return null;
  return { name: match.groups['name'] ?? '', value };
}

/** A wrong target, with the errno that the driver gives for it. */
export interface TargetError {
  readonly errno: 'EPERM' | 'EINVAL';
  readonly reason: string;
}

function badIpv4(text: string): string | null {
  const parsed = parseIpv4(text);
  if (!parsed.ok) return parsed.error;
  // Since Linux 5.3 the rest of 0.0.0.0/8 is as good as any (ipv4_is_zeronet).
  if (text === '0.0.0.0' || text === '255.255.255.255') return `${text} cannot be a target`;
  return null;
}

function badIpv6(text: string): string | null {
  const parsed = parseIpv6(text);
  if (!parsed.ok) return parsed.error;
  const { value } = parsed;
  const low = value.subarray(0, 15).every(byte => byte === 0) && (value[15] ?? 0) <= 1;
  if (low || value[0] === 0xff) return `${text} cannot be a target`;
  return null;
}

function canonicalIpv6(text: string): string {
  const parsed = parseIpv6(text);
  return parsed.ok ? formatIpv6(parsed.value) : text;
}

/**
 * The target list after writing `text`: a comma list replaces it, `+ADDRESS` and `-ADDRESS` (IPv4, as in sysfs) change
 * it. Errors as in the driver: EPERM for what is no address in the signed form, EINVAL for the rest.
 */
export function parseTargets(
  family: 4 | 6,
  current: readonly string[],
  text: string,
): Result<readonly string[], TargetError> {
  const line = firstLine(text).trim();
  const sign = family === 4 ? /^[+-]/.exec(line)?.[0] : undefined;
  if (sign !== undefined) {
    const address = line.slice(1);
    const parsed = parseIpv4(address);
    if (!parsed.ok) return err({ errno: 'EPERM', reason: parsed.error });
    const bad = badIpv4(address);
    if (bad !== null) return err({ errno: 'EINVAL', reason: bad });
    if (sign === '-') {
      if (!current.includes(address)) return err({ errno: 'EINVAL', reason: `${address} is not a target` });
      return ok(current.filter(target => target !== address));
    }
    return addAll(current, [address]);
  }
  const addresses = line === '' ? [] : line.split(',').map(part => part.trim());
  for (const address of addresses) {
    const bad = family === 4 ? badIpv4(address) : badIpv6(address);
    if (bad !== null) return err({ errno: 'EINVAL', reason: bad });
  }
  return addAll(
    [],
    addresses.map(address => (family === 4 ? address : canonicalIpv6(address))),
  );
}

function addAll(
  current: readonly string[],
  addresses: readonly string[],
): Result<readonly string[], TargetError> {
  const targets = [...current];
  for (const address of addresses) {
    if (targets.includes(address)) {
      return err({ errno: 'EINVAL', reason: `${address} is a target already` });
    }
    if (targets.length === MAX_TARGETS) {
      return err({
        errno: 'EINVAL',
        reason: `there can be only ${MAX_TARGETS} targets, ${address} is one too many`,
      });
    }
    targets.push(address);
  }
  return ok(targets);
}
