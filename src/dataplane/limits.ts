// What holds on every data plane.

/** Most members of one bond: slots for them lie in memory that processes share, of one size. */
export const MAX_MEMBERS = 64;
