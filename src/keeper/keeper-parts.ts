// What a keeper is made from: a host, a policy, and what the book has of the bond.
import type { Bond, MemberIndex } from '../policy/index.js';
import type { Host } from './ports.js';
import type { MemberRecord, SavedKeeping, SavedMember } from './records.js';

/** The policy, as far as it is driven: `Bond`, or one that a test puts in its place. */
export type KeptPolicy = Pick<
  Bond,
  | 'handle'
  | 'outputs'
  | 'deadline'
  | 'rest'
  | 'facts'
  | 'members'
  | 'lease'
  | 'snapshot'
  | 'plan'
  | 'save'
  | 'addressesFor'
  | 'revision'
>;

/** What a keeper is made from: anew, or of what the book has. */
export interface KeeperParts<H extends Host> {
  readonly host: H;
  readonly policy: KeptPolicy;
  /** The host may have it too; see `recordsOf`. */
  readonly records: Map<MemberIndex, MemberRecord>;
  readonly saved?: Partial<Omit<SavedKeeping, 'name' | 'policy' | 'members'>>;
}

/** Members as the book has them, to be changed. */
export function recordsOf(members: readonly SavedMember[]): Map<MemberIndex, MemberRecord> {
  return new Map(members.map(({ original, ...record }) => [original.ifindex, { original, ...record }]));
}
