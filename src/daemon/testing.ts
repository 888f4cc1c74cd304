// What the fuzzer may use of `daemon`: everything that reads what others wrote.
export { BODY_CHECKS } from './api/request-bodies.js';
export { parseUrl } from './api/request-reading.js';
export { STATE_VERSION } from './keeping/state-file.js';
export { parseState } from './keeping/state-schema.js';
