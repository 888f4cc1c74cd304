// Text from outside made safe for a terminal, and commands made fit to be pasted; see base.
export { advice, plain } from '../../base/index.js';
