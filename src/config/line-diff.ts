// Changes of files line by line, as a unified diff that patch(1) takes. (config)

/** A line of the old file with what takes its place: nothing, itself, another, or several. */
export interface LineChange {
  readonly old: string | null;
  readonly now: readonly string[];
}

const CONTEXT = 3;

/** The lines of a text, the last without its end. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

const NO_END = '\\ No newline at end of file';

/** The text that comes of changes. */
export function changedText(changes: readonly LineChange[]): string {
  return changes.flatMap(({ now }) => now.map(line => `${line}\n`)).join('');
}

/** One file's part of a diff; empty where nothing changes. `path` is relative to the root of the file system. */
export function fileDiff(
  path: string,
  changes: readonly LineChange[],
  {
    kind = 'changed',
    hasNoEnd = false,
  }: {
    readonly kind?: 'added' | 'changed' | 'removed';
    /** The last line of the old file is not ended. */
    readonly hasNoEnd?: boolean;
  } = {},
): string {
  const lastOld = hasNoEnd ? changes.findLastIndex(({ old }) => old !== null) : -1;
  const isChange = ({ old, now }: LineChange): boolean => old === null || now.length !== 1 || now[0] !== old;
  // Of an unended last line that others follow, the end changes.
  const marked = changes.map(
    (change, at) =>
      isChange(change) || (at === lastOld && at < changes.length - 1 && changes.slice(at + 1).some(isChange)),
  );
  if (!marked.includes(true)) return '';
  const shownLines = marked.map((_, at) =>
    marked.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).includes(true),
  );
  // A name with white space in it is read up to a tab.
  const end = /\s/.test(path) ? '\t' : '';
  const out = [
    kind === 'added' ? '--- /dev/null' : `--- a/${path}${end}`,
    kind === 'removed' ? '+++ /dev/null' : `+++ b/${path}${end}`,
  ];
  let [oldLine, newLine] = [1, 1];
  for (let at = 0; at < changes.length; ) {
    const end = shownLines[at] === true ? endOf(shownLines, at) : at + 1;
    const hunk = changes.slice(at, end);
    const oldCount = hunk.filter(({ old }) => old !== null).length;
    const newCount = hunk.reduce((sum, { now }) => sum + now.length, 0);
    if (shownLines[at] === true) {
      const [from, to] = [oldCount === 0 ? oldLine - 1 : oldLine, newCount === 0 ? newLine - 1 : newLine];
      out.push(`@@ -${from},${oldCount} +${to},${newCount} @@`);
      for (const [nth, change] of hunk.entries()) {
        const isUnended = at + nth === lastOld;
        const end = isUnended ? [NO_END] : [];
        if (marked[at + nth] !== true) out.push(` ${change.old ?? ''}`, ...end);
        else {
          if (change.old !== null) out.push(`-${change.old}`, ...end);
          out.push(...change.now.map(line => `+${line}`));
        }
      }
    }
    oldLine += oldCount;
    newLine += newCount;
    at = end;
  }
  return `${out.join('\n')}\n`;
}

function endOf(shownLines: readonly boolean[], from: number): number {
  const end = shownLines.indexOf(false, from);
  return end < 0 ? shownLines.length : end;
}
