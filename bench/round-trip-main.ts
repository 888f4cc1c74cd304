// One round-trip figure in a process of its own (arguments: udp or tcp, then address and namespace of each end); prints the
// nanoseconds. Two calls a packet weigh a third of the path itself here, and what they cost depends on how the engine has compiled
// them: for other figures before, in the same process, other contenders than the first got 1.5 % more or less.
import { datagramRoundTrip, endIn, meet, streamRoundTrip } from './path-meter.js';

const [over = '', near = '', nearNamespace = '', far = '', farNamespace = ''] = process.argv.slice(2);
const one = endIn(near, nearNamespace);
const other = endIn(far, farNamespace);
await meet(one, other);
console.log(over === 'udp' ? datagramRoundTrip(one, other) : await streamRoundTrip(one, other));
