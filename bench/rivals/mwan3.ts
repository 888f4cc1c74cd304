// mwan3's algorithm, written anew to measure its times (it needs OpenWrt to run itself): each line has a tracker that pings its
// targets one after the other; marks choose a line for each new connection and keep it there; connections that are there stay where
// they are. That a cable is cut is told by netifd, which takes the routes of the interface.
import { type Family, INSIDE, type IspLab, type LabLine } from '#lab';
import { EventLog, familyFlag, inGateway, Loops, type Method, mustRun, pingBy } from './method.js';
import { MARK_MASK, type MarkedLine, markOfLine, markRules } from './mwan3-rules.js';
import { afterRound, firstScore, type Mwan3Settings } from './score.js';

/** netifd hears of a carrier at once; this is how often it is looked at here. */
const CARRIER_SECONDS = 0.02;
/** Until a line is off and something more, whatever the phase. */
const ROUNDS_MORE = 2;

interface TrackedLine extends MarkedLine {
  readonly family: Family;
  readonly gateway: string;
  isOn: boolean;
  hasRules: boolean;
  isPlugged: boolean;
}

export class Mwan3 implements Method {
  readonly name: string;
  readonly #settings: Mwan3Settings;
  readonly #log = new EventLog();
  readonly #loops = new Loops();
  /** Its scripts take turns. */
  #turn: Promise<void> = Promise.resolve();
  #lines: readonly TrackedLine[] = [];

  constructor(name: string, settings: Mwan3Settings) {
    this.name = name;
    this.#settings = settings;
  }

  get events(): EventLog['events'] {
    return this.#log.events;
  }

  patienceSeconds(): number {
    const { down, interval, timeout } = this.#settings;
    return (down + ROUNDS_MORE) * (interval + 2 * timeout);
  }

  async start(lab: IspLab, families: readonly Family[]): Promise<void> {
    this.#lines = families.flatMap(family => lab.lines.map(line => tracked(line, family)));
    for (const line of this.#lines) {
      await this.#route(lab, line, true);
      const table = ['table', String(line.id)];
      await mustRun(lab, ['ip', familyFlag(line.family), 'route', 'replace', ...table, ...way(line)]);
      await this.#setRules(lab, line, true);
    }
    for (const family of families) await this.#choose(lab, family);
    for (const line of this.#lines) {
      this.#loops.start(() => this.#track(lab, line));
      this.#loops.start(() => this.#watchCarrier(lab, line));
    }
  }

  stop(): Promise<void> {
    return this.#loops.stop();
  }

  /** The default route in main that netifd keeps while the interface is up. */
  async #route(lab: IspLab, line: TrackedLine, isUp: boolean): Promise<void> {
    const verb = isUp ? 'replace' : 'del';
    const metric = ['metric', String(line.id)];
    // The kernel may have been quicker.
    await inGateway(lab, ['ip', familyFlag(line.family), 'route', verb, ...way(line), ...metric]);
  }

  async #setRules(lab: IspLab, line: TrackedLine, on: boolean): Promise<void> {
    if (line.hasRules === on) return;
    line.hasRules = on;
    const mark = `${markOfLine(line.id)}/${MARK_MASK}`;
    const rules = [
      ['pref', String(1000 + line.id), 'iif', line.device, 'lookup', 'main'],
      ['pref', String(2000 + line.id), 'fwmark', mark, 'lookup', String(line.id)],
    ];
    for (const rule of rules) {
      await mustRun(lab, ['ip', familyFlag(line.family), 'rule', on ? 'add' : 'del', ...rule]);
    }
  }

  async #choose(lab: IspLab, family: Family): Promise<void> {
    const connected = [INSIDE.network[family], ...lab.lines.map(line => line.network[family])];
    const lines = this.#lines.filter(line => line.family === family);
    await mustRun(lab, ['nft', markRules(family, lines, connected)]);
  }

  /** `isUp`: netifd took the interface down, or up; absent: the tracker decided. */
  #change(lab: IspLab, line: TrackedLine, on: boolean, isUp?: boolean): Promise<void> {
    const work = async (): Promise<void> => {
      line.isOn = on;
      if (isUp !== undefined) await this.#route(lab, line, isUp);
      if (on || isUp === false) await this.#setRules(lab, line, on);
      await this.#choose(lab, line.family);
      this.#log.add(`${line.device} ${line.family} ${on ? 'online' : 'offline'}`);
    };
    this.#turn = this.#turn.then(() => (this.#loops.stopped ? undefined : work()));
    return this.#turn;
  }

  async #track(lab: IspLab, line: TrackedLine): Promise<void> {
    const { first, second } = lab.servers;
    const { interval, reliability, timeout } = this.#settings;
    let score = firstScore(this.#settings);
    while (!this.#loops.stopped) {
      if (!line.isPlugged) {
        // netifd ends the tracker with the interface, and starts it anew.
        score = firstScore(this.#settings);
        await this.#loops.sleep(CARRIER_SECONDS);
        continue;
      }
      let answered = 0;
      for (const target of [first, second]) {
        if (answered >= reliability) break;
        if (await pingBy(lab, line.family, line.device, target[line.family], timeout)) answered++;
      }
      if (!line.isPlugged) continue;
      const after = afterRound(score, answered >= reliability, this.#settings);
      score = after.score;
      if (after.change !== null) await this.#change(lab, line, after.change === 'on');
      await this.#loops.sleep(interval);
    }
  }

  async #watchCarrier(lab: IspLab, line: TrackedLine): Promise<void> {
    while (!this.#loops.stopped) {
      const is = lab.link('gateway', line.device)?.carrier === true;
      if (is !== line.isPlugged) {
        line.isPlugged = is;
        await this.#change(lab, line, is, is);
      }
      await this.#loops.sleep(CARRIER_SECONDS);
    }
  }
}

function tracked(line: LabLine, family: Family): TrackedLine {
  return {
    id: line.index + 1,
    device: line.device,
    family,
    address: line.address[family],
    gateway: line.gateway[family],
    isOn: true,
    hasRules: false,
    isPlugged: true,
  };
}

function way({ gateway, device }: TrackedLine): string[] {
  return ['default', 'via', gateway, 'dev', device];
}
