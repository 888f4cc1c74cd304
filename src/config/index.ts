// What other rooms may use of `config`: reading configuration of all formats, and bondwire.yaml.
export { emptyWish } from './wishes.js';
export { addressText } from './addresses.js';
export { parseBondwireYaml, printBondwireYaml } from './bondwire/bondwire-yaml.js';
export { memberOptionTexts } from './bondwire/check-bond.js';
export type { Finding, KnownInterface, Level, Place, SourceFile } from './facts.js';
export { type Import, importFiles } from './import-files.js';
export { sourceLines } from './interfaces/interfaces-file.js';
export { matches } from './machine-match.js';
export { FORMAT_NAMES, type Format, maySpeakOfBonds, recognise } from './recognise.js';
export { type TakenOut, takeOut } from './take-out.js';
export type { BondWish, MemberWish, RouteWish } from './wishes.js';
