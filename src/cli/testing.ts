// What the fuzzer may use of `cli`: what reads a daemon's answers and a user's words.
export { checkCidr } from './cidr.js';
export { Failure } from './failure.js';
export { parseOptionWords } from './option-words.js';
export { isChanged, isDaemonStatus, isErrorBody, isEventRecord, isSaidShow } from './replies.js';
