// What the journal tells of the past.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Journal } from './journal.js';

test('lastFailovers() is the last one of each bond, for the next daemon too', () => {
  const runDir = mkdtempSync(join(tmpdir(), 'bw-journal-'));
  try {
    const journal = new Journal(runDir);
    const failover = (bond: string, to: string | null) =>
      journal.add(bond, { severity: 'info', type: 'failover', message: 'm', from: 'eth9', to });
    failover('bond0', 'eth0');
    const last = failover('bond0', null);
    const other = failover('bond1', 'eth2');
    journal.add('bond0', { severity: 'info', type: 'joined', message: 'm', member: 'eth3' });
    const known = [
      ['bond0', last],
      ['bond1', other],
    ];
    expect([...journal.lastFailovers()]).toEqual(known);
    expect([...new Journal(runDir).lastFailovers()]).toEqual(known);
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
});
