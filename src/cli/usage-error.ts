// commander's usage errors as one sentence that says what is wrong, the nearest name, and where to read on.
import type { Command, CommanderError } from 'commander';
import { own } from '../base/index.js';
import { usageFailure } from './failure.js';
import { COMMAND_HABITS } from './habits.js';
import { advice, plain } from './plain.js';

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
  const hint = habit(command, what) ?? suggestion ?? dashedOption(command, what);
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
  const meant =
    word === undefined || command.parent !== null ? undefined : own(COMMAND_HABITS, word.toLowerCase());
  return meant === undefined ? undefined : `'${advice('bondwire {words}', { words: [] })} ${meant}'`;
}

/** `--miimon=100` was meant as `miimon=100`, where a command takes such words. */
function dashedOption(command: Command, what: string): string | undefined {
  if (!command.usage().includes('OPTION=VALUE')) return undefined;
  const found = /^unknown option '--?([a-z_]{3,})(=.*)?'$/.exec(what);
  return found === null ? undefined : `'${found[1]}${found[2] ?? '=VALUE'}' without dashes`;
}
