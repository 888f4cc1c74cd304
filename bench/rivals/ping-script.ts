// What many scripts do: one host is pinged by the first line every 5 s; three misses in a row change the default route, and five
// answers change it back. Nothing is done about connections that are there.
import type { Family, IspLab } from '#lab';
import { EventLog, familyFlag, Loops, type Method, mustRun, pingBy } from './method.js';

const SECONDS = 5;
const MISSES = 3;
const ANSWERS = 5;
const TIMEOUT_SECONDS = 2;

export class PingScript implements Method {
  readonly name = 'ping-script';
  readonly #log = new EventLog();
  readonly #loops = new Loops();

  get events(): EventLog['events'] {
    return this.#log.events;
  }

  patienceSeconds(): number {
    return (MISSES + 2) * (SECONDS + TIMEOUT_SECONDS);
  }

  async start(lab: IspLab, families: readonly Family[]): Promise<void> {
    const devices = lab.lines.map(({ device }) => `oifname "${device}" masquerade`).join('; ');
    await mustRun(lab, [
      'nft',
      `table inet script { chain out { type nat hook postrouting priority srcnat; ${devices}; }; }`,
    ]);
    for (const family of families) {
      // The host that is pinged is asked by the first line, whatever the default route is.
      await replaceRoute(lab, family, lab.servers.second[family], 0);
      await replaceRoute(lab, family, 'default', 0);
      this.#loops.start(() => this.#watch(lab, family));
    }
  }

  stop(): Promise<void> {
    return this.#loops.stop();
  }

  async #watch(lab: IspLab, family: Family): Promise<void> {
    const [line] = lab.lines;
    if (line === undefined) return;
    let [misses, answers, onSecond] = [0, 0, false];
    for (;;) {
      await this.#loops.sleep(SECONDS);
      if (this.#loops.stopped) return;
      const target = lab.servers.second[family];
      if (await pingBy(lab, family, line.device, target, TIMEOUT_SECONDS))
        [misses, answers] = [0, answers + 1];
      else [misses, answers] = [misses + 1, 0];
      const wanted = onSecond ? answers < ANSWERS : misses >= MISSES;
      if (wanted === onSecond || this.#loops.stopped) continue;
      onSecond = wanted;
      await replaceRoute(lab, family, 'default', onSecond ? 1 : 0);
      this.#log.add(`${family} default route by ${lab.lines[onSecond ? 1 : 0]?.device ?? ''}`);
    }
  }
}

/** Throws where the script would only have said that something is wrong: there must be a second line. */
async function replaceRoute(lab: IspLab, family: Family, to: string, index: number): Promise<void> {
  const line = lab.lines[index];
  if (line === undefined) throw new Error('The script needs two lines');
  const route = ['route', 'replace', to, 'via', line.gateway[family], 'dev', line.device];
  await mustRun(lab, ['ip', familyFlag(family), ...route]);
}
