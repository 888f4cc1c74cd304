// Steps of making something, all of which are done or none, and of taking something down, where one that fails must not keep the
// others from being done.

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

/**
 * Makes something in steps. What `make` has put into the list undoes those that were done: when one fails they are done, the last one
 * first and each whatever became of the others, and its failure is thrown.
 */
export function allOrNothing<T>(make: (undo: (() => void)[]) => T): T {
  const undo: (() => void)[] = [];
  try {
    return make(undo);
  } catch (error) {
    for (const step of undo.toReversed()) quietly(step);
    throw error;
  }
}

/** Does the first of these that does not fail; where all do, the failure of the last one is thrown. */
export function firstThatWorks<T>(ways: readonly (() => T)[]): T {
  let failure: unknown = new Error('There is no way.');
  for (const way of ways) {
    try {
      return way();
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
