// mwan3's file, /etc/config/mwan3 of OpenWrt, as an uplink: interfaces are lines, the policy of the rule for all packets gives their
// order, other rules are rules. Each option is told: what it became, or why it has no counterpart. (config)
import { shown } from '../../base/index.js';
import { DEFAULT_MARK_MASK, type UplinkSettings } from '../../uplinks/index.js';
import type { UplinkText } from '../bondwire/uplink-schema.js';
import { uplinkOf } from '../bondwire/uplink-wish.js';
import type { Finding, Place, SourceFile } from '../facts.js';
import { type LineDraft, linesOf } from './mwan3-lines.js';
import { type Order, orderOf } from './mwan3-order.js';
import { Policies } from './mwan3-policies.js';
import { type PlacedRule, placedRules, readRules, stickyOf } from './mwan3-rules.js';
import { timingOf } from './mwan3-timing.js';
import { Telling, valueOf } from './telling.js';
import { isUciNetwork, parseUci, type UciSection } from './uci-file.js';

export interface Mwan3Import {
  /** Null: there is no such file, or it enables no interface. */
  readonly uplink: UplinkSettings | null;
  /** The first of mwan3's files. */
  readonly file: string;
  readonly findings: readonly Finding[];
}

const NAME = 'uplink0';
const MWAN3_MASK = 0x3f00;
const TYPES: ReadonlySet<string> = new Set(['globals', 'interface', 'member', 'policy', 'rule']);

/** `files`: mwan3's, and that of OpenWrt's network, which says which devices its interfaces are. */
export function readMwan3(files: readonly SourceFile[]): Mwan3Import {
  const own = files.filter(file => !isUciNetwork(file));
  const [first] = own;
  if (first === undefined) return { uplink: null, file: '', findings: [] };
  const parsed = own.map(parseUci);
  const networks = files.filter(isUciNetwork).map(parseUci);
  const telling = new Telling();
  for (const { findings } of [...parsed, ...networks]) telling.findings.push(...findings);
  const sections = parsed.flatMap(file => file.sections);
  const network = networks.length === 0 ? null : networks.flatMap(file => file.sections);
  const start: Place = sections[0]?.place ?? { file: first.path, line: 1 };
  const uplink = read(sections, network, start, telling);
  return { uplink, file: first.path, findings: telling.findings };
}

function read(
  sections: readonly UciSection[],
  network: readonly UciSection[] | null,
  start: Place,
  telling: Telling,
): UplinkSettings | null {
  const drafts = linesOf(sections, network, telling);
  const policies = new Policies(
    sections,
    drafts.flatMap(({ ways }) => ways),
    telling,
  );
  const rules = readRules(sections, network, policies, telling);
  const mask = maskOf(sections, telling);
  policies.tellUnused();
  if (drafts.length === 0) {
    const message =
      "No interface here is enabled (option enabled '1'), so there is no line, and no uplink was made of it.";
    telling.tell('error', start, message);
    return null;
  }
  const order = orderOf(drafts, rules, telling);
  const lines = order.lines.map(({ draft }) => draft);
  const timing = timingOf(lines, telling);
  const placed = placedRules(
    rules,
    lines.map(({ name }) => name),
    order.mode,
    telling,
  );
  const sticky = stickyOf(rules, order.mode, telling);
  tellOfAll(lines, start, telling);
  // Lines that were left out were told as a whole.
  for (const { section } of drafts.filter(draft => !lines.includes(draft)).flatMap(({ ways }) => ways))
    telling.markAll(section);
  for (const section of sections) {
    if (!TYPES.has(section.type)) tellUnknown(section, telling);
    telling.rest(section);
  }
  return settingsOf(
    { ...textOf(order, placed, sticky), ...timing, mark_mask: mask },
    { lines, placed, start },
    telling,
  );
}

function tellUnknown(section: UciSection, telling: Telling): void {
  telling.markAll(section);
  const { type, name, place } = section;
  const what =
    name === null
      ? `section of the type ${shown(type)}`
      : `section ${shown(name)} of the type ${shown(type)}`;
  telling.tell('warning', place, `The ${what} is none of mwan3's that is known here; it was left out.`);
}

