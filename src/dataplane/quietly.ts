// Steps of taking something down, where one that fails must not keep the others from being done.

/** Does it; gives what went wrong instead of throwing it. */
export function quietly(step: () => unknown): unknown {
  try {
    step();
    return undefined;
  } catch (error) {
    return error ?? new Error('unknown');
  }
}

/**
 * Does all steps, each whatever became of the others, and those that failed once more: what a moment made fail (no descriptor free) is
 * not to stay behind. Throws the first failure that stayed. Steps must bear to be done twice.
 */
export function doAll(steps: readonly (() => unknown)[]): void {
  const failed = steps.filter(step => quietly(step) !== undefined);
  const failures = failed.map(quietly).filter(failure => failure !== undefined);
  if (failures.length > 0) throw failures[0];
}
