// How an interface joins a bond, in steps that are undone when one fails, also by the next keeper (invariant 2 of the house).
import { err, ok, type Refusal, type Result, systemRefusal, twice } from '../base/index.js';
import type { BondFacts, Input, MemberIndex, MemberSnapshot } from '../policy/index.js';
import type { Candidate, Holder, Host } from './ports.js';
import { lifeOf, MEMBERSHIP } from './membership.js';
import { guarded } from './trying.js';
import type { Leaving, MemberRecord, SavedBelongings } from './records.js';

/** What joining needs of the bond that is joined. */
export interface JoinedBond extends Holder {
  readonly host: Host;
  readonly name: string;
  readonly policy: {
    facts(): BondFacts;
    members(): readonly Pick<MemberSnapshot, 'member'>[];
  };
  readonly records: Map<MemberIndex, MemberRecord>;
  taken: readonly SavedBelongings[];
  feed(input: Input, options?: { readonly strict?: boolean }): Result<undefined, Refusal>;
  resync(): boolean;
  stackChanged(): void;
  finishLeaving(member: MemberIndex, leaving: Leaving): void;
}

/** One that was looked at just now joins: all of it, or it is as it was, and why. */
export function join(bond: JoinedBond, candidate: Candidate): Result<undefined, Refusal> {
  const { host, records } = bond;
  const { links, packets, intake, book } = host;
  const { name, original, belongings, counted } = candidate;
  const member = original.ifindex;
  const holders = host.holders().filter(({ heldDown }) => heldDown.has(member));
  const had = belongings.addresses.length + belongings.routes.length > 0;
  const record: MemberRecord = { original, joining: true, took: had, counted };
  const takenBefore = bond.taken;
  records.set(member, record);
  if (had) bond.taken = [...takenBefore, belongings];
  const failed = `${name} cannot join ${bond.name}, and is as it was`;
  const unwritten = book.note(failed);
  if (unwritten !== undefined) {
    records.delete(member);
    bond.taken = takenBefore;
    // The book may have it, and its copy not.
    bond.save();
    return err(unwritten);
  }
  try {
    links.takeOver(belongings);
    if (original.up) links.set(member, { up: false });
    links.silence(original);
    packets.addMember(member);
    intake.joins(member);
    const link = links.read(member) ?? candidate.link;
    const canSetAddress = bond.policy.facts().keepsAddresses || links.takesAddress(member);
    const joined = bond.feed(
      { kind: 'join', member, link, permanentAddress: original.address, canSetAddress },
      { strict: true },
    );
    if (!joined.ok) {
      undo(bond, member);
      return joined;
    }
    const opened = links.opened(member);
    if (opened !== undefined) bond.feed({ kind: 'opened', member, link: opened }, { strict: true });
    if (had) {
      const bringRest = links.bring(belongings);
      bond.resync();
      bringRest();
    }
  } catch (error) {
    undo(bond, member);
    return err(systemRefusal(error, failed));
  }
  tellLeft(bond, links.putSourced(belongings));
  record.joining = false;
  // One that an earlier membership left down is to be up in the end all the same.
  if (holders.length > 0) record.original = { ...record.original, up: true };
  for (const holder of holders) {
    holder.heldDown.delete(member);
    if (holder !== bond) holder.save();
  }
  // What was dropped while there was nobody to send is no outage.
  packets.takeLoss();
  bond.stackChanged();
  intake.joined();
  book.saveSoon();
  return ok(undefined);
}

/** Gives an interface back as it was, wherever in its joining it stands. */
export function undo(bond: JoinedBond, ifindex: MemberIndex): void {
  const { host, records } = bond;
  const { links, packets, intake, book } = host;
  const record = records.get(ifindex);
  const known = bond.policy.members().some(({ member }) => member === ifindex);
  if (record !== undefined) {
    record.joining = true;
    bond.save();
  }
  // Not what an earlier membership brought: that is the bond's until its end.
  const last = bond.taken.findLast(saved => saved.ifindex === ifindex);
  const returned = record?.took === false || last === undefined ? undefined : { ...last, returning: true };
  if (returned !== undefined) {
    bond.taken = bond.taken.map(saved => (saved === last ? returned : saved));
    bond.save();
    // Whatever fails on the way back, the interface gets what it had.
    guarded(book, () => twice(() => links.takeBack(returned)));
  }
  if (known) bond.feed({ kind: 'leave', member: ifindex, cause: 'undo' });
  guarded(book, () => intake.release(ifindex));
  guarded(book, () => packets.removeMember(ifindex));
  records.delete(ifindex);
  if (record !== undefined) tellLeft(bond, links.restore(record.original, { address: true }));
  if (returned !== undefined) {
    tellLeft(bond, links.giveBack(returned));
    tellLeft(bond, links.putSourced(returned));
    bond.taken = bond.taken.filter(saved => saved !== returned);
  }
  bond.save();
}

/** Undoes the joinings that an earlier keeper did not finish, and finishes the leavings. */
export function undoUnfinished(bond: JoinedBond): void {
  const { book, packets } = bond.host;
  const note = (what: string, name: string): void => {
    const message = `The ${what} of ${name} was cut short by the end of an earlier daemon; it is as it was`;
    book.tell({ severity: 'warning', type: 'left', message });
  };
  for (const member of packets.members()) if (!bond.records.has(member)) packets.removeMember(member);
  const known = new Set([...bond.records.keys(), ...bond.taken.map(({ ifindex }) => ifindex)]);
  for (const ifindex of known) {
    const record = bond.records.get(ifindex);
    const inPlane = packets.members().includes(ifindex);
    const belongings = bond.taken.findLast(saved => saved.ifindex === ifindex);
    const { does } = MEMBERSHIP[lifeOf(record, { inPlane, belongings })].start;
    if (does === 'undo') {
      undo(bond, ifindex);
      if (record !== undefined) note('joining', record.original.name);
    } else if (does === 'finish' && record?.leaving !== undefined) {
      bond.finishLeaving(ifindex, record.leaving);
      note('leaving', record.original.name);
    } else if (does === 'forget') {
      bond.records.delete(ifindex);
      bond.feed({ kind: 'leave', member: ifindex, cause: 'released' });
    }
  }
}

function tellLeft(bond: JoinedBond, problems: readonly string[]): void {
  for (const message of problems) bond.host.book.tell({ severity: 'error', type: 'left', message });
}
