// Reading scenarios: what is wrong is said with its place, and nothing throws.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomScenario } from './generate.js';
import { happenings, type Scenario } from './scenario.js';
import { checkScenario, parseScenario } from './scenario-json.js';

function withChange(change: Partial<Scenario>): string {
  const checked = checkScenario({ ...randomScenario(3), ...change });
  return checked.ok ? 'ok' : checked.error;
}

describe('parseScenario()', () => {
  it.each<[string, Partial<Scenario>, RegExp]>([
    ['a name', { name: 'Not Kebab' }, /^name must be/],
    ['an event', { events: [{ atMs: 1, do: 'cut', end: 'nowhere:eth0' }] }, /events\[0\].*no cable ends/],
    ['a kind', { events: [{ atMs: 1, do: 'explode' } as never] }, /events\[0\]\.do must be one of cut/],
    ['a time', { lengthMs: -1 }, /^lengthMs must be a number from 0/],
    ['a host', { events: [{ atMs: 1, do: 'daemon-kill', host: 'moon' }] }, /there is no host moon/],
    ['a key', { colour: 'red' } as never, /^colour is not known/],
    [
      'two cables',
      {
        cables: [
          { a: 'sw1:1', b: 'peer:eth0' },
          { a: 'sw1:1', b: 'sw1:2' },
        ],
        events: [],
      },
      /two cables/,
    ],
    [
      'a loop',
      {
        switches: [{ name: 'sw1' }, { name: 'sw2' }],
        cables: [
          { a: 'sw1:1', b: 'sw2:1' },
          { a: 'sw1:2', b: 'sw2:2' },
        ],
        events: [],
      },
      /closes a loop/,
    ],
  ])('refuses %s that is wrong and says where', (_, change, message) => {
    expect(withChange(change)).toMatch(message);
  });

  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.string(), text => typeof parseScenario(text).ok === 'boolean'));
    fc.assert(fc.property(fc.json(), text => typeof parseScenario(text).ok === 'boolean'));
  });
});

describe('happenings()', () => {
  it('takes flaps apart and keeps the order of equal times', () => {
    const scenario: Scenario = {
      ...randomScenario(3),
      events: [
        { atMs: 100, do: 'flap', end: 'peer:eth0', times: 2, downMs: 10, upMs: 20 },
        { atMs: 110, do: 'cut', end: 'peer:eth0' },
      ],
    };
    expect(happenings(scenario).map(event => [event.atMs, event.do, event.index])).toEqual([
      [100, 'cut', 0],
      [110, 'restore', 0],
      [110, 'cut', 1],
      [130, 'cut', 0],
      [140, 'restore', 0],
    ]);
  });
});
