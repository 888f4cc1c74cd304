// What a daemon that opens cannot do on this machine, as events.
import type { Journal } from '../keeping/journal.js';
import type { DataPlanes } from './data-planes.js';

export function tellProblems(journal: Journal, planes: DataPlanes): void {
  const warn = (type: 'daemon' | 'data-plane', message: string): void => {
    journal.add('', { severity: 'warning', type, message });
  };
  if (journal.problem !== undefined)
    warn('daemon', `Events of earlier daemons are not known: ${journal.problem}`);
  if (planes.ebpfProblem !== '') {
    warn('data-plane', `eBPF does not work here (${planes.ebpfProblem}): bonds are forwarded in user space`);
  }
  if (planes.readerProblem !== undefined) {
    const why = planes.readerProblem;
    warn(
      'data-plane',
      `Members' carriers cannot be read on every packet (${why}): failover waits for the monitor`,
    );
  }
}
