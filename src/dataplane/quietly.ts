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
