// `bondwire uplink drill`: begins a drill and tells what comes of it.
import type { UplinkDrill } from '../../daemon/api/uplink-api.js';
import type { ApiClient } from '../api-client.js';
import { tellWarnings } from '../printing/changed.js';
import { eventLine } from '../printing/event-line.js';
import { advice, plain } from '../printing/plain.js';
import { span } from '../reading/units.js';
import { lastEvent } from './foreground.js';
import type { Session } from './session.js';
import { stopRequest } from './stop-request.js';

/** After the drill the line proves itself again before anything is told of its return. */
const AFTER_MS = 5000;

/** Tells events of the uplink until the drill is over, and a little longer. */
export async function drillAndTell(session: Session, api: ApiClient, drill: UplinkDrill): Promise<void> {
  const { terminal } = session;
  const stop = stopRequest(terminal, 'the telling is ending; the drill goes on until its time is over.');
  try {
    const after = await lastEvent(api);
    tellWarnings(terminal, await api.drillUplink(drill));
    terminal.out(`${plain(drill.line)} is taken for failed (${drill.kind}) for ${span(drill.forMs)}.\n`);
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), drill.forMs + AFTER_MS);
    const signal = AbortSignal.any([over.signal, stop.asked]);
    try {
      for await (const event of api.events({ after, follow: true, signal })) {
        if (event.uplink !== undefined)
          terminal.out(`${eventLine(event, { colour: terminal.colour, now: new Date() })}\n`);
      }
    } finally {
      clearTimeout(timer);
    }
    if (!stop.asked.aborted)
      terminal.out(
        `The drill is over; '${advice('bondwire uplink history')}' tells when ${plain(drill.line)} is gone back to.\n`,
      );
  } finally {
    stop.release();
  }
}
