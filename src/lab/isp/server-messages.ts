// What the process with the lab's servers is started with, and what it says.
import type { Both } from './plan.js';

export interface ServerSettings {
  /** UDP echo and DNS answer at each of these. */
  readonly addresses: readonly Both[];
  /** What every name has. */
  readonly answer: Both;
  /** Providers with a page of their own: where their namespace is, and their router. */
  readonly portals: readonly { readonly netns: string; readonly router: Both }[];
}

/** All servers answer. */
export const SERVERS_READY = 'ready\n';

export const PORTS = { echo: 7, dns: 53, http: 80 } as const;
/** The page `/` of the internet. */
export const PAGE_BODY = 'Bondwire lab\n';
/** `/generate_204` has no body; `/download?mb=N&kbps=R` sends N million bytes, R thousand a second. */
export const DOWNLOAD_PATH = '/download';
/** What a portal sends everybody to. */
export const PORTAL_PATH = '/login';