function textOf(order: Order, placed: readonly PlacedRule[], sticky: 'client' | 'flow'): UplinkText {
  return {
    lines: Object.fromEntries(
      order.lines.map(({ draft, weight }) => [
        draft.name,
        { device: draft.device, metered: false, weight: String(weight), targets: draft.targets },
      ]),
    ),
    mode: order.mode,
    sticky,
    nat: 'none',
    rules: placed.map(({ text }) => text),
  };
}

/** Settings by the reader of bondwire.yaml, so that the same is refused. */
function settingsOf(
  text: UplinkText,
  places: {
    readonly lines: readonly LineDraft[];
    readonly placed: readonly PlacedRule[];
    readonly start: Place;
  },
  telling: Telling,
): UplinkSettings {
  const placeOf = (...keys: readonly string[]): Place => {
    const [part, which] = keys;
    const line = part === 'lines' ? places.lines.find(({ name }) => name === which)?.place : undefined;
    const rule = part === 'rules' ? places.placed[Number(which)]?.place : undefined;
    return line ?? rule ?? places.start;
  };
  const { settings, findings } = uplinkOf(NAME, text, placeOf);
  telling.findings.push(...findings);
  return settings;
}

/** What holds for the whole, and what mwan3 cannot say. */
function tellOfAll(lines: readonly LineDraft[], start: Place, telling: Telling): void {
  const place = lines[0]?.place ?? start;
  telling.tell(
    'note',
    place,
    'mwan3 leaves NAT to the firewall of OpenWrt (option masq), so "nat" is none; where no firewall does it, write "nat: masquerade".',
  );
  telling.tell(
    'note',
    place,
    'mwan3 does not know what a line costs: write "metered: true" for one that costs by volume or time, and a "budget".',
  );
  telling.tell(
    'warning',
    start,
    'mwan3 must not run beside Bondwire, as its own rules come first: "/etc/init.d/mwan3 stop" and "/etc/init.d/mwan3 disable" before this is applied.',
  );
}

/** `mark_mask`; undefined: ours. */
function maskOf(sections: readonly UciSection[], telling: Telling): string | undefined {
  let mask: string | undefined;
  const ours = `0x${DEFAULT_MARK_MASK.toString(16)}`;
  for (const section of sections.filter(({ type }) => type === 'globals')) {
    const text = valueOf(section, 'mmx_mask');
    const value =
      text !== undefined && /^(?:0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) ? Number(text) : Number.NaN;
    if (value === MWAN3_MASK)
      telling.about(
        section,
        ['mmx_mask'],
        'note',
        `mmx_mask ${shown(text ?? '')} is mwan3's default; Bondwire's own, ${ours}, was taken, so that what is left of the one does not look like the other's.`,
      );
    else if (text !== undefined && /^1+0*$/.test(value.toString(2)) && value <= 0xffff_ffff) {
      telling.about(section, ['mmx_mask'], 'understood', `mmx_mask ${shown(text)} is the "mark_mask".`);
      mask = text;
    } else if (text !== undefined)
      telling.about(
        section,
        ['mmx_mask'],
        'warning',
        `mmx_mask ${shown(text)} is none of bits that stand together; ${ours} was taken.`,
      );
    tellOfGlobals(section, telling);
  }
  return mask;
}

function tellOfGlobals(section: UciSection, telling: Telling): void {
  const notes: readonly (readonly [readonly string[], string])[] = [
    [
      ['rtmon_interval', 'rtmon_interface'],
      'routes of table main are followed at once, as the kernel tells of them',
    ],
    [['local_source', 'local_track_ip'], "the gateway's own packets go by the lines as all others"],
    [['logging', 'loglevel'], 'what happens is among the events ("bondwire events")'],
    [['enabled', 'iface_max'], 'it says nothing of lines or rules'],
  ];
  for (const [names, why] of notes)
    telling.ofGiven(section, names, 'note', given => `${given} has no counterpart: ${why}.`);
  telling.ofGiven(
    section,
    ['rt_table_lookup'],
    'warning',
    given =>
      `${given}: here only routes of table main come before the lines; for those of other tables make a rule of their own with a preference below 32000.`,
  );
}
