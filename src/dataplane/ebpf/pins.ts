// The pins of one bond: files in a bpffs that keep its maps and links when nobody has them open.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { getPinned, pinObject } from '../../linux/index.js';
import type { BondPlaces } from '../contract.js';

/** Where the pins of a daemon go. */
export interface PinStore {
  /** A path to this directory of pins that is right whatever becomes of mounts; undefined: there is no bpffs. */
  reach(pins: string): string | undefined;
  /** True when what is pinned there stays after this process and whoever started it. */
  lasts(): boolean;
}

/** Pins of one bond. Where there is no bpffs nothing is pinned, and nothing found. */
export class Pins {
  readonly #store: PinStore;
  /** Under which name others know it. */
  readonly #known: string;
  readonly #directory: string | undefined;

  constructor(store: PinStore, { pins }: BondPlaces) {
    this.#store = store;
    this.#known = pins;
    this.#directory = store.reach(pins);
  }

  /** Makes an empty directory: what is there is of a bond that is gone. */
  make(): void {
    if (this.#directory === undefined) return;
    this.removeAll();
    mkdirSync(this.#directory, { mode: 0o700 });
  }

  /** True when what is pinned here outlives us. */
  last(): boolean {
    return this.#directory !== undefined && this.#store.lasts();
  }

  /** As it is noted for others. */
  pathOf(name: string): string {
    return `${this.#known}/${name}`;
  }

  /** Pins under this name; what was pinned there is replaced between two looks. */
  pin(fd: number, name: string): void {
    if (this.#directory === undefined) return;
    const path = `${this.#directory}/${name}`;
    if (!existsSync(this.#directory)) mkdirSync(this.#directory, { mode: 0o700 });
    rmSync(`${path}-new`, { force: true });
    pinObject(fd, `${path}-new`);
    renameSync(`${path}-new`, path);
  }

  /** A descriptor of what is pinned; undefined when nothing is. The caller closes it. */
  get(name: string): number | undefined {
    return this.has(name) ? getPinned(`${this.#directory}/${name}`) : undefined;
  }

  has(name: string): boolean {
    return this.#directory !== undefined && existsSync(`${this.#directory}/${name}`);
  }

  remove(name: string): void {
    if (this.#directory !== undefined) rmSync(`${this.#directory}/${name}`, { force: true });
  }

  /** Names of all pins. */
  names(): string[] {
    if (this.#directory === undefined || !existsSync(this.#directory)) return [];
    return readdirSync(this.#directory);
  }

  removeAll(): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
  }
}
