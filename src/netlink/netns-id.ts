// Numbers by which one network namespace knows others (RTM_GETNSID, struct rtgenmsg): what IFLA_NEW_NETNSID tells.
import { ok, type Result } from '../base/index.js';
import {
  emitAttributes,
  type FieldTable,
  parseAttributes,
  readFields,
  s32,
  u32Attribute,
} from './attribute.js';

export const RTM_NEWNSID = 88;
export const RTM_GETNSID = 90;

const NETNSA_NSID = 1;
const NETNSA_FD = 3;
/** struct rtgenmsg with its padding. */
const RTGENMSG_LENGTH = 4;

const FIELDS: FieldTable<{ id: number }> = { id: [NETNSA_NSID, s32] };

/** The question by which number the namespace behind a file descriptor is known. */
export function emitNetnsIdQuestion(netnsFd: number): Uint8Array {
  const attributes = emitAttributes([u32Attribute(NETNSA_FD, netnsFd)]);
  const payload = new Uint8Array(RTGENMSG_LENGTH + attributes.length);
  payload.set(attributes, RTGENMSG_LENGTH);
  return payload;
}

/** The answer; -1 when it has no number here. */
export function parseNetnsId(payload: Uint8Array): Result<number, string> {
  const attributes = parseAttributes(payload, RTGENMSG_LENGTH);
  if (!attributes.ok) return attributes;
  return ok(readFields(FIELDS, attributes.value).fields.id ?? -1);
}
