// How a bond ends: its members are let go, its interface goes, and what was taken from interfaces goes back to them. The addresses
// and the way out are there again before anything that can wait.
import { type Refusal, type Result, twice } from '../base/index.js';
import type { Input, MemberIndex } from '../policy/index.js';
import type { Holder, Host } from './ports.js';
import type { MemberRecord, SavedBelongings } from './records.js';

/** What its end needs of a bond. */
export interface EndingBond extends Holder {
  readonly host: Host;
  readonly name: string;
  readonly records: Map<MemberIndex, MemberRecord>;
  taken: readonly SavedBelongings[];
  ending: boolean;
  feed(input: Input): Result<undefined, Refusal>;
  resync(): boolean;
  releaseHeld(): void;
  takeDown(): void;
}

/** Ends a bond that is there. All but many routes is done when this returns; `done` comes when those are. */
export function destroy(bond: EndingBond, done: () => void): void {
  const { links, packets, book } = bond.host;
  const { name } = bond;
  const isThere = twice(() => links.bond()) !== undefined;
  if (isThere && bond.taken.length > 0)
    bond.taken = twice(() => links.planReturn(bond.taken, ifindex => willBeUp(bond, ifindex)));
  const before = (): void => {
    // Down first: nobody is to be told of failovers from member to member while they leave.
    if (!isThere) return;
    twice(() => links.set(packets.bondIfindex, { up: false }));
    twice(() => bond.resync());
  };
  dismantle(bond, before, () => {
    book.tell({ severity: 'info', type: 'left', message: `${name} was destroyed` });
    done();
  });
}

/** Releases all members and removes everything; what is in `taken` goes back. `before` comes when that is written down. */
export function dismantle(bond: EndingBond, before: () => void, done: () => void): void {
  const { host, name } = bond;
  bond.ending = true;
  // One that is a member of another bond by now has other uses.
  bond.taken = bond.taken.filter(({ ifindex }) => isFree(bond, ifindex));
  bond.save();
  const homecoming = host.links.homecoming(bond.taken);
  const homes = new Set(bond.taken.map(({ ifindex }) => ifindex));
  // From here on there is no way back: what fails is tried once more, and keeps nothing else from being done.
  attempt(bond, before);
  letGo(bond, member => homes.has(member));
  attempt(bond, () => bond.releaseHeld());
  attempt(bond, () => homecoming.first());
  letGo(bond, () => true);
  try {
    bond.takeDown();
  } catch (error) {
    left(bond, `${name} left something behind: ${(error as Error).message}`);
  }
  // The book keeps it until all is back: a keeper that starts in between goes on with that.
  host.parted();
  bond.save();
  const free = (ifindex: MemberIndex): boolean => isFree(bond, ifindex);
  homecoming.rest(free, problems => {
    for (const problem of problems) left(bond, `${name} could not give everything back: ${problem}`);
    bond.taken = [];
    host.ended();
    bond.save();
    done();
  });
}

function attempt(bond: EndingBond, step: () => void): void {
  try {
    twice(step);
  } catch (error) {
    left(bond, `A step of the end of ${bond.name} failed: ${(error as Error).message}`);
  }
}

function willBeUp({ host, heldDown, records }: EndingBond, ifindex: MemberIndex): boolean {
  const link = host.links.read(ifindex);
  if (link === undefined) return false;
  return heldDown.has(ifindex) || (records.get(ifindex)?.original.up ?? link.adminUp);
}

function letGo(bond: EndingBond, which: (member: MemberIndex) => boolean): void {
  for (const member of Array.from(bond.records.keys()))
    if (which(member)) bond.feed({ kind: 'leave', member, cause: 'released' });
}

/** No other bond has it. */
function isFree(bond: EndingBond, ifindex: MemberIndex): boolean {
  return bond.host.holders().every(holder => holder === bond || !holder.records.has(ifindex));
}

function left(bond: EndingBond, message: string): void {
  bond.host.book.tell({ severity: 'error', type: 'left', message });
}
