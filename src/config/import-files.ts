// Files of any format in, bonds and findings out: the whole of an import. (config)
import { shown } from '../base/index.js';
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
import type { BondWish } from './wishes.js';

export interface Import {
  readonly bonds: readonly BondWish[];
  /** In the order of the files and their lines. */
  readonly findings: readonly Finding[];
  readonly files: readonly { readonly path: string; readonly format: Format | null }[];
}

type Reader = (files: readonly SourceFile[], machine: readonly KnownInterface[]) => Fact[];

function oneByOne(read: (file: SourceFile) => Fact[]): Reader {
  return files => files.flatMap(read);
}

/** All files of a format at once, as they speak of each other. */
const READERS: Readonly<Record<Exclude<Format, 'bondwire'>, Reader>> = {
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
  const recognised = files.map(file => {
    const format = recognise(file);
    return { file, format, template: format === null ? null : templateIn(file, WITH_VARIABLES.has(format)) };
  });
  const isAlone = recognised.every(({ format }) => format === null);
  for (const { file, format, template } of recognised) {
    if (format === null) {
      const foreign = foreignIn(file, isAlone ? 'error' : 'warning');
      const message = 'This is none of the formats that are read here; see docs/import.md.';
      if (foreign !== null) findings.push(foreign);
      else if (isAlone || !mayBeForeign(file.path))
        findings.push({ level: 'error', place: { file: file.path, line: 1 }, message });
    } else if (template !== null) findings.push(template);
    else if (format === 'bondwire') {
      const parsed = parseBondwireYaml(file);
      own.push(...parsed.bonds);
      findings.push(...parsed.findings);
    }
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
    findings: sorted,
    files: recognised.map(({ file, format }) => ({ path: file.path, format })),
  };
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
