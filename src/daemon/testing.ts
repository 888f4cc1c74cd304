// What the fuzzer and the check of the documents may use of `daemon`: everything that reads what others wrote, and the table of its API.
export { ADDRESSES } from './api/addresses.js';
export { BODY_CHECKS } from './api/request-bodies.js';
export { parseUrl } from './api/request-reading.js';
export { STATE_VERSION } from './keeping/state-file.js';
export { parseState } from './keeping/state-schema.js';
