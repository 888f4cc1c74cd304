// Which test files run where: told by the opening comment of each file, by its text, and by the support files that it imports. The
// configuration of vitest asks.
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Programs that tests start, and the Debian package that brings each. */
const PACKAGES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ip: 'iproute2',
    tc: 'iproute2',
    bridge: 'iproute2',
    ss: 'iproute2',
    ping: 'iputils-ping',
    sysctl: 'procps',
    tcpdump: 'tcpdump',
    ethtool: 'ethtool',
    nft: 'nftables',
    patch: 'patch',
    git: 'git',
    iperf3: 'iperf3',
    strace: 'strace',
    snmpwalk: 'snmp',
    'prometheus-node-exporter': 'prometheus-node-exporter',
  }),
);

/** A file whose programs are not all there. */
export interface LackingFile {
  readonly file: string;
  readonly programs: readonly string[];
}

/** The test files of one run. */
export interface TestFiles {
  /** As many at once as there are processors. */
  readonly pure: readonly string[];
  /** On real interfaces. */
  readonly real: readonly string[];
  /** Left to `npm run test:all`. */
  readonly long: readonly string[];
  /** Left out: they need root, and this is somebody else. */
  readonly needRoot: readonly string[];
  /** Left out: programs are missing. */
  readonly lacking: readonly LackingFile[];
}

/** Where the tests run. */
export interface Machine {
  readonly isRoot: boolean;
  readonly hasProgram: (name: string) => boolean;
  /** The text of a file, or undefined. */
  readonly read: (file: string) => string | undefined;
}

/** The comment that a text opens with, in one line. */
function openingComment(text: string): string {
  const [comment = ''] = /^(?:\/\/.*\n)*/.exec(text) ?? [];
  return comment.replaceAll('\n//', '');
}

/** Programs that a comment names in a sentence that begins with "needs": "Needs root, ip and ping." */
function programsNeeded(comment: string): string[] {
  const sentences = Array.from(comment.matchAll(/\bneeds ([^.;:]*)/gi), match => match[1] ?? '');
  return sentences.flatMap(sentence => sentence.split(/[\s,`]+/)).filter(word => PACKAGES.has(word));
}

/** Programs that a text names in quotes as the first word of a command, but for those that it asks `hasProgram` for. */
function programsStarted(text: string): string[] {
  return Array.from(PACKAGES.keys()).filter(
    program =>
      !text.includes(`hasProgram('${program}')`) &&
      new RegExp(String.raw`(?:\[|exec\('\w+', \[|run\('\w+', |spawn\(|Sync\()\s*'${program}'`).test(text),
  );
}

/** Files under test/ that a file imports, and those that they import. */
function imports(file: string, text: string, machine: Machine, known: Set<string>): string[] {
  const direct = Array.from(text.matchAll(/\bfrom '(\.[^']+)\.js'/g), match =>
    join(dirname(file), `${match[1]}.ts`),
  ).filter(name => name.startsWith('test/') && !known.has(name));
  for (const name of direct) known.add(name);
  return direct.concat(direct.flatMap(name => imports(name, machine.read(name) ?? '', machine, known)));
}

/** Sorts test files; paths are relative to the top of the repository. */
export function sortTestFiles(files: readonly string[], machine: Machine): TestFiles {
  const sorted = {
    pure: [] as string[],
    real: [] as string[],
    long: [] as string[],
    needRoot: [] as string[],
    lacking: [] as LackingFile[],
  };
  for (const file of files) {
    const text = machine.read(file) ?? '';
    const comment = openingComment(text);
    const needsRoot = /\bneeds root\b/i.test(comment);
    const texts = [text, ...imports(file, text, machine, new Set()).map(name => machine.read(name) ?? '')];
    const wanted = texts.flatMap(each => programsNeeded(openingComment(each)).concat(programsStarted(each)));
    const programs = Array.from(new Set(wanted)).filter(program => !machine.hasProgram(program));
    if (needsRoot && !machine.isRoot) sorted.needRoot.push(file);
    else if (programs.length > 0) sorted.lacking.push({ file, programs });
    else if (comment.includes('test:all')) sorted.long.push(file);
    else (needsRoot ? sorted.real : sorted.pure).push(file);
  }
  return sorted;
}

/** What is left out, and what brings it in; empty where nothing is. */
export function leftOutText({ needRoot, lacking }: TestFiles): string {
  const lines: string[] = [];
  if (needRoot.length > 0) {
    lines.push(
      `You are not root: ${needRoot.length} test files that need root are left out (${needRoot.join(', ')}).`,
    );
  }
  if (lacking.length > 0) {
    const named = lacking.map(({ file, programs }) => `${file} (${programs.join(', ')})`);
    lines.push(`Programs are missing: ${lacking.length} test files are left out: ${named.join(', ')}.`);
    lines.push(`This brings them: ${aptLine(lacking.flatMap(({ programs }) => programs))}`);
  }
  return lines.join('\n');
}

/** True when a program is in the search path. */
export function isOnPath(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * The same for a part of a file that needs a program that the rest does without; says how to get it where it is missing, and
 * with CI=true throws.
 */
export function hasProgram(name: string): boolean {
  if (isOnPath(name)) return true;
  const text = `Tests with ${name} are left out. This brings it: ${aptLine([name])}`;
  if (process.env['CI'] === 'true') throw new Error(text);
  console.log(text);
  return false;
}

/** The command that installs these programs on Debian. */
export function aptLine(programs: readonly string[]): string {
  const packages = Array.from(new Set(programs.map(program => PACKAGES.get(program) ?? program)));
  return `apt-get install -y --no-install-recommends ${packages.toSorted().join(' ')}`;
}
