// A daemon that was started with a file serves the API while it makes the file's bonds: others may look, and change nothing yet.
import { type Refusal, refusal, shown } from '../base/index.js';

export interface Starting {
  /** Path of the file. */
  readonly file: string;
  readonly key: string;
}

export function startingRefusal({ file }: Starting): Refusal {
  const message = `The daemon is still making the bonds of ${shown(file)}; try again in a moment.`;
  return refusal('starting', 'EAGAIN', message);
}
