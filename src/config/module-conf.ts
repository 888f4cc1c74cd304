// Reads modules.conf, conf.modules, modprobe.conf and files of modprobe.d: which bonds there are, and what the module gets
// for each (H01, H03). (config)
import { shown } from '../base/index.js';
import { FactList, type Fact, type Place, type SourceFile } from './facts.js';
import { baseName, inOrder, tellOverridden } from './folder-order.js';
import { assignment, commandsOf, logicalLines, splitWords } from './logical-lines.js';
import { readCommands } from './shell-commands.js';
import { findLoops, type Reference } from './module-loops.js';

/** Directives of modules.conf(5) and modprobe.d(5) that say nothing of bonds. */
const SILENT: ReadonlySet<string> = new Set([
  'above',
  'below',
  'config',
  'define',
  'depfile',
  'dmap',
  'else',
  'elseif',
  'endif',
  'generic_stringfile',
  'if',
  'include',
  'insmod_opt',
  'keep',
  'path',
  'pcimapfile',
  'persistdir',
  'prune',
  'softdep',
  'usbmapfile',
  'weakdep',
]);

/** Names of cards, as against those of their drivers, which stand in the same lines. */
const INTERFACE_NAME = /^(?:eth|em|en|ib|p\d+p|usb|veth|wl|wlan)[a-z0-9]*\d[a-z0-9]*$/;

/** Module names are the same with dashes and underscores. */
function moduleName(text: string): string {
  return text.replaceAll('-', '_');
}

function isBonding(text: string): boolean {
  return moduleName(text) === 'bonding';
}

/** A line that is understood only when all files are read. */
interface Later {
  readonly name: string;
  readonly words: readonly string[];
  readonly place: Place;
}

interface Reader {
  /** Of all files; places name their own. */
  readonly list: FactList;
  /** Names that stand for the bonding module, and other names of instances (`-o`). */
  readonly bonds: Set<string>;
  readonly references: Reference[];
  /** Bonds that have options of their own so far. */
  readonly withOptions: Set<string>;
  /** `options NAME …`: an alias may follow, also in another file. */
  readonly options: Later[];
  /** `install NAME …` and its like. */
  readonly commands: (Later & { readonly directive: string })[];
  /** `remove NAME …` and its like. */
  readonly removals: Later[];
  /** Parameters of modprobe in commands: they come after those of `options` lines, so they count. */
  readonly parameters: (Later & { readonly bond: string | null })[];
  readonly orders: Later[];
}

/** Of modprobe.d, where files of one name stand over each other. */
function isOfFolder({ path }: SourceFile): boolean {
  return path.split('/').at(-2) === 'modprobe.d';
}

/** The facts of all files, which modprobe reads as one. */
export function readModuleConf(given: readonly SourceFile[]): Fact[] {
  const { files: ofFolder, overridden } = inOrder(given.filter(isOfFolder), baseName);
  const files = [...given.filter(file => !isOfFolder(file)), ...ofFolder];
  const list = new FactList(files[0]?.path ?? '');
  const reader: Reader = {
    list,
    bonds: new Set(),
    references: [],
    withOptions: new Set(),
    options: [],
    commands: [],
    removals: [],
    parameters: [],
    orders: [],
  };
  tellOverridden(list, overridden);
  for (const { path, text } of files) {
    for (const { text: line, line: number } of logicalLines(text)) {
      const [directive = '', ...words] = splitWords(withoutComment(line));
      readLine(reader, directive, words, { file: path, line: number });
    }
  }
  for (const command of reader.commands) readCommand(reader, command);
  for (const { name, place } of reader.removals) {
    if (!isBonding(name) && !reader.bonds.has(name)) continue;
    list.find(place, 'note', 'What is done when the module is removed has no counterpart; it was left out.');
  }
  for (const { name, words, place } of reader.options) readOptions(reader, name, words, place);
  for (const { bond, words, place } of reader.parameters) readParameters(reader, bond, words, place);
  for (const { name, words: items, place } of reader.orders) {
    if (!reader.bonds.has(name) && !items.some(isBonding)) continue;
    if (!reader.bonds.has(name)) list.say(place, { kind: 'bond', bond: name });
    const interfaces = items.filter(item => INTERFACE_NAME.test(item) && item !== name);
    if (interfaces.length > 0) list.say(place, { kind: 'order', bond: name, interfaces });
  }
  for (const loop of findLoops(reader.references)) {
    const way = loop.names.map(name => shown(name)).join(' → ');
    const message = `This is an endless recursion: ${way}. modprobe would never come to an end; take ${shown(loop.names.at(-1) ?? '')} out of this line.`;
    list.find(loop.place, 'error', message);
  }
  return list.facts;
}

