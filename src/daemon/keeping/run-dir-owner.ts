// Whose a run directory is: what lies in it tells a daemon of root's what to do with interfaces.
import { lstatSync, statSync } from 'node:fs';
import { advice, plain } from '../../base/index.js';

const GROUP_OR_OTHERS_MAY_WRITE = 0o022;
const ROOT = 0;

/** Throws a sentence when somebody else owns the run directory, or may write to it. One that is not there is nobody's. */
export function checkRunDirOwner(runDir: string): void {
  const entry = lstatSync(runDir, { throwIfNoEntry: false });
  // A link of somebody's own may point elsewhere the next time.
  const found =
    entry?.isSymbolicLink() === true ? [entry, statSync(runDir, { throwIfNoEntry: false })] : [entry];
  const refused = `The run directory ${plain(runDir)} was refused`;
  const why = 'and what lies in it says what is done to interfaces';
  for (const one of found) {
    if (one !== undefined && one.uid !== ROOT && one.uid !== process.geteuid?.()) {
      throw new Error(
        `${refused}: it belongs to user ${one.uid}, ${why}; name another one with --run-dir, or remove it.`,
      );
    }
  }
  const directory = found.at(-1);
  if (directory?.isDirectory() === true && (directory.mode & GROUP_OR_OTHERS_MAY_WRITE) !== 0) {
    const mode = (directory.mode & 0o7777).toString(8);
    throw new Error(
      `${refused}: others may write to it (mode ${mode}), ${why}; name another one with --run-dir, or take that right from them: '${advice('chmod go-w {runDir}', { runDir })}'.`,
    );
  }
}
