import { beforeAll, expect, test } from 'vitest';
import { eventLine } from './event-line.js';
import { FAILOVER } from '../test-support/samples.js';

const view = { colour: false, now: new Date('2026-03-01T12:00:00Z') };

beforeAll(() => {
  process.env['TZ'] = 'UTC';
});

test('eventLine() of a failover says from, to, why and what it cost', () => {
  expect(eventLine(FAILOVER, view)).toBe(
    '11:22:33.456 bond0 failover eth0 → eth1: eth0 lost its carrier; outage 0 ms, 0 packets lost',
  );
});

test('eventLine() of a failover to nothing, with what is unknown left out', () => {
  const { outageMs: _outage, lostPackets: _lost, ...unknown } = FAILOVER;
  expect(eventLine({ ...unknown, from: 'eth0', to: null, severity: 'error' }, view)).toBe(
    '11:22:33.456 bond0 failover eth0 → none: error: eth0 lost its carrier',
  );
});

test('eventLine() of other events is their sentence; the daemon goes by its own name', () => {
  const event = { ...FAILOVER, type: 'daemon', bond: '', message: 'The log is full.' } as const;
  const { outageMs: _outage, lostPackets: _lost, ...plain } = event;
  expect(eventLine({ ...plain, severity: 'warning' }, view)).toBe(
    '11:22:33.456 bondwire daemon: warning: The log is full.',
  );
});

test('eventLine() of another day has its date; an interface name cannot steer the terminal', () => {
  const event = { ...FAILOVER, to: 'e\u001b[2J', outageMs: 103.24, lostPackets: 1 };
  expect(eventLine(event, { ...view, now: new Date('2026-03-02T12:00:00Z') })).toBe(
    '2026-03-01 11:22:33.456 bond0 failover eth0 → e\\x1b[2J: eth0 lost its carrier; outage 103.2 ms, 1 packet lost',
  );
});
