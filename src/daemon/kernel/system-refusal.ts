// A failed system call as the refusal that users see: the rules are in base, as the keeper of bonds uses them too.
export { isSystemFailure, systemRefusal } from '../../base/index.js';
