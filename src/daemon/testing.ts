// What the fuzzer may use of `daemon`: everything that reads what others wrote.
export { BODY_CHECKS } from './request-bodies.js';
export { parseUrl } from './request-reading.js';
export { STATE_VERSION } from './state-file.js';
export { parseState } from './state-schema.js';
