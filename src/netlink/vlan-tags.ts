// VLAN tags as sets of numbers, and the classic BPF program that tells frames with one of them from others.
import { classicStep, type ClassicStep, CLASSIC } from './classic-bpf.js';
import { ETH_P_8021AD, ETH_P_8021Q, type VlanSettings } from './link-kinds.js';

/** Bit of a tag's number that says 802.1ad; the VLAN ID is below it. */
export const TAG_8021AD = 0x1000;

/** A tag as one number; undefined for a protocol that is neither 802.1Q nor 802.1ad. */
export function tagNumber({ id, protocol }: VlanSettings): number | undefined {
  if (protocol === ETH_P_8021Q) return id;
  return protocol === ETH_P_8021AD ? TAG_8021AD | id : undefined;
}

/** What a tag's number stands for. */
export function tagSettings(tag: number): VlanSettings {
  return { id: tag & (TAG_8021AD - 1), protocol: (tag & TAG_8021AD) === 0 ? ETH_P_8021Q : ETH_P_8021AD };
}

/** Tags that follow each other, both ends included. */
export interface TagRange {
  readonly first: number;
  readonly last: number;
}

/** The same tags as few ranges, in ascending order. */
export function tagRanges(tags: Iterable<number>): TagRange[] {
  const ranges: { first: number; last: number }[] = [];
  for (const tag of [...new Set(tags)].toSorted((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range?.last === tag - 1) range.last = tag;
    else ranges.push({ first: tag, last: tag });
  }
  return ranges;
}

/** Ranges that a classic program has room for (BPF_MAXINSNS, three steps each). */
export const MOST_RANGES = 1300;

const [VLAN_TAG, VLAN_PRESENT, VLAN_PROTOCOL] = [44, 48, 60].map(offset => (0xffff_f000 + offset) >>> 0) as [
  number,
  number,
  number,
];

/**
 * A classic program that returns `tagged` for frames whose outer tag is one of these, and `other` for the rest. It sees the tag
 * where the kernel keeps it, beside the frame (vlan_get_tag). Throws RangeError for more than MOST_RANGES.
 */
export function tagProgram(ranges: readonly TagRange[], tagged: number, other: number): ClassicStep[] {
  if (ranges.length > MOST_RANGES) throw new RangeError(`${ranges.length} ranges of VLAN tags are too many`);
  const { LOAD_WORD, LOAD_INDEX, JUMP, JUMP_EQUAL, JUMP_GREATER, JUMP_NOT_BELOW, AND, OR_INDEX, RETURN } =
    CLASSIC;
  const step = classicStep;
  if (ranges.length === 0) return [step(RETURN, other)];
  return [
    step(LOAD_WORD, VLAN_PRESENT),
    step(JUMP_EQUAL, 0, 0, 1),
    step(RETURN, other),
    step(LOAD_WORD, VLAN_PROTOCOL),
    step(JUMP_EQUAL, ETH_P_8021Q, 0, 2),
    step(LOAD_INDEX, 0),
    step(JUMP, 3),
    step(JUMP_EQUAL, ETH_P_8021AD, 1, 0),
    step(RETURN, other),
    step(LOAD_INDEX, TAG_8021AD),
    step(LOAD_WORD, VLAN_TAG),
    step(AND, TAG_8021AD - 1),
    step(OR_INDEX, 0),
    ...ranges.flatMap(({ first, last }) => [
      step(JUMP_NOT_BELOW, first, 0, 2),
      step(JUMP_GREATER, last, 1, 0),
      step(RETURN, tagged),
    ]),
    step(RETURN, other),
  ];
}
