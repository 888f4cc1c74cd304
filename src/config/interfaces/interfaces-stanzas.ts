// The syntax of /etc/network/interfaces: stanzas of `iface`, what they inherit, and what is started at boot. (config)
import { shown } from '../../base/index.js';
import { FactList, type Place, type SourceFile } from '../facts.js';
import { logicalLines } from '../shell/logical-lines.js';

/** An option of a stanza. */
export interface Line {
  /** With underscores for dashes. */
  readonly word: string;
  readonly rest: string;
  readonly place: Place;
  /** What stands behind the value from # on, which ifupdown takes for a part of it. */
  readonly comment: string;
}

export interface Stanza {
  /** As it is written: `bond0:1` and names that only a mapping gives are no interfaces. */
  readonly name: string;
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
  /** `eth0=home`: as the stanza `home` describes it. */
  readonly logical: string | null;
  readonly place: Place;
}

/** `mapping eth0`: a script says which stanza is for it. */
export interface Mapping {
  readonly devices: readonly string[];
  /** Names that its `map` lines give. */
  readonly names: string[];
  readonly place: Place;
}

/** A file, with what could be told of it so far. */
export interface Reading {
  readonly list: FactList;
  readonly stanzas: readonly Stanza[];
  readonly starts: readonly Start[];
  readonly mappings: readonly Mapping[];
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
  const mappings: Mapping[] = [];
  let current: Stanza | null = null;
  let mapping: Mapping | null = null;
  for (const { text, line } of logicalLines(file.text, '#', false)) {
    const place = list.at(line);
    const { value, comment } = withoutComment(text);
    const [word = '', ...words] = value.split(/\s+/);
    const rest = (COMMANDS.test(word) ? text : value).slice(word.length).trim();
    const begins = word === 'iface' || word === 'template' || word === 'mapping' || word === 'auto';
    if (begins || word.startsWith('allow-') || OUTSIDE.has(word)) {
      current = null;
      mapping = null;
      if (comment !== '' && words.length > 0)
        list.find(place, 'warning', commentBehind(comment, 'words of the line'), words[0]);
    }
    if (word === 'iface' || word === 'template') {
      current = stanzaOf(words, word === 'template', place);
      if (current.device === '')
        list.find(place, 'error', 'iface names no interface; write it as: iface bond0 inet static.');
      else stanzas.push(current);
    } else if (word === 'auto' || word === 'allow-auto' || word === 'allow-hotplug') {
      for (const each of words) {
        const [device = '', logical = null] = each.split('=');
        starts.push({ device, logical, place });
      }
    } else if (word.startsWith('allow-')) {
      const bond = word.slice('allow-'.length);
      for (const device of words) allowed.push({ bond, device, place });
    } else if (word === 'mapping') {
      mapping = { devices: words, names: [], place };
      mappings.push(mapping);
    } else if (word === 'rename') {
      for (const each of words) {
        const message = `${shown(each)}: interfaces are not renamed here; give them their names before.`;
        list.find(place, 'warning', message, each.split('=')[0]);
      }
    } else if (OUTSIDE.has(word)) continue;
    else if (current !== null)
      addLine(current, {
        word: word.replaceAll('-', '_'),
        rest,
        place,
        comment: COMMANDS.test(word) ? '' : comment,
      });
    else if (mapping !== null) {
      const name = words.at(-1);
      if (word === 'map' && name !== undefined) mapping.names.push(name);
    } else
      list.find(place, 'warning', `${shown(word)} stands outside of every iface; the line was left out.`);
  }
  return { list, stanzas, starts, mappings, allowed };
}

/** Options whose values a shell gets, which has comments. */
const COMMANDS = /^(?:pre-|post-)?(?:up|down)$/;

/** A line without what stands behind its value from # on. */
function withoutComment(text: string): { readonly value: string; readonly comment: string } {
  const at = text.search(/\s#/);
  return at < 0
    ? { value: text, comment: '' }
    : { value: text.slice(0, at).trimEnd(), comment: text.slice(at + 1) };
}

/** A sentence about a comment where none may stand. */
export function commentBehind(comment: string, what: string): string {
  return `ifupdown has no comments behind a value, and takes "${shown(comment, 40)}" for ${what}; that was left out.`;
}

/** `iface NAME [FAMILY METHOD] [inherits OTHER]`. */
function stanzaOf(words: readonly string[], isTemplate: boolean, place: Place): Stanza {
  const at = words.findIndex(word => /^inherits?$/.test(word));
  const names = at < 0 ? [] : new Set(words.slice(at + 1));
  const inherits = Array.from(names, name => ({ name, place }));
  const [name = '', family = '', method = ''] = at < 0 ? words : words.slice(0, at);
  // bond0:1 is bond0, with a label for its addresses.
  return { name, device: name.replace(/:.*$/, ''), family, method, isTemplate, place, lines: [], inherits };
}

/** ifupdown-ng names what is inherited in a line of its own. */
function addLine(stanza: Stanza, line: Line): void {
  if (!/^inherits?$/.test(line.word)) stanza.lines.push(line);
  else
    for (const name of line.rest.split(/\s+/))
      if (stanza.inherits.every(other => other.name !== name))
        stanza.inherits.push({ name, place: line.place });
}

/** Options of stanzas, inherited ones first, unless they give them themselves. */
export class Inheritance {
  readonly #byName = new Map<string, Stanza[]>();
  readonly #known = new Map<Stanza, readonly Line[]>();
  readonly #asked = new Set<Stanza>();

  constructor(all: readonly Stanza[]) {
    for (const stanza of all)
      this.#byName.set(stanza.name, [...(this.#byName.get(stanza.name) ?? []), stanza]);
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
