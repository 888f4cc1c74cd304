// What other rooms may use of `base`.
export { advice } from './advice.js';
export { ERRNO, type ErrnoName, errnoName } from './errno.js';
export { equalValues } from './equal.js';
export { badBondName, badInterfaceName, MOST_ALTERNATIVE_BYTES } from './interface-name.js';
export { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './ip.js';
export { BROADCAST_MAC, formatMac, type MacText, parseMac } from './mac.js';
export { meantWord, nearestName } from './nearest.js';
export { own } from './own.js';
export { plain, shown } from './plain.js';
export { type Refusal, refusal } from './refusal.js';
export { err, ok, type Result, unreachable } from './result.js';
export { isErrno, isSystemFailure, systemRefusal } from './system-failure.js';
export {
  type Due,
  earliest,
  nextTick,
  runDue,
  shiftTimers,
  type TimeMs,
  type Timers,
  type TimerSet,
} from './timers.js';
export { twice } from './twice.js';
export { decodeUtf8, encodeUtf8 } from './utf8.js';
