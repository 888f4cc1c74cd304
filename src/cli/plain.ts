// Text from outside made safe for a terminal; see base.
export { plain } from '../base/index.js';
