// Moments of a story as people read them. (simulator)

/** Seconds with three decimals, in a column. */
export function timeText(ms: number): string {
  return `${(ms / 1000).toFixed(3).padStart(10)} s`;
}
