// A second attempt at what must not be left undone.

/** Does it once more when it fails: what a moment made fail is not to stay behind. It must bear to be done twice. */
export function twice<T>(action: () => T): T {
  try {
    return action();
  } catch {
    return action();
  }
}
