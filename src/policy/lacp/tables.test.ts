// The tables of LACP's machines: every state and event has its row, and what the standard's diagrams say of some of them.
import { expect, test } from 'vitest';
import { CHURN_TABLE } from './churn.js';
import { MUX_TABLE } from './mux.js';
import { PERIODIC_TABLE } from './periodic.js';
import { RECEIVE_TABLE } from './receive.js';

const TABLES: readonly (readonly [
  string,
  Readonly<Record<string, Readonly<Record<string, string>>>>,
  string[],
])[] = [
  ['receive', RECEIVE_TABLE, ['initialize', 'lost']],
  ['periodic', PERIODIC_TABLE, []],
  ['mux', MUX_TABLE, ['carrying']],
  ['churn', CHURN_TABLE, []],
];

test.each(TABLES)(
  '%s: each row has the same events, and leads to states that have rows',
  (_name, table, others) => {
    const rows = Object.values(table);
    const events = Object.keys(rows[0] ?? {}).toSorted();
    for (const row of rows) {
      expect(Object.keys(row).toSorted()).toEqual(events);
      for (const next of Object.values(row)) expect([...Object.keys(table), ...others]).toContain(next);
    }
  },
);

test.each(TABLES)('%s: each state is reached', (name, table) => {
  const reached = new Set(Object.values(table).flatMap(row => Object.values(row)));
  const first = { receive: 'port-disabled', periodic: 'no', mux: 'none', churn: 'monitoring' }[name] ?? '';
  // carrying is one of two, by coupled_control.
  if (reached.has('carrying')) reached.add('collecting-distributing').add('collecting');
  for (const state of Object.keys(table)) if (state !== first) expect([...reached]).toContain(state);
});

test('whatever the state, a port that begins anew or is disabled is so', () => {
  for (const row of Object.values(RECEIVE_TABLE)) {
    expect(row.begin).toBe('initialize');
    expect(row.disabled).toBe('port-disabled');
  }
  for (const row of Object.values(MUX_TABLE)) expect(row.begin).toBe('detached');
  for (const row of Object.values(PERIODIC_TABLE)) expect(row.off).toBe('no');
});

test('only a port that is in sync at both ends distributes', () => {
  for (const [state, row] of Object.entries(MUX_TABLE)) {
    if (state === 'none') continue;
    for (const event of ['begin', 'unselected', 'waits', 'out'] as const)
      expect(row[event]).not.toMatch(/^(?:carrying|distributing|collecting-distributing)$/);
  }
});
