// commander's usage errors as one sentence that says what is wrong, the nearest name, and where to read on.
import type { Command, CommanderError } from 'commander';
import { own } from '../../base/index.js';
import { usageFailure } from './failure.js';
import { COMMAND_HABITS, MEMBER_HABITS, SERVICE_HABITS } from './habits.js';
import { advice, plain } from '../printing/plain.js';

/** `bondwire create`, as it is typed. */
function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function helpOf(command: Command): string {
  return advice('{command} --help', { command: fullName(command).split(' ') });
}

/** The failure to throw for an error of commander's; help and version asked for come back as they are. */
export function usageError(command: Command, error: CommanderError): Error {
  if (error.exitCode === 0) return error;
  if (error.code === 'commander.help') return usageFailure(`a command is missing; see '${helpOf(command)}'.`);
  const { what, suggestion } = split(error.message);
  const subject = command.parent === null ? '' : `${fullName(command).replace(/^bondwire /, '')}: `;
  const hint = habit(command, what) ?? suggestion ?? dashedOption(command, what) ?? misplaced(command, what);
  const nearest = hint === undefined ? '' : `; did you mean ${hint}?`;
  const usage =
    error.code === 'commander.missingArgument' || error.code === 'commander.excessArguments'
      ? `usage: ${fullName(command)} ${command.usage()}`
      : `see '${helpOf(command)}'`;
  return usageFailure(
    plain(
      `${subject}${what}${nearest === '' ? '; ' : `${nearest} `}${usage}${usage.endsWith('.') ? '' : '.'}`,
    ),
  );
}

/** "error: unknown command 'shw'\n(Did you mean show?)" in its parts. */
function split(message: string): { what: string; suggestion: string | undefined } {
  const [first = '', ...others] = message.split('\n');
  const suggestion = /^\(Did you mean (?:one of )?(.*)\?\)$/.exec(others.join(' '))?.[1];
  const what = first
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .replace(
      /^too many arguments for '.*'\. Expected (\d+).* but got (\d+)$/,
      'too many words ($2 where $1 is the most)',
    )
    .replace(/ argument missing$/, ' needs a value')
    .replace(/^option '(.*)' needs a value$/, "option '$1' needs a value");
  return {
    what,
    suggestion: suggestion
      ?.split(', ')
      .map(name => `'${name}'`)
      .join(' or '),
  };
}

/** A command of another program's. */
function habit(command: Command, what: string): string | undefined {
  const word = /^unknown command '(.*)'$/.exec(what)?.[1];
  if (word === undefined || command.parent !== null) return undefined;
  const [, ...rest] = command.args.filter(each => !each.startsWith('-'));
  return habitOf(word, rest.length > 1 && rest.every(each => !each.includes('=')));
}

/** The command that this word of another program's stands for, with what else was typed behind it: a bond, or interfaces too. */
export function habitOf(word: string, hasInterfaces: boolean): string | undefined {
  const name = word.toLowerCase();
  const ofMembers = hasInterfaces ? own(MEMBER_HABITS, name) : undefined;
  const meant = ofMembers ?? own(COMMAND_HABITS, name);
  if (meant !== undefined) return `'${advice('bondwire {words}', { words: [] })} ${meant}'`;
  return own(SERVICE_HABITS, name);
}

/** A bond where a flag has to be before it, and the other way round; `json` as other programs have it. */
function misplaced(command: Command, what: string): string | undefined {
  const usage = command.usage();
  const name = fullName(command);
  const [word] = command.args;
  if (what.startsWith('too many words') && usage.includes('--bond BOND') && word !== undefined)
    return `'${advice('bondwire events --bond {bond}', { bond: word })}'`;
  const flag = /^unknown option '(--?[a-z]+)/.exec(what)?.[1];
  if (flag === '--bond' && /^\[?BOND/.test(usage)) return `'${name} BOND'`;
  if (flag !== undefined && /^(?:--format|--output|-o|-j)$/.test(flag) && usage.includes('--json'))
    return `'${name} --json'`;
  return undefined;
}

/** `--miimon=100` was meant as `miimon=100`, where a command takes such words. */
function dashedOption(command: Command, what: string): string | undefined {
  if (!command.usage().includes('OPTION=VALUE')) return undefined;
  const found = /^unknown option '--?([a-z_]{3,})(=.*)?'$/.exec(what);
  return found === null ? undefined : `'${found[1]}${found[2] ?? '=VALUE'}' without dashes`;
}
