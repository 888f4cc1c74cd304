// Commands as people know them from elsewhere (ip, nmcli, brctl, virsh, git), and the ones that do it here.
import { advice } from '../printing/plain.js';

/** What to say for a word that is no command: the command line that does what is meant, its words in capitals to be filled in. */
export const COMMAND_HABITS: Readonly<Record<string, string>> = {
  delete: 'destroy BOND',
  del: 'destroy BOND',
  rm: 'destroy BOND',
  remove: 'destroy BOND',
  down: 'destroy BOND',
  add: 'create BOND OPTION=VALUE...',
  new: 'create BOND OPTION=VALUE...',
  make: 'create BOND OPTION=VALUE...',
  up: 'run BOND IFACE...',
  addif: 'enslave BOND IFACE...',
  attach: 'enslave BOND IFACE...',
  join: 'enslave BOND IFACE...',
  master: 'enslave BOND IFACE...',
  slave: 'enslave BOND IFACE...',
  delif: 'release BOND IFACE...',
  detach: 'release BOND IFACE...',
  leave: 'release BOND IFACE...',
  nomaster: 'release BOND IFACE...',
  unslave: 'release BOND IFACE...',
  status: 'show [BOND]',
  state: 'show [BOND]',
  list: 'show',
  bonds: 'show',
  ls: 'show',
  info: 'show [BOND]',
  stat: 'show [BOND]',
  get: 'show [BOND]',
  log: 'events [--follow]',
  logs: 'events [--follow]',
  monitor: 'events --follow',
  watch: 'events --follow',
  history: 'events',
  modify: 'set BOND OPTION=VALUE...',
  mod: 'set BOND OPTION=VALUE...',
  change: 'set BOND OPTION=VALUE...',
  config: 'apply FILE',
  reload: 'apply FILE',
  convert: 'import FILE...',
  validate: 'check FILE',
  test: 'check FILE',
  diagnose: 'doctor',
  start: 'daemon',
  version: '--version',
  serve: 'daemon',
  failover: 'set BOND active_slave=IFACE',
  switch: 'set BOND active_slave=IFACE',
};

/** Those whose meaning is another when an interface is named behind the bond. */
export const MEMBER_HABITS: Readonly<Record<string, string>> = {
  delete: 'release BOND IFACE...',
  del: 'release BOND IFACE...',
  rm: 'release BOND IFACE...',
  remove: 'release BOND IFACE...',
  down: 'release BOND IFACE...',
  add: 'enslave BOND IFACE...',
};

/** What is no command here, since the daemon belongs to a service manager. */
export const SERVICE_HABITS: Readonly<Record<string, string>> = {
  stop: `'${advice('systemctl stop bondwire')}', which leaves bonds at work`,
  restart: `'${advice('systemctl restart bondwire')}', which leaves bonds at work`,
};
