// The syntax of UCI, OpenWrt's configuration: sections by `config TYPE 'NAME'`, values by `option` and `list`. (config)
import { shown } from '../../base/index.js';
import type { Finding, Place, SourceFile } from '../facts.js';

export interface UciValue {
  readonly text: string;
  readonly place: Place;
}

/** All that a section says of one name. */
export interface UciOption {
  readonly name: string;
  /** True when `list` gave it. */
  readonly isList: boolean;
  /** Of an option, the one that counts. */
  readonly values: readonly UciValue[];
}

export interface UciSection {
  readonly type: string;
  /** Null: it is anonymous. */
  readonly name: string | null;
  readonly place: Place;
  readonly options: readonly UciOption[];
}

export interface UciFile {
  readonly sections: readonly UciSection[];
  readonly findings: readonly Finding[];
}

/** Letters, digits and underscores, as uci has it for names of sections and options. */
const NAME = /^\w+$/;
/** Printable and without blanks, as uci has it for types. */
const TYPE = /^[\x21-\x7e]+$/;
const BOM_OR_BLANK = /[\s\uFEFF]/;

interface Word {
  readonly text: string;
  readonly column: number;
}

/** True for the text of mwan3's file, whatever its name. */
export function isMwan3(text: string): boolean {
  return (
    /^\s*config\s+['"]?(?:interface|member|policy|rule)\b/m.test(text) &&
    /^\s*(?:option|list)\s+['"]?(?:use_member|use_policy|track_ip|track_method|last_resort|mmx_mask)\b/m.test(
      text,
    )
  );
}

/** True for OpenWrt's /etc/config/network, whatever its name. */
export function isUciNetwork({ path, text }: SourceFile): boolean {
  return (
    !isMwan3(text) &&
    !/(?:^|\/)mwan3$/.test(path) &&
    /^\s*config\s+['"]?(?:interface|device)\b/m.test(text) &&
    /^\s*(?:option|list)\s+['"]?(?:proto|ifname|device|ports)\b/m.test(text)
  );
}

/** Reads one file. What uci would refuse is an error, at its line and column, and is left out. */
export function parseUci({ path, text }: SourceFile): UciFile {
  const reading = new Reading(path);
  for (const [at, line] of text.split('\n').entries()) reading.line(line.replace(/\r$/, ''), at + 1);
  return { sections: reading.sections, findings: reading.findings };
}

interface OpenSection extends UciSection {
  readonly options: { name: string; isList: boolean; values: UciValue[] }[];
}

/** Reads line by line. */
class Reading {
  readonly sections: OpenSection[] = [];
  readonly findings: Finding[] = [];
  readonly #file: string;
  /** Null: what follows has no section, or one that was refused. */
  #open: OpenSection | null = null;
  #isRefused = false;

  constructor(file: string) {
    this.#file = file;
  }

  line(text: string, line: number): void {
    const words = this.#words(text, line);
    const [keyword, ...rest] = words ?? [];
    if (keyword === undefined) return;
    const place = this.#at(line, keyword.column);
    if (keyword.text === 'config') this.#section(rest, place);
    else if (keyword.text === 'option' || keyword.text === 'list') this.#value(keyword, rest, place);
    else if (keyword.text !== 'package')
      this.#refuse(
        place,
        `"${shown(keyword.text)}" begins no line of UCI; lines begin with config, option, list or package.`,
      );
  }

  #at(line: number, column: number): Place {
    return { file: this.#file, line, column };
  }

  #refuse(place: Place, message: string): void {
    this.findings.push({ level: 'error', place, message });
  }

  #section(rest: readonly Word[], place: Place): void {
    this.#open = null;
    this.#isRefused = true;
    const [type, name, more] = rest;
    if (type === undefined || !TYPE.test(type.text))
      return this.#refuse(place, "config needs a type, such as config interface 'wan'.");
    if (name !== undefined && name.text !== '' && !NAME.test(name.text))
      return this.#refuse(
        { ...place, column: name.column },
        `"${shown(name.text)}" cannot name a section of UCI, which refuses the file: use letters, digits and "_".`,
      );
    if (more !== undefined) return this.#tooMuch(more, place);
    this.#isRefused = false;
    const wanted = name === undefined || name.text === '' ? null : name.text;
    const before = this.sections.find(each => each.name === wanted && wanted !== null);
    if (before !== undefined && before.type !== type.text)
      this.findings.push({
        level: 'warning',
        place,
        message: `${shown(wanted ?? '')} is a section of the type ${shown(before.type)} in line ${before.place.line}, and of the type ${shown(type.text)} here; uci makes one section of both, so rename one. Both were taken.`,
      });
    // A section that is opened again goes on.
    if (before?.type === type.text) {
      this.#open = before;
      return;
    }
    this.#open = { type: type.text, name: wanted, place, options: [] };
    this.sections.push(this.#open);
  }

  #value(keyword: Word, rest: readonly Word[], place: Place): void {
    const [name, value, more] = rest;
    if (name === undefined || !NAME.test(name.text))
      return this.#refuse(
        name === undefined ? place : { ...place, column: name.column },
        `${keyword.text} needs a name of letters, digits and "_", and a value, such as ${keyword.text} family 'ipv4'.`,
      );
    if (value === undefined) return this.#refuse(place, `${keyword.text} ${shown(name.text)} has no value.`);
    if (more !== undefined) return this.#tooMuch(more, place);
    if (this.#open === null) {
      if (!this.#isRefused)
        this.#refuse(place, `${keyword.text} ${shown(name.text)} stands before the first config line.`);
      return;
    }
    this.#add(keyword.text === 'list', name.text, { text: value.text, place });
  }

  #add(isList: boolean, name: string, value: UciValue): void {
    const options = this.#open?.options ?? [];
    const before = options.find(each => each.name === name);
    if (before === undefined) {
      options.push({ name, isList, values: [value] });
      return;
    }
    if (isList && before.isList) {
      before.values.push(value);
      return;
    }
    const [old] = before.values;
    if (old !== undefined && old.text !== value.text)
      this.findings.push({
        level: 'warning',
        place: old.place,
        message: `${shown(name)} ${shown(old.text)} is given again in line ${value.place.line}, as ${shown(value.text)}; the last counts.`,
      });
    before.isList = isList;
    before.values.splice(0, before.values.length, value);
  }

  #tooMuch(word: Word, place: Place): void {
    this.#refuse(
      { ...place, column: word.column },
      `"${shown(word.text)}" stands behind what the line may have; put a value with blanks into quotes.`,
    );
  }

  /** Words as a shell has them: in quotes of both kinds, with backslashes, up to a #. Null for a line that cannot be read. */
  #words(text: string, line: number): readonly Word[] | null {
    const words: Word[] = [];
    let at = 0;
    while (at < text.length) {
      if (BOM_OR_BLANK.test(text.charAt(at))) at++;
      else if (text.charAt(at) === '#') return words;
      else {
        const word = wordAt(text, at);
        if (word.open !== null) {
          this.#refuse(
            this.#at(line, word.open + 1),
            `The quote ${text.charAt(word.open)} is not closed in this line, which was left out.`,
          );
          return null;
        }
        words.push({ text: word.text, column: at + 1 });
        at = word.end;
      }
    }
    return words;
  }
}

interface ReadWord {
  readonly text: string;
  readonly end: number;
  /** Where a quote begins that has no end. */
  readonly open: number | null;
}

/** One word from a place on, of parts with and without quotes. */
function wordAt(line: string, start: number): ReadWord {
  let text = '';
  let at = start;
  let quote: { readonly mark: string; readonly at: number } | null = null;
  for (; at < line.length; at++) {
    const char = line.charAt(at);
    if (quote === null && BOM_OR_BLANK.test(char)) break;
    if (char === '\\' && quote?.mark !== "'" && at + 1 < line.length) {
      at++;
      text += line.charAt(at);
    } else if (quote !== null && char === quote.mark) quote = null;
    else if (quote === null && (char === "'" || char === '"')) quote = { mark: char, at };
    else text += char;
  }
  return { text, end: at, open: quote?.at ?? null };
}
