// The driver's 802.3ad, recorded on both kernels (test/golden/lacp): our machines are given the same frames, links and options, and
// send the same bytes and show the same states, within one tick. With lacp_quirks=0 they differ where better is known, and nowhere else.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readRecording, recordingsOf } from './support/lacp-recording.js';
import { differences, replay } from './support/lacp-replay.js';

const RECORDINGS = fileURLToPath(new URL('golden/lacp', import.meta.url));
const KERNELS = ['linux-6.12', 'linux-6.1'] as const;

/** What is different with lacp_quirks=0, and why; see docs/differences.md. */
const BETTER: Readonly<Record<string, 'heals' | 'reflected' | 'passive' | 'address'>> = {
  'dd-bond-mac-change': 'address',
  'dd-both-passive': 'passive',
  'dd-loop-a1-a2': 'reflected',
  'dd-reflected': 'reflected',
  // A port that was given up, or never had a partner, goes on asking every second.
  'all-slaves-active': 'heals',
  'dd-carrier-cut-one-end': 'heals',
  'dd-duplex-changes': 'heals',
  'dd-half-duplex': 'heals',
  'dd-join-without-carrier': 'heals',
  'dd-min-links-silent': 'heals',
  'dd-silent-link-and-back': 'heals',
  'dd-silent-slow': 'heals',
  'dd-two-partners-count': 'heals',
  'dd-two-partners-stable': 'heals',
  'no-partner': 'heals',
  'no-partner-slow': 'heals',
  'partner-on-one-only': 'heals',
  'partner-slow-we-fast-period-30': 'heals',
};

/** What differs of all bonds of a recording. */
function differing(folder: string, file: string, quirks: '0' | '1'): string[] {
  const recording = readRecording(folder, file);
  const bonds = new Set(recording.lines.flatMap(line => (line.kind === 'add' ? [line.bond] : [])));
  const options = [
    ['lacp_quirks', quirks],
    ['inline_failover', '0'],
  ] as const;
  return [...bonds].flatMap(bond =>
    differences(recording, bond, replay(recording, bond, options)).map(each => `${bond}: ${each}`),
  );
}

describe.each(KERNELS)('%s', kernel => {
  const folder = join(RECORDINGS, kernel);
  const files = recordingsOf(folder);
  const nameOf = (file: string): string => file.replace(/\.txt$/, '');

  test.each(files)('lacp_quirks=1 is the driver: %s', file => {
    expect(differing(folder, file, '1')).toEqual([]);
  });

  test.each(files.filter(file => BETTER[nameOf(file)] === undefined))(
    'lacp_quirks=0 is the driver too: %s',
    file => {
      expect(differing(folder, file, '0')).toEqual([]);
    },
  );

  test.each(files.filter(file => BETTER[nameOf(file)] !== undefined))(
    'lacp_quirks=0 is better than the driver: %s',
    file => {
      expect(differing(folder, file, '0')).not.toEqual([]);
    },
  );
});
