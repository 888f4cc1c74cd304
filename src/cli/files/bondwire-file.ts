// Reads bondwire.yaml for the commands that act on it: what is wrong with it is told line by line.
import type { BondWish } from '../../config/index.js';
import type { UplinkSettings } from '../../uplinks/index.js';
import { refusedFailure } from '../reading/failure.js';
import { advice, plain } from '../printing/plain.js';
import { readTextFile } from '../reading/read-text.js';
import type { Terminal } from '../printing/terminal.js';
import { plural } from '../reading/units.js';

/** What a file says. */
export interface FileWish {
  readonly bonds: readonly BondWish[];
  readonly uplink: UplinkSettings | null;
}

/** What a file without errors says; warnings go to standard error. */
export async function readBondwireFile(path: string, terminal: Terminal): Promise<FileWish> {
  let text: string;
  try {
    text = readTextFile(path);
  } catch (error) {
    throw refusedFailure((error as Error).message, error);
  }
  const { FORMAT_NAMES, parseBondwireYaml, recognise } = await import('../../config/index.js');
  const format = recognise({ path, text });
  if (format !== null && format !== 'bondwire') {
    const how = advice('bondwire import {file}', { file: path });
    throw refusedFailure(
      `${plain(path)} is no bondwire.yaml but of ${FORMAT_NAMES[format]}; '${how}' reads it.`,
    );
  }
  const { count, findingLines } = await import('../printing/findings-report.js');
  const { bonds, uplink, findings } = parseBondwireYaml({ path, text });
  terminal.err(findingLines(findings, false));
  const errors = count(findings, 'error');
  if (errors > 0) throw refusedFailure(`${plain(path)} has ${plural(errors, 'error')}; see above.`);
  return { bonds, uplink };
}
