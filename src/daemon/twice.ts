// What gives an interface back is tried a second time: what a moment made fail (no descriptor free) is not to stay behind for good.

/** Does it once more when it fails; throws the second failure. It must bear to be done twice. */
export function twice<T>(action: () => T): T {
  try {
    return action();
  } catch {
    return action();
  }
}
