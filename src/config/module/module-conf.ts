// Reads modules.conf, conf.modules, modprobe.conf and files of modprobe.d: which bonds there are, and what the module gets
// for each (H01, H03). (config)
import { shown } from '../../base/index.js';
import { FactList, type Fact, type Place, type SourceFile } from '../facts.js';
import { baseName, inOrder, tellOverridden } from '../folder-order.js';
import { assignment, commandsOf, logicalLines, splitWords } from '../shell/logical-lines.js';
import { readCommands } from '../shell/shell-commands.js';
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

/** An `options` line, with the comment behind it and lines that are the rest of it. */
interface Options extends Later {
  readonly comment: string;
  readonly rest: { readonly words: readonly string[]; readonly place: Place }[];
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
  readonly options: Options[];
  /** The `options` line directly above. */
  above: Options | null;
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
export function readModuleConf(all: readonly SourceFile[]): Fact[] {
  const given = all.filter(({ path }) => !isModuleList(path));
  const { files: ofFolder, overridden } = inOrder(given.filter(isOfFolder), baseName);
  const files = [...given.filter(file => !isOfFolder(file)), ...ofFolder];
  const list = new FactList(files[0]?.path ?? '');
  const reader: Reader = {
    list,
    bonds: new Set(),
    references: [],
    withOptions: new Set(),
    options: [],
    above: null,
    commands: [],
    removals: [],
    parameters: [],
    orders: [],
  };
  tellOverridden(list, overridden);
  for (const { path } of ofFolder) {
    if (path.endsWith('.conf')) continue;
    const message =
      "Today's modprobe reads files of this folder whose names end in .conf; one of old reads this too, so it was read.";
    list.find({ file: path, line: 1 }, 'warning', message);
  }
  for (const { path, text } of files) {
    for (const { text: line, line: number } of logicalLines(text)) {
      const { text: said, comment } = withoutComment(line);
      const [directive = '', ...words] = splitWords(said);
      readLine(reader, directive, words, { place: { file: path, line: number }, comment });
    }
    reader.above = null;
  }
  for (const command of reader.commands) readCommand(reader, command);
  for (const { name, place } of reader.removals) {
    if (!isBonding(name) && !reader.bonds.has(name)) continue;
    list.find(place, 'note', 'What is done when the module is removed has no counterpart; it was left out.');
  }
  const isLoadedAgain = reader.options.some(({ name, words }) => !isBonding(name) && hasInstance(words));
  for (const line of reader.options) readOptions(reader, line, isLoadedAgain);
  for (const { bond, words, place } of reader.parameters) readParameters(reader, { bond }, words, place);
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
  return [...all.filter(({ path }) => isModuleList(path)).flatMap(readModuleList), ...list.facts];
}

/** A line without a comment after the directive, which modprobe does not know but people write. */
function withoutComment(line: string): { readonly text: string; readonly comment: string } {
  const at = line.search(/\s#/);
  return at < 0 ? { text: line, comment: '' } : { text: line.slice(0, at), comment: line.slice(at).trim() };
}

/** `-o NAME`: the module is loaded once more, under that name. */
function hasInstance(words: readonly string[]): boolean {
  return words.some(word => word === '--name' || word.startsWith('-o'));
}

function readLine(
  reader: Reader,
  directive: string,
  words: readonly string[],
  { place, comment }: { readonly place: Place; readonly comment: string },
): void {
  const { list, references, orders, above } = reader;
  const [name = '', ...rest] = words;
  if (above !== null && [directive, ...words].every(word => assignment(word) !== null)) {
    above.rest.push({ words: [directive, ...words], place });
    return;
  }
  reader.above = null;
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
      reader.above = { name, words: rest, place, comment, rest: [] };
      reader.options.push(reader.above);
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
function readOptions(
  reader: Reader,
  { name, words, place, comment, rest }: Options,
  isLoadedAgain: boolean,
): void {
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
  if (comment !== '') {
    const message = `modprobe has no comments behind a value: "${shown(comment, 40)}" goes to the module, which passes over it; it was left out.`;
    list.find(place, 'warning', message);
  }
  let isOfLoad = false;
  if (!isBonding(name)) {
    const first = reader.withOptions.size === 0 || reader.withOptions.has(name);
    reader.withOptions.add(name);
    isOfLoad = first && !isLoadedAgain;
    if (!first && !hasInstance(words)) {
      const message = `Without "-o NAME" modprobe loads the module once, and ${name} would get the options of the first bond; here it gets its own.`;
      list.find(place, 'warning', message);
    }
  }
  const bond = isBonding(name) ? null : name;
  readParameters(reader, { bond, isOfLoad }, words, place);
  for (const line of rest) {
    const message = `This is the rest of line ${place.line}, which modprobe takes for a line of its own and passes over; it was taken as one line. End line ${place.line} with a backslash, or join the two.`;
    list.find(line.place, 'warning', message);
    readParameters(reader, { bond, isOfLoad }, line.words, line.place);
  }
}

function readParameters(
  { list }: Pick<Reader, 'list'>,
  { bond, isOfLoad = false }: { readonly bond: string | null; readonly isOfLoad?: boolean },
  words: readonly string[],
  place: Place,
): void {
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
    const more = isOfLoad ? { isOfLoad } : {};
    list.say(place, { kind: 'parameter', bond, name: moduleName(pair.name), value: pair.value, ...more });
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

/** The facts of /etc/modules, a module a line, with its parameters; of modules-load.d, where nothing may stand behind the name. */
function readModuleList({ path, text }: SourceFile): Fact[] {
  const list = new FactList(path);
  for (const { text: line, line: number } of logicalLines(text, '#;')) {
    const [name = '', ...words] = splitWords(withoutComment(line).text);
    const place = list.at(number);
    if (!isBonding(name)) continue;
    list.find(place, 'note', 'The module is loaded at boot; Bondwire needs none.');
    if (words.length === 0) continue;
    const said = shown(words.join(' '), 80);
    const isOld = isModuleList(path) && !path.includes('modules-load.d/');
    const message = isOld
      ? `${said} goes to the module by the boot scripts of old alone: systemd takes the whole line for a name. It was taken.`
      : `${said} goes nowhere: systemd takes the whole line for the name of a module. It was left out.`;
    list.find(place, 'warning', message);
    if (isOld) readParameters({ list }, { bond: null }, words, place);
  }
  return list.facts;
}

/** True for /etc/modules and files of modules-load.d. */
export function isModuleList(path: string): boolean {
  return /(?:^|\/)modules-load\.d\/[^/]+\.conf$|(?:^|\/)etc\/modules$|^modules$/.test(path);
}
