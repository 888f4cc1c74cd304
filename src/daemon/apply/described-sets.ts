// What files say of bonds as sets: addresses and routes in the kernel's own words, members by their own names. Pure.
import type { Described, RouteRequest } from '../api/api.js';

/** The same whether on-link or not. */
export function routeKey({ to, via }: RouteRequest): string {
  return `${to} via ${via}`;
}

const text = (value: string): string => value;

/** Those of `all` for which `keeps` says so, by whether they are in `other`. */
function chosen(all: Described, other: Described, keeps: (isThere: boolean) => boolean): Described {
  const pick = <T>(mine: readonly T[], theirs: readonly T[], key: (value: T) => string): T[] => {
    const known = new Set(theirs.map(key));
    return mine.filter(value => keeps(known.has(key(value))));
  };
  return {
    addresses: pick(all.addresses, other.addresses, text),
    routes: pick(all.routes, other.routes, routeKey),
    members: pick(all.members, other.members, text),
    options: pick(all.options, other.options, text),
  };
}

export function without(all: Described, other: Described): Described {
  return chosen(all, other, isThere => !isThere);
}

export function common(all: Described, other: Described): Described {
  return chosen(all, other, isThere => isThere);
}

export function union(all: Described, other: Described): Described {
  const more = without(other, all);
  return {
    addresses: [...all.addresses, ...more.addresses],
    routes: [...all.routes, ...more.routes],
    members: [...all.members, ...more.members],
    options: [...all.options, ...more.options],
  };
}
