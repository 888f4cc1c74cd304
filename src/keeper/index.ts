// What other rooms may use of `keeper`.
export { BondKeeper, recordsOf } from './bond-keeper.js';
export type {
  BondLink,
  Book,
  Candidate,
  Clock,
  Frames,
  Holder,
  Host,
  Intake,
  LinkChange,
  Links,
  Outage,
} from './ports.js';
export type {
  Counters,
  Leaving,
  MemberRecord,
  OriginalSettings,
  SavedBelongings,
  SavedKeeping,
  SavedMember,
  WantedMember,
} from './records.js';
export { guarded } from './trying.js';
