// The syntax of /etc/network/interfaces: stanzas of `iface`, what they inherit, and what is started at boot. (config)
import { shown } from '../base/index.js';
import { FactList, type Place, type SourceFile } from './facts.js';
import { logicalLines } from './logical-lines.js';

/** An option of a stanza. */
export interface Line {
  /** With underscores for dashes. */
  readonly word: string;
  readonly rest: string;
  readonly place: Place;
}

export interface Stanza {
  readonly device: string;
  readonly family: string;
  readonly method: string;
  /** Of `template` instead of `iface` (ifupdown-ng). */
  readonly isTemplate: boolean;
  readonly place: Place;
  /** Its own; see `Inheritance`. */
  readonly lines: Line[];
  readonly inherits: { readonly name: string; readonly place: Place }[];
}

/** A word of `auto` or `allow-hotplug`: a name, or a pattern such as `/eth*`. */
export interface Start {
  readonly device: string;
  readonly place: Place;
}

/** A file, with what could be told of it so far. */
export interface Reading {
  readonly list: FactList;
  readonly stanzas: readonly Stanza[];
  readonly starts: readonly Start[];
  /** `allow-CLASS DEVICE`. */
  readonly allowed: readonly { readonly bond: string; readonly device: string; readonly place: Place }[];
}

/** Options that a stanza may have several times; any other replaces one that is inherited. */
const REPEATED: ReadonlySet<string> = new Set(['up', 'post_up', 'pre_up', 'down', 'post_down', 'pre_down']);

/** More generations than this lead back to themselves. */
const MOST_GENERATIONS = 16;

/** Words of a file that begin something else than an option. */
const OUTSIDE: ReadonlySet<string> = new Set([
  'source',
  'source-directory',
  'no-auto-down',
  'no-scripts',
  'rename',
]);

/** Reads one file, without those that it sources. */
export function readStanzas(file: SourceFile): Reading {
  const list = new FactList(file.path);
  const stanzas: Stanza[] = [];
  const starts: Start[] = [];
  const allowed: { bond: string; device: string; place: Place }[] = [];
  let current: Stanza | null = null;
  let inMapping = false;
  for (const { text, line } of logicalLines(file.text, '#', false)) {
    const place = list.at(line);
    const [word = '', ...words] = text.split(/\s+/);
    const rest = text.slice(word.length).trim();
    const begins = word === 'iface' || word === 'template' || word === 'mapping' || word === 'auto';
    if (begins || word.startsWith('allow-') || OUTSIDE.has(word)) {
      current = null;
      inMapping = word === 'mapping';
    }
    if (word === 'iface' || word === 'template') {
      current = stanzaOf(words, word === 'template', place);
      if (current.device === '')
        list.find(place, 'error', 'iface names no interface; write it as: iface bond0 inet static.');
      else stanzas.push(current);
    } else if (word === 'auto' || word === 'allow-auto' || word === 'allow-hotplug') {
      for (const each of words) starts.push({ device: startOf(list, each, place), place });
    } else if (word.startsWith('allow-')) {
      const bond = word.slice('allow-'.length);
      for (const device of words) allowed.push({ bond, device, place });
    } else if (word === 'mapping') {
      const message =
        'A mapping asks a script for the name, which is not run here; name the interfaces themselves.';
      list.find(place, 'warning', message, words[0]);
    } else if (word === 'rename') {
      for (const each of words) {
        const message = `${shown(each)}: interfaces are not renamed here; give them their names before.`;
        list.find(place, 'warning', message, each.split('=')[0]);
      }
    } else if (OUTSIDE.has(word)) continue;
    else if (current !== null) addLine(current, { word: word.replaceAll('-', '_'), rest, place });
    else if (!inMapping)
      list.find(place, 'warning', `${shown(word)} stands outside of every iface; the line was left out.`);
  }
  return { list, stanzas, starts, allowed };
}

/** `iface NAME [FAMILY METHOD] [inherits OTHER]`. */
function stanzaOf(words: readonly string[], isTemplate: boolean, place: Place): Stanza {
  const at = words.findIndex(word => /^inherits?$/.test(word));
  const names = at < 0 ? [] : new Set(words.slice(at + 1));
  const inherits = Array.from(names, name => ({ name, place }));
  const [device = '', family = '', method = ''] = at < 0 ? words : words.slice(0, at);
  return { device, family, method, isTemplate, place, lines: [], inherits };
}

/** ifupdown-ng names what is inherited in a line of its own. */
function addLine(stanza: Stanza, line: Line): void {
  if (!/^inherits?$/.test(line.word)) stanza.lines.push(line);
  else
    for (const name of line.rest.split(/\s+/))
      if (stanza.inherits.every(other => other.name !== name))
        stanza.inherits.push({ name, place: line.place });
}

/** `auto eth0=home` brings eth0 up as `home` describes it, which nothing here follows. */
function startOf(list: FactList, word: string, place: Place): string {
  const [device = '', logical] = word.split('=');
  if (logical !== undefined) {
    const message = `${shown(word)} takes what is written for ${shown(logical)}, which is not followed here; write it for ${shown(device)}.`;
    list.find(place, 'warning', message);
  }
  return device;
}

/** Options of stanzas, inherited ones first, unless they give them themselves. */
export class Inheritance {
  readonly #byName = new Map<string, Stanza[]>();
  readonly #known = new Map<Stanza, readonly Line[]>();
  readonly #asked = new Set<Stanza>();

  constructor(all: readonly Stanza[]) {
    for (const stanza of all)
      this.#byName.set(stanza.device, [...(this.#byName.get(stanza.device) ?? []), stanza]);
  }

  /**
   * As ifupdown does, `inherits` looks for a stanza of the same family; of tools without families, for any of that name. What cannot
   * be found is told.
   */
  linesOf(stanza: Stanza, tell: (place: Place, message: string) => void = () => {}): readonly Line[] {
    const known = this.#known.get(stanza);
    if (known !== undefined) return known;
    this.#asked.add(stanza);
    const inherited = stanza.inherits.flatMap(({ name }) => {
      const parent = this.#parentOf(stanza, name);
      return parent === undefined || this.#asked.has(parent) ? [] : this.linesOf(parent, tell);
    });
    this.#asked.delete(stanza);
    const own = new Set(stanza.lines.map(({ word }) => word));
    const seen = new Set<Line>();
    const lines = [
      ...inherited.filter(({ word }) => REPEATED.has(word) || !own.has(word)),
      ...stanza.lines,
    ].filter(line => !seen.has(line) && seen.add(line));
    // What is inherited by way of a stanza that inherits from itself is not the whole of it.
    if (this.#asked.size === 0) this.#known.set(stanza, lines);
    return lines;
  }

  /** Tells of what a stanza, or one that it inherits from, looks for in vain. */
  tellLost(stanza: Stanza, tell: (place: Place, message: string) => void, way: readonly Stanza[] = []): void {
    for (const { name, place } of stanza.inherits) {
      const parent = this.#parentOf(stanza, name);
      if (parent === undefined)
        tell(place, `No iface ${shown(name)} is there to inherit from; its options are missing.`);
      else if (parent === stanza || way.includes(parent))
        tell(place, `${shown(name)} inherits from itself; its options are missing.`);
      else if (way.length < MOST_GENERATIONS) this.tellLost(parent, tell, [...way, stanza]);
    }
  }

  #parentOf({ family }: Stanza, name: string): Stanza | undefined {
    const named = this.#byName.get(name) ?? [];
    return named.find(other => other.family === family) ?? named[0];
  }
}
