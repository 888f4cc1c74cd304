// The file of `bondwire daemon --config`: carried out at the start, and again when SIGHUP asks for that, both by the way of `apply`.
import { randomBytes } from 'node:crypto';
import type { FileWish } from './bondwire-file.js';
import { asFailure } from '../reading/failure.js';
import { plain } from '../printing/plain.js';
import type { ServiceManager } from '../process/service-manager.js';
import type { Session } from '../process/session.js';

/** Names the file that SIGHUP has read again, for a daemon that is not to carry it out at its start. */
export const RELOAD_VARIABLE = 'BONDWIRE_RELOAD';

export class ConfigFile {
  readonly #session: Session;
  readonly #path: string;
  readonly #manager: ServiceManager;
  /** Tells the daemon that it is us who make the bonds. */
  readonly key: string = randomBytes(16).toString('hex');
  #reloading: Promise<void> = Promise.resolve();

  constructor(session: Session, path: string, manager: ServiceManager) {
    this.#session = session;
    this.#path = path;
    this.#manager = manager;
  }

  get path(): string {
    return this.#path;
  }

  /** What it says; throws a Failure with all its errors. */
  async read(): Promise<FileWish> {
    const { readBondwireFile } = await import('./bondwire-file.js');
    return readBondwireFile(this.#path, this.#session.terminal);
  }

  /** For the start: gives sentences of what could not be made; throws when nothing of it could. */
  first(wish: FileWish): Promise<readonly string[]> {
    const made = this.#carryOut(wish);
    this.#reloading = made.then(
      () => {},
      () => {},
    );
    return made;
  }

  async #carryOut(wish: FileWish): Promise<readonly string[]> {
    if (isEmpty(wish)) return [];
    const { applyFile } = await import('./apply-file.js');
    const api = await this.#session.api({ startingKey: this.key });
    return applyFile(api, this.#session.terminal, wish, {
      takeDown: false,
      takeAddresses: false,
      isLenient: true,
    });
  }

  /** One after another; whatever is wrong with it, the daemon and its bonds go on. */
  reload(): void {
    this.#reloading = this.#reloading.then(() => this.#reload());
  }

  async #reload(): Promise<void> {
    const { terminal } = this.#session;
    this.#manager.reloading();
    terminal.err(`bondwire: SIGHUP: reading ${plain(this.#path)} again\n`);
    try {
      const problems = await this.#carryOut(await this.read());
      this.#manager.ready(statusText(this.#path, problems));
      if (problems.length === 0) terminal.err(`bondwire: the machine is as ${plain(this.#path)} says\n`);
    } catch (error) {
      const { message } = asFailure(error, `Carrying out ${plain(this.#path)}`);
      terminal.err(`bondwire: ${message}\n`);
      this.#manager.ready(`${plain(this.#path)} was not carried out: ${message}`);
    }
  }
}

/** Whether a file asks for nothing. */
export function isEmpty({ bonds, uplink }: FileWish): boolean {
  return bonds.length === 0 && uplink === null;
}

/** One line for the service manager. */
export function statusText(path: string, problems: readonly string[]): string {
  if (problems.length === 0) return `the bonds of ${plain(path)} are made`;
  return `not all of ${plain(path)} could be made: ${problems.join(' ')}`;
}
