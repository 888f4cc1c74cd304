// YAML and JSON as a tree of maps, lists and texts, each with the place where it stands. All scalars stay text: what is a
// number or a switch is for the reader of the format to say, not for a guess of the parser. (config)
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { shown } from '../../base/index.js';
import type { FactList, Place } from '../facts.js';

export type Tree =
  | { readonly kind: 'text'; readonly text: string; readonly place: Place }
  | { readonly kind: 'list'; readonly items: readonly Tree[]; readonly place: Place }
  | { readonly kind: 'map'; readonly entries: readonly Entry[]; readonly place: Place };

export interface Entry {
  readonly key: string;
  readonly place: Place;
  readonly value: Tree;
}

export interface ParsedTree {
  /** Null for an empty document, and for one that cannot be read. */
  readonly tree: Tree | null;
  readonly problems: readonly { readonly place: Place; readonly message: string }[];
}

/** Deeper nesting, and more nodes (aliases count each time), is no configuration. */
const DEEPEST = 32;
const MOST_NODES = 20_000;
/** Before the parser of YAML is asked, which runs out of memory by many more. */
const MOST_NESTED = 200;

/** Reads one document (JSON is YAML too). `shift` moves places, for documents inside of other files. */
export function parseTree(file: string, text: string, shift?: Place): ParsedTree {
  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    if (shift !== undefined) return shift;
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const language = /^\s*\{/.test(text) ? 'JSON' : 'YAML';
  if (nesting(text) > MOST_NESTED) {
    const message = 'It is nested too deeply to be a configuration of bonds.';
    return { tree: null, problems: [{ place: placeAt(0), message }] };
  }
  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      schema: 'failsafe',
      lineCounter: lines,
      uniqueKeys: false,
      // Below it, what stands behind a second "---" would be dropped.
      logLevel: 'error',
    });
  } catch (error) {
    const message = `It cannot be read as ${language}: ${firstSentence(error)}.`;
    return { tree: null, problems: [{ place: placeAt(0), message }] };
  }
  const problems = document.errors.map(error => ({
    place: placeAt(error.pos[0]),
    message:
      error.code === 'MULTIPLE_DOCS'
        ? 'Behind "---" a second document begins, which nothing would read; write it into a file of its own.'
        : `It cannot be read as ${language}: ${firstSentence(error)}.`,
  }));
  if (document.contents === null || problems.length > 0) return { tree: null, problems };
  const builder = new Builder(document, placeAt);
  const tree = builder.build(document.contents, 0);
  return {
    tree: builder.problem === null ? tree : null,
    problems: builder.problem === null ? [] : [builder.problem],
  };
}

/** How deep brackets go; those in texts count too, of which no configuration has as many. */
function nesting(text: string): number {
  let depth = 0;
  let most = 0;
  for (const char of text) {
    if (char === '[' || char === '{') depth += 1;
    else if (char === ']' || char === '}') depth = Math.max(0, depth - 1);
    most = Math.max(most, depth);
  }
  return most;
}

function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return shown(
    (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '').replace(/[.:]$/, ''),
    160,
  );
}

class Builder {
  problem: { readonly place: Place; readonly message: string } | null = null;
  #nodes = 0;
  readonly #document: Document.Parsed;
  readonly #placeAt: (offset: number) => Place;

  constructor(document: Document.Parsed, placeAt: (offset: number) => Place) {
    this.#document = document;
    this.#placeAt = placeAt;
  }

  build(node: unknown, depth: number): Tree {
    const place = this.#placeOf(node);
    this.#nodes += 1;
    if (depth > DEEPEST || this.#nodes > MOST_NODES) {
      this.problem ??= {
        place,
        message: 'It is nested too deeply, or too large, to be a configuration of bonds.',
      };
      return { kind: 'text', text: '', place };
    }
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target !== undefined) return this.build(target, depth + 1);
      this.problem ??= {
        place,
        message: `The alias *${shown(node.source)} stands for nothing: there is no &${shown(node.source)} before it.`,
      };
      return { kind: 'text', text: '', place };
    }
    if (isMap(node)) {
      const entries = node.items.map(({ key, value }) => ({
        key: textOf(key),
        place: this.#placeOf(key),
        value: this.build(value, depth + 1),
      }));
      return { kind: 'map', entries, place };
    }
    if (isSeq(node))
      return { kind: 'list', items: node.items.map(item => this.build(item, depth + 1)), place };
    return { kind: 'text', text: textOf(node), place };
  }

  #placeOf(node: unknown): Place {
    const range = (node as Node | null | undefined)?.range;
    return this.#placeAt(range?.[0] ?? 0);
  }
}

