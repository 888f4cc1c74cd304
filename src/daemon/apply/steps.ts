// The steps by which bonds become as a file says, as data: each is done by carry-out.ts, and knows what undoes it. Pure.
import type { Described, LinkRequest, RouteRequest } from '../api/api.js';
import { unreachable } from '../../base/index.js';
import type { SavedBelongings, WantedMember } from '../../keeper/index.js';

/** Options or values by name. */
export type Texts = Readonly<Record<string, string>>;

/** A member that leaves, with what it needs to be one again as it was. */
export interface LeavingMember {
  readonly name: string;
  /** When it vanishes it is not awaited. */
  readonly forget: boolean;
  /** `prio` and `queue_id`. */
  readonly options: Texts;
}

/** What the kernel keeps of a bond's own interface: its addresses and routes, as the kernel's own messages. */
type Kept = Pick<SavedBelongings, 'addresses' | 'routes'>;

interface Kinds {
  readonly create: { readonly options: Texts };
  readonly destroy: object;
  /** Does nothing; undone it gives the bond the addresses and routes that it had, whatever became of them, and its active member. */
  readonly keep: { readonly had: Kept; readonly active: string | null };
  readonly 'give-back': { readonly had: Kept };
  /** The active member, where its link lets it be that. */
  readonly activate: { readonly member: string };
  /** What is noted to be of a file's making. */
  readonly describe: { readonly to: Described; readonly from: Described };
  /**
   * Options of the bond; those that are not as in `to` are set, together. `from` has all of them as they were. `isReset`: those of an
   * earlier file, which get their usual values.
   */
  readonly options: { readonly to: Texts; readonly from: Texts; readonly isReset?: boolean };
  /**
   * An option that speaks of one member: `eth0:3`, or a name. `from` is null where nothing need be undone. `mayMiss`: that member is
   * missing, which is told.
   */
  readonly 'member-option': {
    readonly option: string;
    readonly to: string;
    readonly from: string | null;
    readonly mayMiss?: boolean;
  };
  readonly link: { readonly to: LinkRequest; readonly from: LinkRequest };
  readonly up: object;
  readonly down: object;
  /** All or none. Addresses that move to a bond bring it up: `isUp` says whether it was that before. */
  readonly join: {
    readonly members: readonly string[];
    readonly takeDown: boolean;
    readonly takeAddresses: boolean;
    readonly isUp: boolean;
  };
  /**
   * One that joins now if it is there, and whenever it appears. `joins`: it is no member yet. `wanted`: the bond's list of such as it was.
   */
  readonly await: {
    readonly member: string;
    readonly takeDown: boolean;
    readonly takeAddresses: boolean;
    readonly options: Texts;
    readonly isUp: boolean;
    readonly joins: boolean;
    readonly wanted: readonly WantedMember[];
  };
  /** As if they had never joined: what came with them to the bond goes back to them too. */
  readonly unjoin: { readonly members: readonly string[]; readonly isUp: boolean };
  readonly want: { readonly wanted: readonly WantedMember[] };
  readonly leave: {
    readonly members: readonly LeavingMember[];
    /** Names that are only awaited. */
    readonly awaited: readonly string[];
    readonly wanted: readonly WantedMember[];
  };
  readonly rejoin: { readonly members: readonly LeavingMember[] };
  readonly 'add-addresses': { readonly addresses: readonly string[] };
  readonly 'remove-addresses': { readonly addresses: readonly string[] };
  /** Those in `added` are not there yet. `eachAlone`: one that cannot be made is told of, and the others are made. */
  readonly 'add-routes': {
    readonly routes: readonly RouteRequest[];
    readonly added: readonly RouteRequest[];
    readonly eachAlone: boolean;
  };
  readonly 'remove-routes': { readonly routes: readonly RouteRequest[] };
}

/** One step with one bond. */
export type Step = {
  readonly [Kind in keyof Kinds]: { readonly kind: Kind; readonly bond: string } & Kinds[Kind];
}[keyof Kinds];

export type StepKind = Step['kind'];
/** The step of this kind. */
export type StepOf<Kind extends StepKind> = Extract<Step, { kind: Kind }>;

/** What undoes a step that was done, in order; it does no harm where the step was done in part, or not at all. */
export function inverseOf(step: Step): readonly Step[] {
  const { bond } = step;
  switch (step.kind) {
    case 'create':
      return [{ kind: 'destroy', bond }];
    case 'keep': {
      const back: Step = { kind: 'give-back', bond, had: step.had };
      return step.active === null ? [back] : [{ kind: 'activate', bond, member: step.active }, back];
    }
    case 'describe':
      return [{ kind: 'describe', bond, to: step.from, from: step.to }];
    case 'options':
      return [{ kind: 'options', bond, to: step.from, from: step.to }];
    case 'link':
      return [{ kind: 'link', bond, to: step.from, from: step.to }];
    case 'member-option':
      return step.from === null
        ? []
        : [{ kind: step.kind, bond, option: step.option, to: step.from, from: step.to }];
    case 'up':
      return [{ kind: 'down', bond }];
    case 'down':
      return [{ kind: 'up', bond }];
    case 'join':
      return [{ kind: 'unjoin', bond, members: step.members, isUp: step.isUp }];
    case 'await':
      return [
        ...(step.joins ? [{ kind: 'unjoin', bond, members: [step.member], isUp: step.isUp } as const] : []),
        { kind: 'want', bond, wanted: step.wanted },
      ];
    case 'leave':
      return [
        { kind: 'rejoin', bond, members: step.members },
        { kind: 'want', bond, wanted: step.wanted },
      ];
    case 'add-addresses':
      return [{ kind: 'remove-addresses', bond, addresses: step.addresses }];
    case 'remove-addresses':
      return [{ kind: 'add-addresses', bond, addresses: step.addresses }];
    case 'add-routes':
      return step.added.length === 0 ? [] : [{ kind: 'remove-routes', bond, routes: step.added }];
    case 'remove-routes':
      return [{ kind: 'add-routes', bond, routes: step.routes, added: step.routes, eachAlone: true }];
    // Steps that only undo.
    case 'destroy':
    case 'give-back':
    case 'activate':
    case 'unjoin':
    case 'want':
    case 'rejoin':
      return [];
    default:
      return unreachable(step);
  }
}

/** What undoes all that was done, last first. With a bond that was made goes all that was done with it. */
export function undoOf(done: readonly Step[]): readonly Step[] {
  const made = new Set(done.filter(({ kind }) => kind === 'create').map(({ bond }) => bond));
  return done
    .toReversed()
    .filter(({ kind, bond }) => kind === 'create' || !made.has(bond))
    .flatMap(inverseOf);
}
