// Settings of the lines' devices under /proc/sys/net: what was there before is noted before it is changed, so that it can be put back,
// also by the process that comes after one that was killed.
import { readSysctl, withNetns, writeSysctl } from '../../linux/index.js';
import type { PlannedSysctl } from '../../uplinks/index.js';

/** A setting as it was before we changed it. */
export interface NotedSetting extends PlannedSysctl {
  /** What it was; `value` is what we wrote. */
  readonly was: string;
}

function isSame(one: PlannedSysctl, other: PlannedSysctl): boolean {
  return one.family === other.family && one.device === other.device && one.setting === other.setting;
}

function nameOf({ family, device, setting }: PlannedSysctl): string {
  return `net.${family}.conf.${device}.${setting}`;
}

/** What was done. */
export interface SettingsOutcome {
  /** Names of settings that were written. */
  readonly written: readonly string[];
  /** One sentence for each that could not be. */
  readonly failed: readonly string[];
}

/** Keeps the settings of one network namespace, given by a descriptor that it does not close. */
export class DeviceSettings {
  readonly #netns: number;
  readonly #note: (all: readonly NotedSetting[]) => void;
  #noted: readonly NotedSetting[];

  constructor(netns: number, noted: readonly NotedSetting[], note: (all: readonly NotedSetting[]) => void) {
    this.#netns = netns;
    this.#noted = noted;
    this.#note = note;
  }

  /** Writes what differs; a device that is not there is passed over. What is planned no more is as before again. */
  apply(planned: readonly PlannedSysctl[]): SettingsOutcome {
    return withNetns(this.#netns, () => {
      const past = this.#noted.filter(noted => !planned.some(one => isSame(one, noted)));
      const restored = past.map(noted => restore(noted));
      const differing = planned.flatMap(one => {
        const was = readSysctl(one.family, one.device, one.setting);
        return was === undefined || was === one.value ? [] : [{ ...one, was }];
      });
      const fresh = differing.filter(one => !this.#noted.some(noted => isSame(one, noted)));
      if (past.length > 0 || fresh.length > 0)
        this.#keep([...this.#noted.filter(noted => !past.includes(noted)), ...fresh]);
      return joined([...restored, ...differing.map(one => write(one, one.value))]);
    });
  }

  /** Everything as it was before. */
  restore(): SettingsOutcome {
    return withNetns(this.#netns, () => {
      const outcome = joined(this.#noted.map(restore));
      if (this.#noted.length > 0) this.#keep([]);
      return outcome;
    });
  }

  #keep(all: readonly NotedSetting[]): void {
    this.#noted = all;
    this.#note(all);
  }
}

/** Unless somebody else has changed it since, or its device is gone. */
function restore(noted: NotedSetting): SettingsOutcome {
  if (readSysctl(noted.family, noted.device, noted.setting) !== noted.value) return joined([]);
  return write(noted, noted.was);
}

function write(one: PlannedSysctl, value: string): SettingsOutcome {
  try {
    const isThere = writeSysctl(one.family, one.device, one.setting, value);
    return { written: isThere ? [nameOf(one)] : [], failed: [] };
  } catch (error) {
    // A container may have /proc/sys for reading only; routes and rules are of use without.
    const why = error instanceof Error ? error.message : String(error);
    return { written: [], failed: [`${nameOf(one)} could not be set to ${value}: ${why}`] };
  }
}

function joined(outcomes: readonly SettingsOutcome[]): SettingsOutcome {
  return {
    written: outcomes.flatMap(({ written }) => written),
    failed: outcomes.flatMap(({ failed }) => failed),
  };
}