/** Text of a scalar; the failsafe schema has no other values. Keys that are maps or lists have none. */
function textOf(node: unknown): string {
  if (typeof node === 'string') return node;
  return isScalar(node) && typeof node.value === 'string' ? node.value : '';
}

/** The value of a key, the last of them where it is given twice. */
export function child(tree: Tree | null | undefined, key: string): Tree | null {
  if (tree?.kind !== 'map') return null;
  return tree.entries.findLast(entry => entry.key === key)?.value ?? null;
}

/** Entries of a map; none of anything else. */
export function entriesOf(tree: Tree | null | undefined): readonly Entry[] {
  return tree?.kind === 'map' ? tree.entries : [];
}

/** A text, or a list of texts, as texts with their places; what is neither is left out. */
export function textsOf(tree: Tree | null | undefined): readonly (Tree & { readonly kind: 'text' })[] {
  if (tree === null || tree === undefined) return [];
  const items = tree.kind === 'list' ? tree.items : [tree];
  return items.filter(item => item.kind === 'text');
}

/** The text of a scalar; null of everything else. */
export function text(tree: Tree | null | undefined): string | null {
  return tree?.kind === 'text' ? tree.text : null;
}

/** `true`, `yes` and `on`, as YAML 1.1 and JSON write it. */
export function isTrue(tree: Tree | null | undefined): boolean {
  return /^(?:true|yes|on|y|1)$/i.test(text(tree) ?? '');
}

/**
 * Two trees as one: maps get the keys of both, lists one after the other without repeats, and of anything else the later one counts, of
 * which `replaced` is told.
 */
export function merged(first: Tree, later: Tree, replaced: (first: Tree, later: Tree) => void): Tree {
  if (first.kind === 'list' && later.kind === 'list') {
    const isNew = (item: Tree): boolean =>
      !first.items.some(other => other.kind === 'text' && item.kind === 'text' && other.text === item.text);
    return { ...first, items: [...first.items, ...later.items.filter(isNew)] };
  }
  if (first.kind !== 'map' || later.kind !== 'map') {
    if (first.kind !== later.kind || text(first) !== text(later)) replaced(first, later);
    return isNothing(later) ? first : later;
  }
  const entries = first.entries.map(entry => {
    const other = later.entries.findLast(({ key }) => key === entry.key);
    return other === undefined ? entry : { ...other, value: merged(entry.value, other.value, replaced) };
  });
  const more = later.entries.filter(({ key }) => first.entries.every(entry => entry.key !== key));
  return { ...first, entries: [...entries, ...more] };
}

/** A key without a value. */
export function isNothing(tree: Tree): boolean {
  return tree.kind === 'text' && /^(?:|~|null)$/i.test(tree.text);
}

/** A tree in which each key of a map stands once: what is given again was added to it, as `merged()` does. */
export function unified(tree: Tree, replaced: (first: Tree, later: Tree) => void): Tree {
  if (tree.kind === 'list') return { ...tree, items: tree.items.map(item => unified(item, replaced)) };
  if (tree.kind !== 'map') return tree;
  const entries = new Map<string, Entry>();
  for (const { key, place, value } of tree.entries) {
    const one = unified(value, replaced);
    const before = entries.get(key);
    if (before === undefined) entries.set(key, { key, place, value: one });
    else entries.set(key, { ...before, value: merged(before.value, one, replaced) });
  }
  return { ...tree, entries: Array.from(entries.values()) };
}

/** Reads a file into its tree and tells what is wrong with it. */
export function treeOf(list: FactList, file: string, content: string, shift?: Place): Tree | null {
  const { tree, problems } = parseTree(file, content, shift);
  for (const { place, message } of problems) list.find(place, 'error', message);
  return tree;
}
