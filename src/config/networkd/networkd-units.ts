// Which files make which unit of systemd-networkd: names decide the order, folders what stands over what, drop-ins add. (config)
import { type Fact, FactList, type Place, type SourceFile } from '../facts.js';
import { baseName, inOrder, isInKnownFolder, tellOverridden } from '../folder-order.js';
import { parseUnitFile, type UnitEntry, type UnitSection } from '../unit-file.js';

/** A .netdev or .network file with its drop-ins. */
export interface Unit {
  readonly name: string;
  readonly list: FactList;
  readonly sections: readonly UnitSection[];
  readonly place: Place;
}

/** What makes two files the same: the name, and for drop-ins their folder's. */
function keyOf(path: string): string {
  const folder = path.split('/').at(-2) ?? '';
  return isDropIn(path) ? `${folder}/${baseName(path)}` : baseName(path);
}

function isDropIn(path: string): boolean {
  return /\.(?:netdev|network)\.d\/[^/]+$/.test(path);
}

/** Units in the order in which networkd looks at them, and what is to be told of the files. */
export function unitsOf(files: readonly SourceFile[]): {
  readonly units: readonly Unit[];
  readonly facts: readonly Fact[];
} {
  const { files: kept, overridden } = inOrder(files, keyOf);
  const about = new FactList('');
  tellOverridden(about, overridden);
  const names = new Set(kept.map(({ path }) => unitOf(path)));
  const units: Unit[] = [];
  for (const name of names) {
    const main = kept.filter(({ path }) => !isDropIn(path) && unitOf(path) === name);
    const dropIns = kept.filter(({ path }) => isDropIn(path) && unitOf(path) === name);
    const masked = main.find(({ text }) => text.trim() === '');
    if (masked !== undefined)
      about.find(
        { file: masked.path, line: 1 },
        'note',
        `This file is empty: there is no ${baseName(name)}.`,
      );
    for (const { path } of main.length === 0 ? dropIns : []) {
      const message = `There is no ${baseName(name)} that this could add to; it was left out.`;
      about.find({ file: path, line: 1 }, 'warning', message);
    }
    if (masked !== undefined || main.length === 0) continue;
    const all = [...main, ...dropIns];
    const list = new FactList(all[0]?.path ?? '');
    const sections = all.flatMap(file => {
      const parsed = parseUnitFile(file);
      for (const { place, message } of parsed.problems) list.find(place, 'warning', message);
      return parsed.sections;
    });
    units.push({ name: baseName(name), list, sections, place: sections[0]?.place ?? list.at(1) });
  }
  return { units: units.toSorted((a, b) => (a.name < b.name ? -1 : 1)), facts: about.facts };
}

/** The unit that a file makes, or that a drop-in adds to; of folders that networkd does not have, with the folder. */
function unitOf(path: string): string {
  const parts = path.split('/');
  const unit = isDropIn(path) ? [...parts.slice(0, -2), (parts.at(-2) ?? '').slice(0, -'.d'.length)] : parts;
  return isInKnownFolder(path) ? (unit.at(-1) ?? '') : unit.join('/');
}

/** All lines of the sections of one name, whichever file they stand in. */
export function entriesIn(sections: readonly UnitSection[], name: string): UnitEntry[] {
  return sections.filter(section => section.name === name).flatMap(section => section.entries);
}

/** The line of a key that counts. */
export function lastOf(list: readonly UnitEntry[], key: string): UnitEntry | undefined {
  return list.findLast(entry => entry.key === key);
}

/** Lines of a key that may be given several times; an empty one begins anew. */
export function listed(list: readonly UnitEntry[], key: string): UnitEntry[] {
  const given = list.filter(entry => entry.key === key);
  return given.slice(given.findLastIndex(({ value }) => value === '') + 1);
}

export function isYes(value: string): boolean {
  return /^(?:1|yes|y|true|t|on)$/i.test(value);
}

export function isNo(value: string): boolean {
  return /^(?:0|no|n|false|f|off)$/i.test(value);
}
