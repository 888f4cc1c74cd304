// Changes of a bond in whose midst a daemon is killed, for tests. (simulator)
import type { Deed } from './crash.js';

const BOTH = ['eth0', 'eth1'];

export const DEEDS: readonly Omit<Deed, 'options'>[] = [
  { name: 'create', stay: [], run: machine => machine.create({ mode: 'active-backup', miimon: '100' }) },
  { name: 'join the first', members: [], stay: [], run: machine => machine.join('eth0') },
  { name: 'join a third', members: BOTH, stay: BOTH, run: machine => machine.join('eth2') },
  { name: 'a joining that is refused', members: BOTH, stay: BOTH, run: machine => machine.tries('eth4') },
  { name: 'leave', members: BOTH, stay: ['eth0'], run: machine => machine.leave('eth1') },
  { name: 'the active one leaves', members: BOTH, stay: ['eth1'], run: machine => machine.leave('eth0') },
  { name: 'the last leaves', members: ['eth0'], stay: [], run: machine => machine.leave('eth0') },
  { name: 'change an option', members: BOTH, stay: BOTH, run: machine => machine.set('miimon', '50') },
  {
    name: 'apply',
    members: BOTH,
    stay: ['eth1'],
    run: machine => {
      machine.set('miimon', '50');
      machine.set('all_slaves_active', '1');
      machine.join('eth2');
      machine.leave('eth0');
      machine.join('eth3');
    },
  },
  { name: 'destroy', members: [...BOTH, 'eth2'], stay: [...BOTH, 'eth2'], run: machine => machine.destroy() },
];
