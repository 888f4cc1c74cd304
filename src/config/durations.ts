// Times as systemd, netplan and people write them: `100`, `100ms`, `1s`, `1min 30s`. (config)
import { own } from '../base/index.js';

/** Milliseconds of a unit of systemd.time(7). */
const UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  usec: 0.001,
  µs: 0.001,
  ms: 1,
  msec: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
};

/** Milliseconds, or null for what is no time. A number without a unit counts in units of `bareMs`. */
export function durationMs(text: string, bareMs: number): number | null {
  const parts = Array.from(text.trim().matchAll(/\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zµ]*)/gy));
  if (parts.length === 0 || parts.reduce((length, [all]) => length + all.length, 0) !== text.trim().length)
    return null;
  let total = 0;
  for (const [, number = '', unit = ''] of parts) {
    const factor = unit === '' ? bareMs : own(UNITS, unit);
    if (factor === undefined) return null;
    total += Number(number) * factor;
  }
  return Math.round(total * 1000) / 1000;
}
