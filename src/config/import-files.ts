// Files of any format in, bonds and findings out: the whole of an import. (config)
import { shown } from '../base/index.js';
import type { UplinkSettings } from '../uplinks/index.js';
import { assemble } from './assemble.js';
import { parseBondwireYaml } from './bondwire/bondwire-yaml.js';
import { readCloudInit } from './cloud-init/cloud-init.js';
import type { Fact, Finding, KnownInterface, SourceFile } from './facts.js';
import { foreignIn, mayBeForeign } from './foreign-formats.js';
import { readIfcfg } from './ifcfg/ifcfg.js';
import { readInterfaces } from './interfaces/interfaces-file.js';
import { readModuleConf } from './module/module-conf.js';
import { readKeyfiles } from './network-manager/nm-keyfile.js';
import { readNetplan } from './netplan/netplan.js';
import { readNetworkd } from './networkd/networkd.js';
import { readNmstate } from './nmstate/nmstate.js';
import { otherBond } from './network-rules.js';
import { type Format, recognise } from './recognise.js';
import { readScript } from './shell/scripts.js';
import { readTeamd } from './teamd/teamd.js';
import { templateIn } from './templates.js';
import { isUciNetwork } from './uci/uci-file.js';
import { readMwan3 } from './uci/mwan3.js';
import type { BondWish } from './wishes.js';

export interface Import {
  readonly bonds: readonly BondWish[];
  /** Null: no file speaks of lines to the internet, or what they say makes no uplink. */
  readonly uplink: UplinkSettings | null;
  /** In the order of the files and their lines. */
  readonly findings: readonly Finding[];
  readonly files: readonly { readonly path: string; readonly format: Format | null }[];
}

type Reader = (files: readonly SourceFile[], machine: readonly KnownInterface[]) => Fact[];

function oneByOne(read: (file: SourceFile) => Fact[]): Reader {
  return files => files.flatMap(read);
}

/** All files of a format at once, as they speak of each other. */
const READERS: Readonly<Record<Exclude<Format, 'bondwire' | 'uci'>, Reader>> = {
  modules: readModuleConf,
  ifcfg: readIfcfg,
  interfaces: readInterfaces,
  netplan: readNetplan,
  networkd: readNetworkd,
  teamd: oneByOne(readTeamd),
  keyfile: readKeyfiles,
  nmstate: readNmstate,
  'cloud-init': readCloudInit,
  script: oneByOne(readScript),
};

/** In this order what they say counts: defaults of the module before wishes for one bond. */
const FORMATS = [
  'modules',
  'script',
  'ifcfg',
  'interfaces',
  'cloud-init',
  'netplan',
  'teamd',
  'networkd',
  'nmstate',
  'keyfile',
] as const;

/** Formats in which $NAME is no template. */
const WITH_VARIABLES: ReadonlySet<Format> = new Set(['ifcfg', 'modules', 'script']);

