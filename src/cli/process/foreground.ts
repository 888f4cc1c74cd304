// The life of `bondwire run`: start a daemon, build the bond, tell what happens, put everything back. Whatever fails
// on the way, what was done is undone.
import type { ApiClient } from '../api-client.js';
import { tellWarnings } from '../printing/changed.js';
import { eventLine } from '../printing/event-line.js';
import { asFailure, type Failure, refusedFailure } from '../reading/failure.js';
import type { RunningDaemon } from '../modules.js';
import { startOwnDaemon } from './own-daemon.js';
import { advice, plain } from '../printing/plain.js';
import type { Session } from './session.js';
import { type StopRequest, stopRequest } from './stop-request.js';

export interface RunWish {
  readonly bond: string;
  readonly interfaces: readonly string[];
  readonly options: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  readonly takeDown: boolean;
  readonly takeAddresses: boolean;
}

/** Returns when a signal ended it and everything is back as it was. */
export async function runInForeground(session: Session, wish: RunWish): Promise<void> {
  const { terminal } = session;
  const options = withDefaults(wish.options);
  const chosen = Object.keys(options).filter(name => !(name in wish.options));
  const impatient = 'still putting everything back; ending it now would leave the interfaces half changed.';
  await withOwnDaemon(session, 'run', impatient, (api, stop) => {
    if (chosen.length > 0) {
      terminal.out(`Chosen for you: ${chosen.map(name => `${name}=${options[name] ?? ''}`).join(' ')}\n`);
    }
    return buildAndTell(session, api, { ...wish, options }, stop);
  });
}

/**
 * A daemon of this command's own, until `work` is done; then all that it made goes. `work` gives what went wrong, if something did;
 * `impatient` is said to a second Ctrl-C.
 */
export async function withOwnDaemon(
  session: Session,
  what: string,
  impatient: string,
  work: (api: ApiClient, stop: StopRequest) => Promise<Failure | undefined>,
): Promise<void> {
  const { terminal } = session;
  terminal.outliveReader();
  const stop = stopRequest(terminal, impatient);
  try {
    const daemon = await startOwnDaemon(session, what, { logToStderr: false });
    const api = await session.api();
    await refuseStrangers(api, daemon, session.runDir());
    const failure = await work(api, stop);
    terminal.out('Putting everything back...\n');
    try {
      await daemon.close('remove-everything');
    } catch (error) {
      if (failure !== undefined) terminal.err(`bondwire: ${failure.message}\n`);
      throw asFailure(error, 'Putting everything back');
    }
    terminal.out('Everything is as it was before.\n');
    if (failure !== undefined) throw failure;
  } finally {
    stop.release();
  }
}

/** The driver's defaults are round-robin and no monitoring; somebody who says nothing wants neither. */
function withDefaults(given: Readonly<Record<string, string>>): Record<string, string> {
  const monitored = 'miimon' in given || 'arp_interval' in given;
  return {
    ...('mode' in given ? {} : { mode: 'active-backup' }),
    ...(monitored ? {} : { miimon: '100' }),
    ...given,
  };
}

/** Bonds and an uplink of an earlier daemon that the new one found at work are not ours to remove. */
async function refuseStrangers(api: ApiClient, daemon: RunningDaemon, runDir: string): Promise<void> {
  let bonds: readonly string[] = [];
  try {
    const { uplink } = await api.uplink();
    bonds = [...(await api.status()).bonds, ...(uplink === null ? [] : [uplink.name])];
    if (bonds.length === 0) return;
  } catch (error) {
    await daemon.close('leave-in-place');
    throw error;
  }
  await daemon.close('leave-in-place');
  const names = bonds.map(plain).join(', ');
  throw refusedFailure(
    `${plain(runDir)} holds what an earlier daemon left at work (${names}): take it over with '${plain(advice('bondwire daemon --run-dir {runDir}', { runDir }))}', or name another directory with --run-dir.`,
  );
}

/** Builds the bond and tells its events until a signal comes; returns what went wrong instead, if something did. */
async function buildAndTell(
  session: Session,
  api: ApiClient,
  wish: RunWish,
  stop: StopRequest,
): Promise<Failure | undefined> {
  try {
    const after = await lastEvent(api);
    await build(session, api, wish, stop);
    await tellUntilStopped(session, api, after, stop);
    return undefined;
  } catch (error) {
    return asFailure(error, `Running ${plain(wish.bond)}`);
  }
}

/** Sequence number of the newest event there is, so that only newer ones are told. */
export async function lastEvent(api: ApiClient): Promise<number | undefined> {
  let last: number | undefined;
  for await (const { seq } of api.events({})) last = seq;
  return last;
}

async function build(session: Session, api: ApiClient, wish: RunWish, stop: StopRequest): Promise<void> {
  const { terminal } = session;
  const { bond, options, interfaces, takeDown, takeAddresses, addresses } = wish;
  // Up before members join, so that routes that move to the bond find it up.
  const steps = [
    () => api.create({ name: bond, options }),
    () => api.up(bond),
    () =>
      api.enslave(bond, {
        interfaces,
        ...(takeDown ? { takeDown } : {}),
        ...(takeAddresses ? { takeAddresses } : {}),
      }),
    ...(addresses.length > 0 ? [() => api.addAddresses(bond, { addresses })] : []),
  ];
  for (const step of steps) {
    if (stop.asked.aborted) return;
    tellWarnings(terminal, await step());
  }
  const at = addresses.length > 0 ? `, address ${addresses.join(', ')}` : '';
  terminal.out(
    `${bond} is up: members ${interfaces.map(plain).join(', ')}${at}. Ctrl-C puts everything back.\n`,
  );
}

/** Prints what happens after an event until a signal comes. */
export async function tellUntilStopped(
  session: Session,
  api: ApiClient,
  after: number | undefined,
  stop: StopRequest,
): Promise<void> {
  const { terminal } = session;
  if (stop.asked.aborted) return;
  for await (const event of api.events({ after, follow: true, signal: stop.asked })) {
    terminal.out(`${eventLine(event, { colour: terminal.colour, now: new Date() })}\n`);
  }
  if (!stop.asked.aborted) throw refusedFailure('The daemon stopped telling what happens.');
}
