// What other rooms may use of `keeper`.
export { BondKeeper } from './bond-keeper.js';
export { type KeptPolicy, recordsOf } from './keeper-parts.js';
export { movesTraffic } from './moving.js';
export { giveUp } from './giving-up.js';
export type {
  BondLink,
  Book,
  Candidate,
  Clock,
  Frames,
  Holder,
  Homecoming,
  Host,
  Intake,
  LinkChange,
  Links,
  Outage,
  Packets,
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
