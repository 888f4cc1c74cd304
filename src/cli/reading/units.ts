// Numbers and times as people read them.

/** 1234567 as `1,234,567`. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** `1 packet`, `2 packets`. */
export function plural(value: number, one: string): string {
  return `${count(value)} ${one}${value === 1 ? '' : 's'}`;
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;

/** Bytes in powers of 1000 to three digits: `999 B`, `1.23 MB`. */
export function byteCount(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 kB would be rounded to 1000 kB.
  while (value >= (unit === 0 ? 1000 : 999.5) && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  let digits = 0;
  if (unit > 0 && value < 9.995) digits = 2;
  else if (unit > 0 && value < 99.95) digits = 1;
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit] ?? ''}`;
}

/** Mbit/s as an interface's speed is spoken of. */
export function speed(mbps: number): string {
  return mbps >= 1000 ? `${mbps / 1000} Gbit/s` : `${mbps} Mbit/s`;
}

/** A span of time in its one or two largest units: `42 s`, `3 min`, `2 h 5 min`, `4 d 1 h`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return join(days, 'd', hours % 24, 'h');
  if (hours > 0) return join(hours, 'h', minutes % 60, 'min');
  if (minutes > 0) return join(minutes, 'min', 0, '');
  return `${seconds} s`;
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Local time of day, to the millisecond on request, with the date in front unless it is that of `now`. */
export function clock(time: Date, now: Date, withMilliseconds: boolean): string {
  const seconds = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  const text = withMilliseconds ? `${seconds}.${String(time.getMilliseconds()).padStart(3, '0')}` : seconds;
  return date(time) === date(now) ? text : `${date(time)} ${text}`;
}

function date(of: Date): string {
  return `${of.getFullYear()}-${two(of.getMonth() + 1)}-${two(of.getDate())}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
