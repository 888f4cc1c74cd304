// The switch and the cables: what is learned, flooded, forgotten, and lost on the way.
import { beforeEach, describe, expect, it } from 'vitest';
import { Cable, type Port } from './cable.js';
import { Clock } from './clock.js';
import type { Frame } from './frame.js';
import { LearningSwitch } from './learning-switch.js';
import { Random } from './random.js';

class Station implements Port {
  readonly end: string;
  cable: Cable | null = null;
  on: boolean = true;
  readonly heard: string[] = [];

  constructor(end: string) {
    this.end = end;
  }

  isOn(): boolean {
    return this.on;
  }

  receive(frame: Frame): void {
    this.heard.push(frame.source);
  }

  carrierChanged(): void {}
}

const macOf = (station: number): string => `02:00:00:00:00:0${station}`;
let clock = new Clock(0);
let sw = new LearningSwitch('sw', 1000, { clock, stepped: () => {} });
let stations: Station[] = [];

function send(from: number, destination: string): void {
  const station = stations[from];
  const frame: Frame = {
    destination,
    source: macOf(from),
    cargo: { kind: 'ask', ip: '192.0.2.1', from: '192.0.2.2' },
  };
  if (station !== undefined) station.cable?.send(station, frame, 0);
  clock.run(clock.now + 10, () => {});
}

function heard(): number[] {
  return stations.map(each => each.heard.splice(0).length);
}

beforeEach(() => {
  clock = new Clock(0);
  sw = new LearningSwitch('sw', 1000, { clock, stepped: () => {} });
  const world = { clock, random: new Random(1), looped: () => {} };
  stations = [0, 1, 2].map(at => new Station(`h${at}:eth0`));
  for (const [at, station] of stations.entries()) {
    new Cable([station, sw.port(String(at))], 1, world).refresh();
  }
});

describe('LearningSwitch', () => {
  it('floods what it does not know and sends what it knows to its port only', () => {
    send(0, macOf(1));
    expect(heard()).toEqual([0, 1, 1]);
    send(1, macOf(0));
    expect(heard()).toEqual([1, 0, 0]);
    send(2, 'ff:ff:ff:ff:ff:ff');
    expect(heard()).toEqual([1, 1, 0]);
  });

  it('forgets an address after its ageing time, and a port whose link goes', () => {
    send(0, macOf(1));
    heard();
    clock.run(clock.now + 1500, () => {});
    send(1, macOf(0));
    expect(heard()).toEqual([1, 0, 1]);
    const [, station] = stations;
    if (station !== undefined) station.on = false;
    station?.cable?.refresh();
    send(2, macOf(1));
    expect(heard()).toEqual([1, 0, 0]);
  });

  it('follows an address that moved, keeps link-local frames, and is silent when told', () => {
    send(0, macOf(2));
    send(2, 'ff:ff:ff:ff:ff:ff');
    heard();
    send(1, '01:80:c2:00:00:0e');
    expect(heard()).toEqual([0, 0, 0]);
    sw.setSilent(true, '2');
    send(0, macOf(2));
    expect(heard()).toEqual([0, 0, 0]);
    sw.setSilent(false, '2');
    sw.setPowered(false);
    expect(stations.map(each => each.cable?.isUp)).toEqual([false, false, false]);
  });
});

describe('Cable', () => {
  it('loses what is on it when it is cut, and its share of one direction', () => {
    const [zero] = stations;
    const cable = zero?.cable;
    if (zero === undefined || cable === null || cable === undefined) throw new Error('no cable');
    const frame: Frame = {
      destination: macOf(1),
      source: macOf(0),
      cargo: { kind: 'ask', ip: '', from: '' },
    };
    cable.send(zero, frame, 0);
    cable.setCut(true);
    clock.run(clock.now + 10, () => {});
    expect(heard()).toEqual([0, 0, 0]);
    cable.setCut(false);
    cable.setLoss(zero, 100);
    send(0, macOf(1));
    expect(heard()).toEqual([0, 0, 0]);
    send(1, macOf(0));
    expect(heard()[0]).toBe(1);
  });
});
