// The sentence about what somebody else changed, and how often it is put back.
import { expect, test, vi } from 'vitest';
import { interferenceText, Repairs, type Suspicions } from './repair.js';

function suspicions(...subjects: ('rule' | 'route' | 'table' | 'setting')[]): Suspicions {
  return { subjects: new Set(subjects), isOfAll: false, strangers: [], sinceMs: 0 };
}

test('only what somebody may have changed is named, three of it', () => {
  const changed = ['rule 1', 'route a', 'rule 2', 'rule 3', 'rule 4', 'net.ipv4.conf.eth0.rp_filter'];
  expect(interferenceText(changed, suspicions('rule'), 4.2, false)).toBe(
    'Somebody else changed rule 1, rule 2, rule 3 and 1 more; it is as it was again after 5 ms',
  );
  expect(interferenceText(changed, suspicions('setting'), 4, false)).toContain('rp_filter');
  expect(interferenceText(changed, suspicions('table'), 4, false)).toBeUndefined();
  expect(interferenceText(changed, suspicions(), 4, false)).toBeUndefined();
});

test('doubts of one moment are looked into once; after ten repairs once a second', () => {
  vi.useFakeTimers();
  try {
    const looks: Suspicions[] = [];
    const repairs = new Repairs(look => looks.push(look));
    repairs.doubt({ somebodys: 'rule' });
    repairs.doubt({ somebodys: 'table' });
    repairs.doubt({});
    vi.advanceTimersByTime(10);
    expect(looks.map(({ subjects, isOfAll }) => [[...subjects], isOfAll])).toEqual([
      [['rule', 'table'], true],
    ]);
    for (let time = 0; time < 10; time++) repairs.repaired();
    expect(repairs.isContended()).toBe(true);
    repairs.doubt({ somebodys: 'rule' });
    vi.advanceTimersByTime(900);
    expect(looks).toHaveLength(1);
    vi.advanceTimersByTime(100);
    expect(looks[1]).toMatchObject({ isOfAll: false });
    vi.advanceTimersByTime(10_000);
    expect(repairs.isContended()).toBe(false);
    repairs.doubt({});
    repairs.close();
    vi.advanceTimersByTime(5000);
    expect(looks).toHaveLength(2);
  } finally {
    vi.useRealTimers();
  }
});
