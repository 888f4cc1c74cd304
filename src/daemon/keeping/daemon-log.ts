// Where a daemon logs to: RUN_DIR/bondwire.log, and standard error when asked to.
import pino, { type Logger } from 'pino';
import { LogFile } from './log-file.js';

export function openLog(runDir: string, toStderr: boolean): Logger {
  const streams: pino.StreamEntry[] = [{ level: 'info', stream: new LogFile(`${runDir}/bondwire.log`) }];
  if (toStderr) {
    const stream = pino.destination({ dest: 2, sync: true });
    // Whoever read it is gone, or its disk is full.
    stream.on('error', () => {});
    streams.push({ level: 'info', stream });
  }
  return pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.multistream(streams));
}