/** Reads files of any format together. `machine`: its interfaces, for those named by pattern or MAC address. */
export function importFiles(given: readonly SourceFile[], machine: readonly KnownInterface[] = []): Import {
  // Editors of other systems put a byte order mark before the first line.
  const files = given.map(({ path, text }) => ({ path, text: text.replace(/^\uFEFF/, '') }));
  const facts: Fact[] = [];
  const own: BondWish[] = [];
  const findings: Finding[] = [];
  const recognised = recognisedOf(files);
  const uplinks: { readonly file: string; readonly settings: UplinkSettings }[] = [];
  const isAlone = recognised.every(({ format }) => format === null);
  for (const { file, format, template } of recognised) {
    if (format === null || (format === 'uci' && isUciNetwork(file))) {
      const foreign = foreignIn(file, isAlone ? 'error' : 'warning');
      const message = 'This is none of the formats that are read here; see docs/import.md.';
      findings.push(...foreign);
      if (foreign.length === 0 && format === null && (isAlone || !mayBeForeign(file.path)))
        findings.push({ level: 'error', place: { file: file.path, line: 1 }, message });
    } else if (template !== null) findings.push(template);
    else if (format === 'bondwire') {
      const parsed = parseBondwireYaml(file);
      own.push(...parsed.bonds);
      findings.push(...parsed.findings);
      if (parsed.uplink !== null) uplinks.push({ file: file.path, settings: parsed.uplink });
    }
  }
  const mwan3 = readMwan3(recognised.flatMap(({ file, format }) => (format === 'uci' ? [file] : [])));
  findings.push(...mwan3.findings);
  if (mwan3.uplink !== null) uplinks.push({ file: mwan3.file, settings: mwan3.uplink });
  for (const { file, settings } of uplinks.slice(1)) {
    const message = `${shown(settings.name)} is a second uplink beside that of ${shown(uplinks[0]?.file ?? '')}; a network namespace has one, so leave one of the files out.`;
    findings.push({ level: 'error', place: { file, line: 1 }, message });
  }
  for (const format of FORMATS) {
    const group = recognised.flatMap(each =>
      each.format === format && each.template === null ? [each.file] : [],
    );
    facts.push(...READERS[format](group, machine));
  }
  const assembled = assemble(facts, machine);
  const bonds = [...assembled.bonds];
  const ownPlace = {
    file: recognised.find(({ format }) => format === 'bondwire')?.file.path ?? '',
    line: 1,
  };
  for (const message of clashes(own, assembled.bonds))
    findings.push({ level: 'error', place: ownPlace, message });
  for (const bond of own) {
    if (bonds.every(({ name }) => name !== bond.name)) bonds.push(bond);
    else {
      findings.push({
        level: 'error',
        place: ownPlace,
        message: `${shown(bond.name)} is described by another file too; leave one of them out.`,
      });
    }
  }
  const rank = new Map(files.map(({ path }, at) => [path, at]));
  const sorted = [...findings, ...assembled.findings].toSorted(
    ({ place: a }, { place: b }) =>
      (rank.get(a.file) ?? 0) - (rank.get(b.file) ?? 0) ||
      a.line - b.line ||
      (a.column ?? 0) - (b.column ?? 0),
  );
  return {
    bonds,
    uplink: uplinks[0]?.settings ?? null,
    findings: sorted,
    files: recognised.map(({ file, format }) => ({ path: file.path, format })),
  };
}

interface Recognised {
  readonly file: SourceFile;
  readonly format: Format | null;
  readonly template: Finding | null;
}

/** Beside mwan3's file, that of OpenWrt's network says which devices are meant. */
function recognisedOf(files: readonly SourceFile[]): Recognised[] {
  const formats = files.map(recognise);
  return files.map((file, at): Recognised => {
    const own = formats[at] ?? null;
    const format = own === null && formats.includes('uci') && isUciNetwork(file) ? 'uci' : own;
    return { file, format, template: format === null ? null : templateIn(file, WITH_VARIABLES.has(format)) };
  });
}

/** What bonds of bondwire.yaml and those of other files have against each other. */
function clashes(own: readonly BondWish[], others: readonly BondWish[]): string[] {
  return own.flatMap(bond => [
    ...bond.members.flatMap(({ name }) => {
      const owner = others.find(
        other => other.name !== bond.name && other.members.some(member => member.name === name),
      );
      if (owner !== undefined)
        return [
          `${shown(name)} is a member of ${shown(owner.name)} by another file, and of ${shown(bond.name)} here; an interface has one bond.`,
        ];
      return others.some(other => other.name === name)
        ? [`${shown(name)} is a bond by another file, and cannot be a member of ${shown(bond.name)}.`]
        : [];
    }),
    ...others.flatMap(other =>
      other.members.some(({ name }) => name === bond.name)
        ? [`${shown(bond.name)} is a member of ${shown(other.name)} by another file, and a bond here.`]
        : [],
    ),
    ...bond.routes.flatMap(route => {
      const other = otherBond(
        others.filter(each => each.name !== bond.name),
        route,
      );
      return other === null
        ? []
        : [
            `${shown(other.name)} has a route to ${shown(route.to)} already, by another file; Linux takes one, so leave the other out.`,
          ];
    }),
  ]);
}
