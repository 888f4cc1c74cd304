// What the readers of `uplinks:` share. (config)

/** Notes what is wrong with a value at a place below the uplink. */
export type Complain = (keys: readonly string[], message: string) => void;

/** A whole number of a range, or null. */
export function wholeNumber(text: string, least: number, most: number): number | null {
  const number = /^\d{1,10}$/.test(text.trim()) ? Number(text) : Number.NaN;
  return number >= least && number <= most ? number : null;
}
