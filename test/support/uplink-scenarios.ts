// Stored scenarios of uplinks: those of test/uplink-scenarios/ and those of examples/.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAnyScenario, type UplinkScenario } from '../../src/simulator/index.js';

const FOLDERS = ['../uplink-scenarios', '../../examples'].map(name =>
  fileURLToPath(new URL(name, import.meta.url)),
);

/** Reads a stored scenario by its name. */
export function uplinkScenario(name: string): UplinkScenario {
  const file = FOLDERS.map(folder => `${folder}/${name}.json`).find(existsSync);
  if (file === undefined) throw new Error(`there is no stored scenario ${name}`);
  const parsed = parseAnyScenario(readFileSync(file, 'utf8'));
  if (!parsed.ok) throw new Error(`${file}: ${parsed.error}`);
  if (!('uplink' in parsed.value)) throw new Error(`${file} is no uplink`);
  return parsed.value;
}

/** Names of all that are stored under test/. */
export function storedUplinks(): string[] {
  const [folder = ''] = FOLDERS;
  return readdirSync(folder).map(file => file.replace(/\.json$/, ''));
}
