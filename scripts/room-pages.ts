// Checks that the pages for those who carry on lead somewhere: every room has a README that says what it may import, and every
// file that a README, ARCHITECTURE.md, CONTRIBUTING.md or a decision names is there.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Folders directly below src that are rooms: they have a tsconfig.json. */
function rooms(): string[] {
  return readdirSync('src').filter(room => existsSync(join('src', room, 'tsconfig.json')));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(path => statSync(path).isFile());
}

/** `a{b,c}d` as its two words; a `*` stays. */
function spelledOut(name: string): string[] {
  const [whole, words] = /\{([^}]*)\}/.exec(name) ?? [];
  if (whole === undefined || words === undefined) return [name];
  return words.split(',').flatMap(word => spelledOut(name.replace(whole, word)));
}

function matches(path: string, name: string): boolean {
  if (!name.includes('*')) return path === name || path.endsWith(`/${name}`);
  const pattern = name
    .replaceAll(/[.+?^$()|[\]\\]/g, '\\$&')
    .replaceAll('**', '\0')
    .replaceAll('*', '[^/]*')
    .replaceAll('\0', '.*');
  return new RegExp(`(?:^|/)${pattern}$`).test(path);
}

/**
 * Names in backticks that look like files or folders of ours and are not there. A name in the README of a room is looked for in
 * that room first, and then, as in other pages, anywhere in the project.
 */
function lostNames(page: string, text: string, files: readonly string[]): string[] {
  const named = Array.from(text.matchAll(/`([a-z0-9*{},./_-]+(?:\.ts|\/))`/g), ([, name = '']) => name);
  return named.flatMap(spelledOut).filter(name => {
    if (name.startsWith('/')) return false;
    const bare = name.replace(/^\.\//, '').replace(/\/$/, '');
    if (name.endsWith('/'))
      return ![bare, join(dirname(page), bare), join('src', bare)].some(path => existsSync(path));
    return !files.some(path => matches(path, bare));
  });
}

/** What is wrong, one sentence each. `pages`: those that speak of files. */
export function roomProblems(pages: readonly string[]): string[] {
  const problems: string[] = [];
  const files = ['src', 'test', 'scripts', 'bench'].flatMap(filesBelow);
  for (const room of rooms()) {
    const page = join('src', room, 'README.md');
    if (!existsSync(page)) {
      problems.push(`src/${room} has no README.md`);
      continue;
    }
    const said = /^- \*\*May import:\*\* ([^.;]*)/m.exec(readFileSync(page, 'utf8'))?.[1];
    const { references = [] } = JSON.parse(readFileSync(join('src', room, 'tsconfig.json'), 'utf8')) as {
      references?: { path: string }[];
    };
    const allowed = references.map(({ path }) => basename(path)).join(', ') || 'nothing';
    if (said !== allowed)
      problems.push(`${page}: it says "May import: ${said ?? ''}", its tsconfig.json ${allowed}`);
  }
  for (const page of pages)
    for (const name of lostNames(page, readFileSync(page, 'utf8'), files))
      problems.push(`${page}: there is no file ${name}`);
  return problems;
}
