// RUN_DIR/uplink.json: what the next daemon must know of the uplink, kept twice. Written whole, and before what must not be done without.
import {
  copyOf,
  currentNetnsCookie,
  currentNetnsId,
  keepTwice,
  readTwice,
  removeTwice,
} from '../../linux/index.js';
import { err, ok, type Result } from '../../base/index.js';
import type { Noted, NotedSetting } from '../../gateway/index.js';
import { bootId } from '../keeping/state-file.js';

const VERSION = 1;

interface Page {
  readonly version: number;
  readonly bootId: string;
  /** Inode of the network namespace, and its cookie where the kernel has them. */
  readonly netns: string;
  readonly netnsCookie?: string;
  readonly settings: readonly NotedSetting[];
  /** As the uplink saved itself. */
  readonly uplink: unknown;
}

/** The file of one run directory. */
export class UplinkBook {
  readonly path: string;
  readonly #boot = bootId();
  readonly #netns = String(currentNetnsId());
  readonly #cookie = currentNetnsCookie();
  #settings: readonly NotedSetting[] = [];
  #uplink: unknown = null;

  constructor(runDir: string) {
    this.path = `${runDir}/uplink.json`;
  }

  /** What an earlier daemon of this boot and namespace wrote; undefined where there is none. Throws UnreadableFile. */
  load(): Noted | undefined {
    const kept = readTwice(this.path, parsePage);
    const page = kept?.value;
    if (page === undefined || page.bootId !== this.#boot || page.netns !== this.#netns) return undefined;
    const isAnother =
      this.#cookie !== undefined && page.netnsCookie !== undefined && page.netnsCookie !== this.#cookie;
    if (isAnother) return undefined;
    this.#settings = page.settings;
    this.#uplink = page.uplink;
    return { state: page.uplink, settings: page.settings };
  }

  /** Throws where it cannot be written. */
  save(uplink: string): void {
    this.#uplink = JSON.parse(uplink);
    this.#write();
  }

  note(settings: readonly NotedSetting[]): void {
    this.#settings = settings;
    this.#write();
  }

  /** Writes again what somebody removed. */
  again(): void {
    if (this.#uplink !== null) this.#write();
  }

  remove(): void {
    this.#settings = [];
    this.#uplink = null;
    removeTwice(this.path);
  }

  /** The paths that it writes, for whoever looks after the run directory. */
  get files(): readonly string[] {
    return [this.path, copyOf(this.path)];
  }

  #write(): void {
    const page: Page = {
      version: VERSION,
      bootId: this.#boot,
      netns: this.#netns,
      ...(this.#cookie !== undefined && { netnsCookie: this.#cookie }),
      settings: this.#settings,
      uplink: this.#uplink,
    };
    keepTwice(this.path, `${JSON.stringify(page)}\n`);
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** A page, or why the text is none, as a clause. */
function parsePage(text: string): Result<Page, string> {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return err('it is no JSON');
  }
  if (typeof read !== 'object' || read === null) return err('it is no object');
  const page = read as Readonly<Partial<Record<keyof Page, unknown>>>;
  if (page.version !== VERSION)
    return err(`it is of version ${String(page.version)}, and this Bondwire writes ${VERSION}`);
  const { settings } = page;
  if (!isText(page.bootId) || !isText(page.netns) || !Array.isArray(settings))
    return err('a field is missing');
  const areSettings = settings.every((each: Partial<NotedSetting>) =>
    [each.family, each.device, each.setting, each.value, each.was].every(isText),
  );
  return areSettings ? ok(read as Page) : err('a setting in it has no value');
}
