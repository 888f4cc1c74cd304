// What is said to whoever asked for something that must not be done without a note, where the note cannot be written.
import { type Refusal, refusal } from '../../base/index.js';
import { systemRefusal } from '../kernel/system-refusal.js';
import { stateFilePath } from './state-file.js';

/** `what` begins the sentence. */
export function noteRefusal(failed: Error, what: string, runDir: string): Refusal {
  const why = `${what}: what a later daemon must know of it cannot be written down in ${stateFilePath(runDir)}`;
  const { code, errno, message } = systemRefusal(failed, why);
  return refusal(code, errno, `${message}. Try again when that file can be written.`);
}
