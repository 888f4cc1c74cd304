// What the fuzzer may use of `cli`: what reads a daemon's answers and a user's words.
export { checkCidr } from './reading/cidr.js';
export { Failure } from './reading/failure.js';
export { parseOptionWords } from './reading/option-words.js';
export { isChanged, isDaemonStatus, isErrorBody, isEventRecord, isSaidShow } from '../daemon/api/answers.js';
