// The syntax of systemd's files: sections of KEY=VALUE lines, comments by # and ;, continued lines. (config)
import { shown } from '../base/index.js';
import type { FactList, Place, SourceFile } from './facts.js';

export interface UnitEntry {
  readonly key: string;
  readonly value: string;
  readonly place: Place;
  /** What stands behind the value from # or ; on, which such files do not have; the value is without it. */
  readonly comment?: string;
}

/** One `[Section]`; a file may have several of one name. */
export interface UnitSection {
  readonly name: string;
  readonly place: Place;
  readonly entries: readonly UnitEntry[];
}

export interface UnitFile {
  readonly sections: readonly UnitSection[];
  readonly problems: readonly { readonly place: Place; readonly message: string }[];
}

/** Reads one file. As in systemd.syntax(7), comment lines within a continued line are passed over. */
export function parseUnitFile({ path, text }: SourceFile): UnitFile {
  const sections: { name: string; place: Place; entries: UnitEntry[] }[] = [];
  const problems: { place: Place; message: string }[] = [];
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  for (let at = 0; at < lines.length; at++) {
    const place: Place = { file: path, line: at + 1 };
    let whole = (lines[at] ?? '').trim();
    if (whole === '' || /^[#;]/.test(whole)) continue;
    while (whole.endsWith('\\') && at + 1 < lines.length) {
      at += 1;
      const next = (lines[at] ?? '').trim();
      if (/^[#;]/.test(next)) continue;
      whole = `${whole.slice(0, -1).trimEnd()} ${next}`;
    }
    const section = /^\[([^\]]*)\]$/.exec(whole);
    const equals = whole.indexOf('=');
    if (section !== null) {
      sections.push({ name: section[1] ?? '', place, entries: [] });
    } else if (equals < 1) {
      problems.push({ place, message: 'This is neither a [Section] nor KEY=VALUE; the line was left out.' });
    } else {
      const current = sections.at(-1);
      const key = whole.slice(0, equals).trim();
      const entry = { key, ...withoutComment(key, whole.slice(equals + 1).trim()), place };
      if (current === undefined)
        problems.push({ place, message: `${entry.key} stands before the first [Section]; it was left out.` });
      else current.entries.push(entry);
    }
  }
  return { sections, problems };
}

/** Keys whose values are free text. */
const TEXTS: ReadonlySet<string> = new Set(['Description', 'config', 'id', 'psk', 'password']);

function withoutComment(key: string, value: string): { readonly value: string; readonly comment?: string } {
  const at = TEXTS.has(key) ? -1 : value.search(/\s+[#;]/);
  return at < 0 ? { value } : { value: value.slice(0, at), comment: value.slice(at).trim() };
}

/** A sentence for each comment behind a value: `program` takes it for a part of the value. */
export function tellComments(
  list: FactList,
  program: string,
  sections: readonly UnitSection[],
  device?: string,
): void {
  for (const { key, value, comment, place } of sections.flatMap(({ entries }) => entries)) {
    if (comment === undefined) continue;
    const message = `${program} has no comments behind a value: it takes "${shown(comment, 40)}" for a part of ${shown(key)}=, and passes over what it cannot read; ${shown(value)} was taken, as meant.`;
    list.find(place, 'warning', message, device);
  }
}