/** A comment after a directive, which modprobe does not know but people write. */
function withoutComment(line: string): string {
  return line.replace(/\s#.*$/, '');
}

function readLine(reader: Reader, directive: string, words: readonly string[], place: Place): void {
  const { list, references, orders } = reader;
  const [name = '', ...rest] = words;
  switch (directive) {
    case 'alias': {
      const [target = ''] = rest;
      if (target === '') {
        list.find(place, 'warning', 'alias needs a name and what it stands for; the line was left out.');
        return;
      }
      references.push({ from: name, to: [target], place });
      if (isBonding(target)) {
        // By netdev-NAME the kernel asks for the module of an interface that it lacks.
        const bond = name.replace(/^netdev-/, '');
        if (/[*?[]/.test(bond)) {
          const message = `${shown(name)} stands for many names, which says of no bond that it is one; name each ("alias bond0 bonding").`;
          list.find(place, 'warning', message);
          return;
        }
        reader.bonds.add(bond);
        list.say(place, { kind: 'bond', bond });
      }
      return;
    }
    case 'options':
      reader.options.push({ name, words: rest, place });
      return;
    case 'probe':
    case 'probeall':
      references.push({ from: name, to: rest, place });
      orders.push({ name, words: rest, place });
      return;
    case 'install':
    case 'pre-install':
    case 'post-install':
      reader.commands.push({ directive, name, words: rest, place });
      return;
    case 'remove':
    case 'pre-remove':
    case 'post-remove':
      reader.removals.push({ name, words: rest, place });
      return;
    case 'blacklist':
      if (isBonding(name))
        list.find(place, 'note', 'The module is not loaded by itself; Bondwire needs none.');
      return;
    default:
      if (!SILENT.has(directive)) {
        list.find(
          place,
          'warning',
          `${shown(directive)} is no directive of modprobe; the line was left out.`,
        );
      }
  }
}

/** `options NAME [-o INSTANCE] [PARAMETER=VALUE …]`. */
function readOptions(reader: Reader, name: string, words: readonly string[], place: Place): void {
  const { list, bonds } = reader;
  if (!isBonding(name) && !bonds.has(name)) {
    const looksLikeOne = /^bond\d*$/.test(name) && words.some(word => assignment(word) !== null);
    if (!looksLikeOne) return;
    bonds.add(name);
    list.say(place, { kind: 'bond', bond: name });
    list.find(
      place,
      'warning',
      `No alias makes ${name} a bond ("alias ${name} bonding"); it was taken for one.`,
    );
  }
  if (!isBonding(name)) {
    const instance = words.some(word => word === '--name' || word.startsWith('-o'));
    const first = reader.withOptions.size === 0 || reader.withOptions.has(name);
    reader.withOptions.add(name);
    if (!first && !instance) {
      const message = `Without "-o NAME" modprobe loads the module once, and ${name} would get the options of the first bond; here it gets its own.`;
      list.find(place, 'warning', message);
    }
  }
  readParameters(reader, isBonding(name) ? null : name, words, place);
}

function readParameters({ list }: Reader, bond: string | null, words: readonly string[], place: Place): void {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '-o' || word === '--name') {
      at += 1;
      continue;
    }
    if (/^-o./.test(word) || isBonding(word)) continue;
    const pair = assignment(word);
    if (pair === null) {
      list.find(place, 'warning', `${shown(word)} is not PARAMETER=VALUE; it was left out.`);
      continue;
    }
    list.say(place, { kind: 'parameter', bond, name: moduleName(pair.name), value: pair.value });
  }
}

/** `install NAME COMMAND`: modprobe calls in it load other modules first, or the bonding module with parameters. */
function readCommand(
  reader: Reader,
  { directive, name, words: all, place }: Reader['commands'][number],
): void {
  const command = all.join(' ');
  const { list, references, bonds } = reader;
  const about = isBonding(name) || bonds.has(name) || /\bbonding\b/.test(command);
  const loaded: string[] = [];
  for (const part of commandsOf(command)) {
    const words = splitWords(part);
    const program = words[0]?.split('/').at(-1);
    if (program === 'true' || program === ':' || program === undefined) continue;
    if (program !== 'modprobe' && program !== 'insmod') {
      if (about) readCommands(list, name, part, place, isBonding(name) ? null : name);
      continue;
    }
    const modules = modulesOf(words.slice(1));
    const ignores = words.some(word => word === '--ignore-install' || word === '-i');
    const others = modules.names.filter(module => !(ignores && moduleName(module) === moduleName(name)));
    loaded.push(...others);
    if (!modules.names.some(isBonding)) continue;
    if (!isBonding(name)) {
      if (!bonds.has(name)) list.say(place, { kind: 'bond', bond: name });
      bonds.add(name);
    }
    const bond = isBonding(name) ? null : name;
    reader.parameters.push({ name, bond, words: modules.parameters, place });
  }
  // Before or after itself a module may well be named: only `install` stands in its place.
  if (directive === 'install') references.push({ from: name, to: loaded, place });
  if (bonds.has(name)) reader.orders.push({ name, words: loaded, place });
}

/** Modules of a modprobe command (all of them after -a, else one) and the parameters behind. */
function modulesOf(words: readonly string[]): { readonly names: string[]; readonly parameters: string[] } {
  const names: string[] = [];
  const parameters: string[] = [];
  const all = words.some(word => word === '-a' || word === '--all');
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '-o' || word === '--name') {
      at += 1;
      continue;
    }
    if (/^[<>&|]/.test(word) || /^\d?>/.test(word) || word.startsWith('$') || word.startsWith('-')) continue;
    if (assignment(word) !== null) parameters.push(word);
    else if (all || names.length === 0) names.push(word);
  }
  return { names, parameters };
}
