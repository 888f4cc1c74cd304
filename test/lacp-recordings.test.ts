// The driver's 802.3ad, recorded on both kernels: our machines are given the same frames, links and options, and send the same bytes
// and show the same states, within one tick.
import { describe, expect, test } from 'vitest';
import { readRecording, recordingsOf } from './support/lacp-recording.js';
import { differences, replay } from './support/lacp-replay.js';

/** As the driver does it. */
const AS_DRIVER = [
  ['lacp_quirks', '1'],
  ['inline_failover', '0'],
] as const;

describe.each(['linux-6.12', 'linux-6.1'])('%s', kernel => {
  test.each(recordingsOf(kernel))('%s', file => {
    const recording = readRecording(kernel, file);
    const bonds = new Set(recording.lines.flatMap(line => (line.kind === 'add' ? [line.bond] : [])));
    const found = [...bonds].flatMap(bond =>
      differences(recording, bond, replay(recording, bond, AS_DRIVER)).map(each => `${bond}: ${each}`),
    );
    expect(found).toEqual([]);
  });
});
