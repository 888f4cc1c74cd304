// What the state file keeps of lacp_fast_silence.
import { z } from 'zod';
import type { SavedBond } from '../../policy/index.js';
import { alike, count, fields, flag, ifindex, time } from './schema-parts.js';

type Silence = NonNullable<SavedBond['state']['silence']>;
type PortWatch = Silence['ports'][number];

/** lacp_fast_silence: what is known of each port. */
export const silence: z.ZodType<Silence> = fields<Silence>({
  transaction: count,
  sequence: count,
  roundMs: time,
  ports: z.array(
    fields<PortWatch>({
      member: ifindex,
      ...alike(['heardMs', 'slowMs', 'trafficMs', 'trialMs', 'suspectMs', 'helloMs', 'toldMs'], time),
      silent: z.enum(['markers', 'hellos', 'told']).nullable(),
      answers: flag,
      ...alike(['misses', 'trial', 'failed', 'greeted'], count),
      sent: z.array(fields<PortWatch['sent'][number]>({ id: count, atMs: time })),
      answeredMs: time.nullable(),
      ledMs: time.nullable(),
      suspicion: fields<NonNullable<PortWatch['suspicion']>>({
        sinceMs: time,
        ...alike(['asked', 'compared', 'seconded'], count),
      }).nullable(),
      hellos: z.array(time),
    }),
  ),
});
