// The names of all commands, for those who look for one among the words of a command line.

export const COMMAND_NAMES: readonly string[] = [
  'demo',
  'rootless',
  'run',
  'simulate',
  'doctor',
  'daemon',
  'snmp',
  'create',
  'destroy',
  'enslave',
  'release',
  'set',
  'import',
  'check',
  'apply',
  'show',
  'events',
  'options',
  'lab',
  'help',
];
