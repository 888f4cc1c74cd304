// The commands with their flags and texts as data, for checks of the documents.
import type { Command } from 'commander';
import { buildProgram } from './program.js';
import type { Session } from './process/session.js';

const nothing = (): never => {
  throw new Error('This command line is only looked at.');
};

/** A session that nothing may be done with. */
const IDLE: Session = {
  terminal: {
    out: nothing,
    err: nothing,
    colour: false,
    env: {},
    onSignal: () => nothing,
    outliveReader: nothing,
  },
  machine: { daemon: nothing, lab: nothing, rootless: nothing, missingCapabilities: () => [] },
  runDir: nothing,
  api: nothing,
  exitWith: nothing,
};

/** What `--help` says, by command. */
export function helpTexts(): Map<string, string> {
  const texts = new Map<string, string>();
  const add = (command: Command, name: string): void => {
    let text = '';
    const writeOut = (part: string): void => {
      text += part;
    };
    command.configureOutput({ writeOut }).outputHelp();
    texts.set(name, text);
    for (const child of command.commands) add(child, `${name} ${child.name()}`.trim());
  };
  add(buildProgram(IDLE), '');
  return texts;
}

/** Long flags by command (`lab cut`); the flags of every command are under the empty name. */
export function commandTree(): Map<string, string[]> {
  const tree = new Map<string, string[]>();
  const add = (command: Command, name: string): void => {
    tree.set(
      name,
      command.options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long])),
    );
    for (const child of command.commands) add(child, `${name} ${child.name()}`.trim());
  };
  const program = buildProgram(IDLE);
  add(program, '');
  tree.get('')?.push('--help');
  return tree;
}
