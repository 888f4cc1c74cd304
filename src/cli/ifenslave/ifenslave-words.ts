// The command line of the classic ifenslave: bundled letters, long names that may be cut short, words in any order, as
// getopt_long reads them.

const LETTERS = {
  a: 'all-interfaces',
  c: 'change-active',
  d: 'detach',
  f: 'force',
  h: 'help',
  u: 'usage',
  v: 'verbose',
  V: 'version',
} as const;

export type Letter = keyof typeof LETTERS;

export interface IfenslaveWords {
  /** What was asked for; at most one besides `verbose`. */
  readonly action: Exclude<Letter, 'v' | 'f'> | 'enslave';
  readonly verbose: boolean;
  readonly names: readonly string[];
}

function isLetter(char: string): char is Letter {
  return Object.hasOwn(LETTERS, char);
}

/** The letter of a long option, which may be cut short as long as only one begins so. */
function letterOf(name: string): Letter | undefined {
  const fitting = Object.entries(LETTERS).filter(([, long]) => long.startsWith(name));
  const exact = fitting.find(([, long]) => long === name);
  const [found] = exact ?? (fitting.length === 1 ? (fitting[0] ?? []) : []);
  return found !== undefined && isLetter(found) ? found : undefined;
}

/** The words as they are meant, or what is wrong with them; the usage goes with it. */
export function readWords(words: readonly string[]): IfenslaveWords | { readonly wrong: string } {
  const letters: Letter[] = [];
  const names: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      names.push(...words.slice(at + 1));
      break;
    }
    if (word.startsWith('--')) {
      const letter = letterOf(word.slice(2));
      if (letter === undefined) return { wrong: `unrecognized option '${word}'` };
      letters.push(letter);
    } else if (word.startsWith('-') && word !== '-') {
      for (const char of word.slice(1)) {
        if (!isLetter(char)) return { wrong: `invalid option -- '${char}'` };
        letters.push(char);
      }
    } else names.push(word);
  }
  const exclusive = letters.filter((letter): letter is Exclude<Letter, 'v'> => letter !== 'v');
  const [action = 'f'] = exclusive;
  if (exclusive.length > 1)
    return { wrong: `only one of ${exclusive.map(letter => `-${letter}`).join(', ')} can be done at a time` };
  return {
    action: action === 'f' ? 'enslave' : action,
    verbose: letters.includes('v'),
    names,
  };
}
