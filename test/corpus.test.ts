// Configuration as people have it: every case of test/corpus/cases is imported, and what is understood, what is not, and the
// bondwire.yaml that comes of it are compared with test/corpus/golden. BONDWIRE_GOLDEN=write writes the golden files.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  FORMAT_NAMES,
  importFiles,
  type KnownInterface,
  parseBondwireYaml,
  printBondwireYaml,
  recognise,
  type SourceFile,
} from '../src/config/index.js';

const CORPUS = fileURLToPath(new URL('corpus', import.meta.url));
const CASES = join(CORPUS, 'cases');
const names = readdirSync(CASES).toSorted();

/** The machine of all cases. */
const MACHINE: readonly KnownInterface[] = [
  ...['eth0', 'eth1', 'eth2', 'eth3'].map((name, at) => ({
    name,
    mac: `52:54:00:00:00:0${at + 1}`,
    type: 'ether',
    driver: at < 2 ? 'igb' : 'e1000e',
  })),
  { name: 'eno1', mac: '52:54:00:00:01:01', type: 'ether', driver: 'tg3' },
  { name: 'eno2', mac: '52:54:00:00:01:02', type: 'ether', driver: 'tg3', path: 'pci-0000:02:00.1' },
  { name: 'lo', mac: '00:00:00:00:00:00', type: 'loopback' },
];

function filesOf(name: string): SourceFile[] {
  const folder = join(CASES, name);
  return readdirSync(folder, { recursive: true })
    .map(path => join(folder, String(path)))
    .filter(path => statSync(path).isFile())
    .toSorted()
    .map(path => ({ path: relative(folder, path), text: readFileSync(path, 'utf8') }));
}

function outcome(name: string): string {
  const { bonds, uplink, findings, files } = importFiles(filesOf(name), MACHINE);
  // What is not built yet is no matter of reading files, and changes without them.
  const lasting = findings.filter(({ message }) => !message.includes('not implemented yet'));
  const lines = lasting.map(({ level, place, message }) => {
    const column = place.column === undefined ? '' : `:${place.column}`;
    return `${place.file}:${place.line}${column}: ${level}: ${message}`;
  });
  const formats = files.map(
    ({ path, format }) => `${path}: ${format === null ? 'unknown' : FORMAT_NAMES[format]}`,
  );
  return [...formats, '', ...lines, '', printBondwireYaml(bonds, [], uplink)].join('\n');
}

test.each(names)('%s is understood as its golden file says', name => {
  const golden = join(CORPUS, 'golden', `${name}.txt`);
  const seen = outcome(name);
  if (process.env['BONDWIRE_GOLDEN'] === 'write') writeFileSync(golden, seen);
  expect(existsSync(golden), `${golden} is missing`).toBe(true);
  expect(seen).toBe(readFileSync(golden, 'utf8'));
});

test('no golden file is left without its case', () => {
  expect(readdirSync(join(CORPUS, 'golden')).toSorted()).toEqual(names.map(name => `${name}.txt`).toSorted());
});

test.each(names)('what comes of %s is a bondwire.yaml that says the same when it is read', name => {
  const { bonds, uplink } = importFiles(filesOf(name), MACHINE);
  const text = printBondwireYaml(bonds, [], uplink);
  const again = parseBondwireYaml({ path: 'bondwire.yaml', text });
  if (bonds.length === 0 && uplink === null) return expect(text).toContain('bonds: {}');
  expect(again.uplink).toEqual(uplink);
  return expect(again.bonds).toEqual(bonds);
});

describe('The corpus as a whole', () => {
  const files = names.flatMap(filesOf);

  test('has at least 60 files, and each format at least five', () => {
    expect(files.length).toBeGreaterThanOrEqual(60);
    const formats = files.map(recognise);
    for (const format of Object.keys(FORMAT_NAMES)) {
      expect(formats.filter(each => each === format).length, format).toBeGreaterThanOrEqual(5);
    }
  });

  test('every finding names a file of its case, a line in it, and ends as a sentence', () => {
    for (const name of names) {
      const given = new Map(filesOf(name).map(file => [file.path, file.text.split('\n').length]));
      for (const { place, message } of importFiles(filesOf(name), MACHINE).findings) {
        const lines = given.get(place.file) ?? 0;
        expect(
          place.line >= 1 && place.line <= lines,
          `${name}: ${place.file}:${place.line} ${message}`,
        ).toBe(true);
        expect(message, name).toMatch(/[.?)]$/);
      }
    }
  });
});
