// The steps of a keeper: each call of a port that changes something. A daemon can be killed after any of them.

/** Does what changes something; throws before it once the daemon is dead, and after it when that kills the daemon. */
export type Step = <T>(effect: () => T) => T;

export const UNHARMED: Step = effect => effect();

/** The port with every call of these methods as a step; what such a call gives to be called later is a step too. */
export function inSteps<T extends object>(port: T, names: readonly (keyof T)[], step: Step): T {
  if (step === UNHARMED) return port;
  const effects: ReadonlySet<unknown> = new Set(names);
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...values: readonly unknown[]): unknown => {
        const call = (): unknown => Reflect.apply(value, target, values);
        return effects.has(key) ? later(step(call), step) : call();
      };
    },
  });
}

function later(given: unknown, step: Step): unknown {
  if (typeof given !== 'function') return given;
  return (...values: readonly unknown[]): unknown => step(() => Reflect.apply(given, undefined, values));
}
