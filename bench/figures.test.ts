import { describe, expect, test } from 'vitest';
import { median, spread } from './arithmetic.js';
import {
  type Boot,
  chooseRows,
  type Column,
  hasFailures,
  ratio,
  report,
  type Row,
  ROWS,
  shortfalls,
} from './figures.js';

function column(contender: string, figures: Record<string, number>, rest: Partial<Column> = {}): Column {
  return { contender, figures, failures: {}, ...rest };
}

function row(name: string): Row {
  const found = ROWS.find(each => each.name === name);
  if (found === undefined) throw new Error(`There is no row ${name}`);
  return found;
}

describe('arithmetic', () => {
  test('the median is the middle one, or lies between the two in the middle', () => {
    expect(median([30, 10, 20])).toBe(20);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
    expect(() => median([])).toThrow('no median of nothing');
  });

  test('the spread is the distance of the outermost beside the median', () => {
    expect(spread([99, 100, 102])).toBeCloseTo(0.03);
    expect(spread([5])).toBe(0);
  });
});

describe('rows', () => {
  test('names are their own, and every kind is measured in each direction', () => {
    const names = ROWS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.join(' ')).toBe(
      [
        'udp-out-64 udp-in-64 udp-out-512 udp-in-512 udp-out-1400 udp-in-1400',
        'tcp-out-1 tcp-in-1 tcp-out-8 tcp-in-8 ping-pong-udp ping-pong-tcp',
        'routed-udp-out-64 routed-udp-in-64 routed-tcp-out-1 routed-tcp-in-1',
        'bridged-udp-out-64 bridged-udp-in-64 bridged-tcp-out-1 bridged-tcp-in-1',
      ].join(' '),
    );
  });

  test('stages are not mixed: each is built once', () => {
    const stages = ROWS.map(({ stage }) => stage);
    const changes = stages.filter((stage, at) => stage !== stages[at - 1]);
    expect(changes).toEqual(['host', 'routed', 'bridged']);
  });

  test('words choose the rows that begin so, in the order of the table', () => {
    expect(chooseRows(undefined)).toBe(ROWS);
    expect(chooseRows('ping-pong,udp-in').map(({ name }) => name)).toEqual([
      'udp-in-64',
      'udp-in-512',
      'udp-in-1400',
      'ping-pong-udp',
      'ping-pong-tcp',
    ]);
    expect(() => chooseRows('udp-in,latency')).toThrow('begins with "latency"; there are udp-out-64,');
    expect(() => chooseRows('udp,')).toThrow('begins with ""');
  });
});

describe('ratios', () => {
  const boots: Boot[] = [
    [
      column('driver', { 'udp-in-64': 900, 'tcp-in-1': 600 }),
      column('veth', { 'udp-in-64': 1000, 'tcp-in-1': 594 }),
    ],
    [column('driver', { 'udp-in-64': 910 }), column('veth', { 'udp-in-64': 1000 })],
    [column('driver', { 'udp-in-64': 890 }), column('veth', {})],
  ];

  test('above 1 is quicker: fewer nanoseconds, more Mbit/s; of the medians of all boots', () => {
    expect(ratio(boots, 'veth', 'driver', row('udp-in-64'))).toBeCloseTo(0.9);
    expect(ratio(boots, 'driver', 'veth', row('udp-in-64'))).toBeCloseTo(10 / 9);
    expect(ratio(boots, 'veth', 'driver', row('tcp-in-1'))).toBeCloseTo(0.99);
  });

  test('there is none where one of the two has no figure', () => {
    expect(ratio(boots, 'veth', 'driver', row('udp-out-64'))).toBeNull();
    expect(ratio(boots, 'netkit', 'driver', row('udp-in-64'))).toBeNull();
  });

  test('a shortfall counts beyond the tolerance only, against the target of the shape', () => {
    const rows = [row('udp-out-64'), row('tcp-in-8'), row('udp-out-512')];
    const boot = (out: number, tcp: number): Boot => [
      column('driver', { 'udp-out-64': 1000, 'tcp-in-8': 1000, 'udp-out-512': 1000 }),
      column('veth', { 'udp-out-64': 1000 / out, 'tcp-in-8': 1000 * tcp, 'udp-out-512': 9999 }),
      column('netkit', { 'udp-out-64': 1000 / out, 'tcp-in-8': 1000 * tcp }),
    ];
    expect(shortfalls([boot(0.916, 0.981)], rows)).toEqual([
      'netkit, tcp-in-8: 0.981 is below 0.99',
      'netkit, udp-out-64: 0.916 is below 0.96',
    ]);
    expect(shortfalls([boot(0.914, 0.986)], rows)).toEqual([
      'veth, udp-out-64: 0.914 is below 0.92',
      'netkit, udp-out-64: 0.914 is below 0.96',
    ]);
    expect(shortfalls([boot(0.96, 0.99)], rows)).toEqual([]);
  });
});

describe('the report', () => {
  const rows = [row('udp-out-64'), row('tcp-out-1')];

  test('the driver comes first with its figures, the others with ratios', () => {
    const text = report(
      [
        [
          column('none', { 'udp-out-64': 38_000, 'tcp-out-1': 625 }),
          column('driver', { 'udp-out-64': 40_000, 'tcp-out-1': 620 }),
        ],
      ],
      rows,
    );
    expect(text.split('\n').slice(1)).toEqual([
      '            driver       none',
      'udp-out-64  40000 ns    1.053',
      'tcp-out-1   620 Mbit/s  1.008',
    ]);
  });

  test('without the driver all are told as they are', () => {
    const text = report([[column('veth', { 'udp-out-64': 43_000.4, 'tcp-out-1': 611.2 })]], rows);
    expect(text).toContain('udp-out-64  43000 ns');
    expect(text).toContain('tcp-out-1   611 Mbit/s');
  });

  test('a column that failed keeps what it has, and loses nothing of the others', () => {
    const boots: Boot[] = [
      [
        column('driver', { 'udp-out-64': 40_000, 'tcp-out-1': 620 }),
        column('veth', { 'udp-out-64': 43_000 }, { failures: { 'tcp-out-1': 'The streams stand still' } }),
        column('bondwire', {}, { failed: 'The daemon ended' }),
      ],
    ];
    const text = report(boots, rows);
    expect(text).toContain('udp-out-64  40000 ns    0.930         -');
    expect(text).toContain('tcp-out-1   620 Mbit/s      -         -');
    expect(text).toContain('veth, tcp-out-1 failed: The streams stand still');
    expect(text).toContain('bondwire failed: The daemon ended');
    expect(hasFailures(boots)).toBe(true);
  });

  test('what the kernel has not is no column and no failure, but is said, once', () => {
    const boot: Boot = [
      column('driver', { 'udp-out-64': 40_000 }),
      column('netkit', {}, { absent: 'this kernel has no netkit' }),
    ];
    const text = report([boot, boot], [row('udp-out-64')]);
    expect(text.match(/netkit/g)).toHaveLength(2);
    expect(text).toContain('netkit is left out: this kernel has no netkit');
    expect(hasFailures([boot])).toBe(false);
  });

  test('how far boots are apart is told', () => {
    const boot = (out: number): Boot => [column('driver', { 'udp-out-64': out, 'tcp-out-1': 600 })];
    expect(report([boot(40_000), boot(40_400), boot(40_200)], rows)).toContain(
      'Between 3 boots a figure differed by 0.50 % (median), 1.00 % (most)',
    );
  });
});
