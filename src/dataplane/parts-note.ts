// The note of what a bond is made of, in one file for each bond, which is kept twice: which data plane it is of, and whether it is whole.
import { z } from 'zod';
import { err, ok, type Result, shown } from '../base/index.js';
import { readTwice, UnreadableFile } from '../linux/index.js';

/** An index as the kernel gives them. */
const INDEX = z.int().min(1).max(0x7fff_ffff);
/** Name of a lower end. */
const LOWER_NAME = z.string().regex(/^bwl-[0-9a-f]{8}$/);

/** How one data plane knows and checks its notes; fields that a later version added are let be. */
interface NoteForm {
  readonly isOurs: (note: Readonly<Record<string, unknown>>) => boolean;
  /** `finished` has what `unfinished` has, and this field. */
  readonly mark: string;
  readonly finished: z.ZodType;
  readonly unfinished: z.ZodType;
}

const pair = { lowerName: LOWER_NAME, bondIfindex: INDEX, lowerIfindex: INDEX };

const attachment = z.looseObject({
  kind: z.enum(['tcx', 'clsact', 'netkit']),
  // It is removed by this name.
  pin: z.string().regex(/\/bwl-[0-9a-f]{8}\/[a-z0-9-]+$/),
  ifindex: INDEX,
  ownsQdisc: z.boolean(),
});

export const EBPF_NOTE: NoteForm = {
  isOurs: note => note['kind'] === undefined && 'layoutVersion' in note,
  mark: 'transmit',
  unfinished: z.looseObject({ layoutVersion: z.int(), lowerName: LOWER_NAME }),
  finished: z.looseObject({
    ...pair,
    layoutVersion: z.int(),
    transmit: attachment,
    receive: z.record(z.string().regex(/^\d+$/), attachment),
    maps: z.looseObject({ state: INDEX, events: INDEX }).optional(),
    fields: z.record(z.string(), z.int().min(0)).optional(),
    leaseFields: z.record(z.string(), z.int().min(0)).optional(),
    exchanging: z.boolean().optional(),
  }),
};

const silence = z.looseObject({
  ifindex: INDEX,
  ownsQdisc: z.boolean(),
  settings: z.record(z.string().regex(/^[a-z_]+$/), z.string()).optional(),
});

export const USERSPACE_NOTE: NoteForm = {
  isOurs: note => note['kind'] === 'userspace',
  mark: 'lowerIfindex',
  unfinished: z.looseObject({ version: z.int(), lowerName: LOWER_NAME }),
  finished: z.looseObject({
    ...pair,
    version: z.int(),
    silenced: z.record(z.string().regex(/^\d+$/), silence),
    lowerSilence: silence,
  }),
};

type Note = Readonly<Record<string, unknown>>;

function parseNote(text: string): Result<Note, string> {
  try {
    const value: unknown = JSON.parse(text);
    const isNote = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isNote ? ok(value as Note) : err('it is no JSON object');
  } catch (error) {
    return err(shown((error as Error).message, 120));
  }
}

/**
 * What the file of a bond says; undefined when there is none, or it is of another data plane. Throws UnreadableFile for one that is
 * there and cannot be read or made sense of: its bond may well be at work.
 */
export function readNote(file: string, wanted: NoteForm): Note | undefined {
  const kept = readTwice(file, text => {
    const note = parseNote(text);
    if (!note.ok) return note;
    const form = [EBPF_NOTE, USERSPACE_NOTE].find(({ isOurs }) => isOurs(note.value));
    if (form === undefined) return err('it is the note of no data plane');
    const checked = (form.mark in note.value ? form.finished : form.unfinished).safeParse(note.value);
    if (checked.success) return ok(form === wanted ? note.value : undefined);
    const [issue] = checked.error.issues;
    return err(`"${shown((issue?.path ?? []).map(String).join('.'), 80)}": ${issue?.message ?? ''}`);
  });
  return kept?.value;
}

/** Reads a note for sweeping: of one that is damaged nothing is known, and one that cannot be read is not swept (UnreadableFile). */
export function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadableFile && error.kind === 'damaged') return undefined;
    throw error;
  }
}
