// Shell scripts that make bonds by commands, such as rc.local: the lines that name bonds or members, and nothing else. (config)
import { type Fact, FactList, type SourceFile } from '../facts.js';
import { logicalLines } from './logical-lines.js';
import { readCommands } from './shell-commands.js';

/** Lines that are about bonds. */
const ABOUT = /\bifenslave\b|\btype bond\b|\bbonding\b|\bbond\d+\b|\bbonding_masters\b/;
/** Words that begin what a shell does, not a command. */
const CONTROL =
  /^(?:(?:if|then|else|elif|fi|for|while|do|done|case|esac|function|return|exit)\b|\w+\s*\(\)|\w+=)/;

/** The facts of one script. */
export function readScript({ path, text }: SourceFile): Fact[] {
  const list = new FactList(path);
  for (const { text: line, line: number } of logicalLines(text)) {
    if (!ABOUT.test(line)) continue;
    const place = list.at(number);
    if (CONTROL.test(line))
      list.find(
        place,
        'warning',
        'Conditions and variables of a shell are not followed here; the line was left out.',
      );
    else readCommands(list, '', line, place, null);
  }
  return list.facts;
}
