// The lab's side of the process that carries its wires.
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type MappedMemory, mapShared } from '../../linux/index.js';
import type { PlaceGroup } from '../place-group.js';
import { DIRECTIONS } from './faults.js';
import { PROMPT_NODE, untilReady } from './helper-process.js';
import type { IspPlace, LabLine } from './plan.js';
import { controlBytes, WireControl } from './wire-control.js';
import { WIRE_READY, type WireSettings } from './wire-messages.js';

// From the compiled file and, in tests, from the source.
const MAIN = fileURLToPath(new URL('../../../dist/lab/isp/wire-main.js', import.meta.url));

/** The running process, and the memory by which it is told what to do. */
export class WireCarrier {
  readonly #memory: MappedMemory;
  #control: WireControl | undefined;

  private constructor(memory: MappedMemory) {
    this.#memory = memory;
    this.#control = new WireControl(memory.buffer);
  }

  /** What the wires are told. Throws after `close()`. */
  get control(): WireControl {
    if (this.#control === undefined) throw new Error('The lab is closed');
    return this.#control;
  }

  /** Starts it; resolves when it carries frames. `rates`: bytes a second, null for no limit. */
  static async start(
    places: PlaceGroup<IspPlace>,
    lines: readonly LabLine[],
    rates: readonly (number | null)[],
    seed: number,
  ): Promise<WireCarrier> {
    const controlFile = join(places.makeRunDir(), 'wires');
    const controlLength = controlBytes(lines.length);
    writeFileSync(controlFile, new Uint8Array(controlLength));
    const fd = openSync(controlFile, 'r+');
    const carrier = new WireCarrier(mapShared(fd, controlLength, { writable: true }));
    closeSync(fd);
    try {
      for (const { index, delayMs } of lines) {
        for (const direction of DIRECTIONS) {
          carrier.control.set(index, direction, { delayMs, loss: 0, silent: false });
        }
      }
      const wires = lines.map(({ wire }, i) => ({ ...wire, bytesPerSecond: rates[i] ?? null }));
      await startProcess(places, { controlFile, controlLength, seed, wires });
      return carrier;
    } catch (error) {
      carrier.close();
      throw error;
    }
  }

  /** Lets go of the memory; the process ends with the lab. A second call does nothing. */
  close(): void {
    this.#control = undefined;
    this.#memory.unmap();
  }
}

function startProcess(places: PlaceGroup<IspPlace>, settings: WireSettings): Promise<void> {
  const child = places.spawn('wires', [...PROMPT_NODE, MAIN, JSON.stringify(settings)]);
  return untilReady(child, "The process that carries the lab's wires", WIRE_READY);
}
