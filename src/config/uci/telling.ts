// What became of each option of a UCI file: an option of which nobody spoke is told at the end, so that none is lost. (config)
import { equalValues, plain, shown } from '../../base/index.js';
import type { Finding, Level, Place } from '../facts.js';
import type { UciOption, UciSection, UciValue } from './uci-file.js';

export class Telling {
  readonly findings: Finding[] = [];
  readonly #told = new Set<UciOption>();

  /** Of the same said twice, one is told. */
  tell(level: Level, place: Place, message: string): void {
    const finding: Finding = { level, place, message: plain(message) };
    if (!this.findings.some(each => equalValues(each, finding))) this.findings.push(finding);
  }

  /** Tells something that is about these options, at the first that is given, or, where none is, at the section. */
  about(section: UciSection, names: readonly string[], level: Level, message: string): void {
    const given = this.mark(section, names);
    this.tell(level, given[0]?.values[0]?.place ?? section.place, message);
  }

  /** The same, only where one of the options is given; the message gets those as `interval 10, down 5`. */
  ofGiven(
    section: UciSection,
    names: readonly string[],
    level: Level,
    message: (given: string) => string,
  ): void {
    const given = this.mark(section, names);
    if (given.length > 0) this.about(section, names, level, message(given.map(textOf).join(', ')));
  }

  /** These options are spoken of by a finding of somebody else. */
  mark(section: UciSection, names: readonly string[]): readonly UciOption[] {
    const given = section.options.filter(({ name }) => names.includes(name));
    for (const option of given) this.#told.add(option);
    return given.toSorted((a, b) => (a.values[0]?.place.line ?? 0) - (b.values[0]?.place.line ?? 0));
  }

  /** The whole section is spoken of. */
  markAll(section: UciSection): void {
    for (const option of section.options) this.#told.add(option);
  }

  /** Tells of the options that nobody spoke of. */
  rest(section: UciSection): void {
    for (const option of section.options) {
      if (this.#told.has(option)) continue;
      const place = option.values[0]?.place ?? section.place;
      this.tell(
        'warning',
        place,
        `${textOf(option)} is no option of a section ${shown(section.type)} that is known here; it was left out.`,
      );
    }
  }
}

/** `interval 10`. */
function textOf({ name, values }: UciOption): string {
  return `${shown(name)} ${values.map(({ text }) => shown(text)).join(' ')}`;
}

/** The value of an option; undefined where it is not given. Of a list, the first. */
export function valueOf(section: UciSection, name: string): string | undefined {
  return section.options.find(option => option.name === name)?.values[0]?.text;
}

/** All values of a list; an option is a list of its words. */
export function valuesOf(section: UciSection, name: string): readonly UciValue[] {
  const option = section.options.find(each => each.name === name);
  return (option?.values ?? []).flatMap(({ text, place }) =>
    text
      .split(/\s+/)
      .filter(word => word !== '')
      .map(word => ({ text: word, place })),
  );
}

/** A switch, with the words of OpenWrt's config_get_bool. */
export function isOn(section: UciSection, name: string): boolean {
  return ['1', 'on', 'true', 'yes', 'enabled'].includes(valueOf(section, name) ?? '');
}

/** A whole number; what is none is told, and the default counts. */
export function numberOf(telling: Telling, section: UciSection, name: string, standard: number): number {
  const text = valueOf(section, name);
  if (text === undefined) return standard;
  if (/^\d{1,7}$/.test(text)) return Number(text);
  telling.about(
    section,
    [name],
    'warning',
    `${name} ${shown(text)} is no whole number; ${standard} was taken, mwan3's default.`,
  );
  return standard;
}
