// `bondwire lab cut|restore|status`: reaches into a demo that runs in another terminal.
import { advice } from '../base/index.js';
import { cableIsCut, setCable } from './cable.js';
import { type RunningLab, runningLabs } from './running-labs.js';

/** Exit codes are the command line's: 0 done, 1 refused, 2 usage. Returns one. Of several labs it is the last of `labs`. */
export function labCommand(
  verb: 'cut' | 'restore' | 'status',
  iface: string | undefined,
  write: (text: string) => void,
  labs: readonly RunningLab[] = runningLabs(),
): Promise<number> {
  return Promise.resolve(run(verb, iface, write, labs));
}

function run(
  verb: 'cut' | 'restore' | 'status',
  iface: string | undefined,
  write: (text: string) => void,
  labs: readonly RunningLab[],
): number {
  const lab = labs.at(-1);
  if (lab === undefined) {
    write(`No lab is running here; start one with '${advice('bondwire demo --keep')}'.\n`);
    return 1;
  }
  const names = Object.keys(lab.cables);
  if (verb === 'status') {
    write(`The lab of process ${lab.pid}: host in namespace ${lab.host}, switch in ${lab.switch}.\n`);
    for (const [name, end] of Object.entries(lab.cables)) {
      write(`${name}  ${cableIsCut(lab.switch, end) ? 'cut' : 'plugged in'}\n`);
    }
    return 0;
  }
  if (iface === undefined) {
    write(`Say which cable: ${names.join(' or ')}.\n`);
    return 2;
  }
  const end = lab.cables[iface];
  if (end === undefined) {
    write(`The lab has no interface ${iface}; it has ${names.join(' and ')}.\n`);
    return 1;
  }
  setCable(lab.switch, end, verb === 'restore');
  write(verb === 'cut' ? `The cable of ${iface} is cut.\n` : `The cable of ${iface} is plugged in.\n`);
  return 0;
}
