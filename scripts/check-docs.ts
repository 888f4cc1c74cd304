// Checks what the documents list against the code, both ways: commands, flags, options, addresses of the API, error codes,
// event types, links, npm scripts. Part of `npm run check`; run from the folder of the project.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { commandTree } from '#cli';
import { ADDRESSES } from '#daemon-parsers';
import { optionsPage } from './options-page.js';
import { roomProblems } from './room-pages.js';

const problems: string[] = [];

function read(path: string): string {
  return readFileSync(path, 'utf8');
}

/** All matches of the first group. */
function found(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), match => match[1] ?? '');
}

/** Both lists must hold the same. */
function compare(what: string, code: readonly string[], docs: readonly string[]): void {
  for (const name of code)
    if (!docs.includes(name)) problems.push(`${what}: ${name} is not in the documents`);
  for (const name of docs)
    if (!code.includes(name)) problems.push(`${what}: ${name} is in the documents only`);
}

const pages = [
  ...readdirSync('.').filter(name => name.endsWith('.md')),
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => join('docs', name)),
  ...readdirSync('src')
    .map(room => join('src', room, 'README.md'))
    .filter(path => existsSync(path)),
];

/** Sections of docs/cli.md by command: the flags that begin a list item there. */
function documentedCommands(): Map<string, string[]> {
  const commands = new Map<string, string[]>();
  for (const part of read('docs/cli.md').split(/^#{2,3} /m)) {
    const name =
      /^`bondwire ([a-z ]+)`/.exec(part)?.[1] ?? (part.startsWith('Global flags') ? '' : undefined);
    if (name === undefined) continue;
    const items = found(part, /^- `(-[^`]*)`/gm);
    commands.set(
      name,
      items.flatMap(item => found(item, /(--[a-z-]+)/g)),
    );
  }
  return commands;
}

function checkCommands(): void {
  const docs = documentedCommands();
  const code = commandTree();
  compare('commands', [...code.keys()], [...docs.keys()]);
  for (const [name, flags] of code) compare(`flags of bondwire ${name}`, flags, docs.get(name) ?? []);
}

/** Command lines in the documents call commands and flags that exist. */
function checkExamples(): void {
  const code = commandTree();
  const everywhere = code.get('') ?? [];
  for (const page of pages) {
    const blocks = found(read(page), /^```[a-z]*\n(.*?)^```/gms).join('\n');
    for (const line of found(blocks, /^(?:\$ )?(?:sudo )?(?:\.\/bin\/)?bondwire ([^|#\n]*)/gm)) {
      const words = line.split(/\s+/);
      const pair = words.slice(0, 2).join(' ');
      const name = code.has(pair) ? pair : (words[0] ?? '');
      const flags = code.get(name.startsWith('-') ? '' : name);
      if (flags === undefined) problems.push(`${page}: there is no command "bondwire ${name}"`);
      for (const flag of found(line, /(?<=\s|^)(--[a-z-]+)/g)) {
        if (flags?.includes(flag) === true || everywhere.includes(flag)) continue;
        problems.push(`${page}: bondwire ${name} has no ${flag}`);
      }
    }
  }
}

function checkApi(): void {
  const page = read('docs/control-api.md');
  const server = read('src/daemon/api/server.ts');
  const listed = Object.values(ADDRESSES).map(({ method, path }) => `${method} ${path}`);
  compare('addresses of the API', listed, found(page, /^### `([A-Z]+ \/v1[^`?]*)/gm));
  const union = /readonly code:\n(.*?);/s.exec(read('src/base/refusal.ts'))?.[1] ?? '';
  const own = found(server, /sendError\(response, \d+, \{ code: '([a-z-]+)'/g);
  compare('error codes', [...found(union, /'([a-z-]+)'/g), ...own], found(page, /^\| `([a-z-]+)` \|/gm));
  const types = /readonly type:\n(.*?);/s.exec(read('src/policy/contract.ts'))?.[1] ?? '';
  compare('event types', found(types, /'([a-z-]+)'/g), found(read('docs/events.md'), /^\| `([a-z-]+)` \|/gm));
}

/** The anchor that a heading gets. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}

function checkLinks(): void {
  for (const page of pages) {
    for (const target of found(read(page), /\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page : join(dirname(page), file);
      if (!existsSync(path)) problems.push(`${page}: the link ${target} leads nowhere`);
      else if (
        anchor !== undefined &&
        !found(read(path), /^#+ (.*)$/gm)
          .map(anchorOf)
          .includes(anchor)
      ) {
        problems.push(`${page}: there is no heading for the link ${target}`);
      }
    }
  }
}

function checkScripts(): void {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const page of pages) {
    const text = read(page);
    const named = [...found(text, /npm run ([a-z:-]+)/g), ...found(text, /npm (start|test)\b/g)];
    for (const name of named)
      if (!(name in scripts)) problems.push(`${page}: there is no npm script "${name}"`);
  }
}

/** The table of rooms says what each room's tsconfig.json lets it import. */
function checkRooms(): void {
  const rows = Array.from(
    read('ARCHITECTURE.md').matchAll(/^\| `src\/([a-z]+)` \| [^|]+ \|([^|]*)\|/gm),
    ([, room = '', imports = '']) =>
      `${room}: ${imports
        .split(',')
        .map(each => each.trim())
        .filter(each => /^[a-z]+$/.test(each))
        .toSorted()
        .join(', ')}`,
  );
  const rooms = readdirSync('src')
    .filter(room => existsSync(join('src', room, 'tsconfig.json')))
    .map(room => {
      const imports = found(read(join('src', room, 'tsconfig.json')), /"path": "\.\.\/([a-z]+)"/g);
      return `${room}: ${imports.toSorted().join(', ')}`;
    });
  compare('rooms', rooms, rows);
}

/** What a merge left undone. */
function checkConflicts(): void {
  for (const page of pages)
    if (/^(?:<{7} |={7}$|>{7} )/m.test(read(page))) problems.push(`${page}: a conflict is not resolved`);
}

checkConflicts();
checkRooms();
checkCommands();
checkExamples();
checkApi();
checkLinks();
checkScripts();
problems.push(
  ...roomProblems(
    pages
      .filter(page => !page.startsWith('docs/') || page.startsWith('docs/decisions/'))
      .filter(page => page !== 'CHANGELOG.md' && page !== 'README.md'),
  ),
);
if (read('docs/options.md') !== optionsPage())
  problems.push('docs/options.md is out of date: run "npm run docs"');
for (const problem of problems) console.error(problem);
console.log(`Documents: ${pages.length} pages checked, ${problems.length} problems.`);
process.exitCode = problems.length === 0 ? 0 : 1;
