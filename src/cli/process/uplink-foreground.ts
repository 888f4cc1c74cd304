// The life of `bondwire uplink run`: a daemon in this process, the uplink, what happens to it, and everything back at the end.
import type { ApiClient } from '../api-client.js';
import type { UplinkSettings } from '../../uplinks/index.js';
import { tellWarnings } from '../printing/changed.js';
import { plain } from '../printing/plain.js';
import { uplinkTable } from '../printing/uplink-table.js';
import { asFailure, type Failure } from '../reading/failure.js';
import { plural } from '../reading/units.js';
import { lastEvent, tellUntilStopped, withOwnDaemon } from './foreground.js';
import type { Session } from './session.js';
import type { StopRequest } from './stop-request.js';

/** So long lines have to prove themselves before the first picture of them. */
const FIRST_LOOK_MS = 1500;

/** Returns when a signal ended it and everything is back as it was. */
export async function runUplinkInForeground(session: Session, settings: UplinkSettings): Promise<void> {
  const impatient = 'still putting everything back; ending it now would leave routes and rules half changed.';
  await withOwnDaemon(session, 'uplink run', impatient, (api, stop) =>
    makeAndTell(session, api, settings, stop),
  );
}

/** Returns what went wrong instead, if something did. */
async function makeAndTell(
  session: Session,
  api: ApiClient,
  settings: UplinkSettings,
  stop: StopRequest,
): Promise<Failure | undefined> {
  const { terminal } = session;
  try {
    const after = await lastEvent(api);
    if (stop.asked.aborted) return undefined;
    tellWarnings(terminal, await api.configureUplink(settings));
    terminal.out(
      `${plain(settings.name)} is at work with ${plural(settings.lines.length, 'line')}. Ctrl-C puts everything back.\n`,
    );
    const look = setTimeout(() => void showOnce(session, api, stop), FIRST_LOOK_MS);
    try {
      await tellUntilStopped(session, api, after, stop);
    } finally {
      clearTimeout(look);
    }
    return undefined;
  } catch (error) {
    return asFailure(error, `Running ${plain(settings.name)}`);
  }
}

/** A picture of the lines; without one what happens is told all the same. */
async function showOnce({ terminal }: Session, api: ApiClient, stop: StopRequest): Promise<void> {
  try {
    const { uplink } = await api.uplink();
    if (uplink !== null && !stop.asked.aborted) terminal.out(uplinkTable(uplink, terminal.colour));
  } catch {
    // The daemon is ending.
  }
}
