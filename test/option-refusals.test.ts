// Each write to an option answers as the kernel's driver did (golden/options, recorded by record/driver.sh): the same errno
// or none, and the same value afterwards.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findOption } from '../src/policy/index.js';
import { Bench } from '../src/policy/testing.js';
import { sysfsText } from '../src/report/index.js';

const FOLDER = new URL('golden/options/', import.meta.url);

interface Write {
  readonly state: string;
  readonly option: string;
  readonly value: string;
  /** `ok`, or an errno. */
  readonly answer: string;
  /** The file's content afterwards. */
  readonly reads: string;
}

function recorded(file: string): Write[] {
  const lines = readFileSync(new URL(file, FOLDER), 'utf8').split('\n');
  return lines
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const [state = '', option = '', value = '', answer = '', reads = ''] = line.split('\t');
      return { state, option, value: value.replaceAll('\\n', '\n'), answer, reads };
    });
}

/** The states of the recorder. */
function bondIn(state: string): Bench {
  const bench = new Bench({ miimon: state === 'unwatched' ? 0 : 100 });
  if (state === 'down' || state === 'unwatched') return bench;
  bench.up();
  if (state === 'members') {
    bench.join(0);
    bench.join(1);
  }
  return bench;
}

/** What we answer otherwise on purpose: why, and what then. */
const OTHERWISE: readonly { readonly why: string; readonly applies: (write: Write) => boolean }[] = [
  {
    why: 'not implemented yet: refused as such instead of taken silently',
    applies: ({ option, answer, state, value }) =>
      answer === 'ok' && bondIn(state).set(option, value) === 'EOPNOTSUPP',
  },
  {
    why: 'the driver takes a number of 2^64 and more without its upper bits; it is refused here as out of range',
    applies: ({ value }) => /^\d{20,}$/.test(value) && Number(value) >= 2 ** 64,
  },
  {
    why: 'whether an interface that is no member exists at all is not known to the policy (the daemon says ENODEV)',
    applies: ({ option, answer }) => option === 'active_slave' && answer === 'ENODEV',
  },
  {
    why: 'more words behind the name are refused, not let fall',
    applies: ({ option, value }) => option === 'active_slave' && /\S\s+\S/.test(value),
  },
  {
    why: 'blanks around a name are let fall, and a name that no interface can have is refused, not remembered',
    applies: ({ option, value }) => option === 'primary' && (/[\s/]/.test(value) || value.length > 15),
  },
  {
    why: 'a number that is no plain one is refused; the driver takes what sscanf makes of it',
    applies: ({ option, value }) => option === 'queue_id' && !/^eth\d:-?\d{1,3}$/.test(value),
  },
  {
    why: 'members join by a request of its own, whatever is written',
    applies: ({ option, answer }) => option === 'slaves' && answer === 'ENODEV',
  },
  {
    why: 'addresses without a sign are the whole list, as in netlink',
    applies: ({ option, value }) => option === 'arp_ip_target' && !/^[+-]/.test(value),
  },
];

describe.each(readdirSync(FOLDER).filter(name => name.endsWith('.tsv')))('%s', file => {
  const writes = recorded(file);
  const options = [...new Set(writes.map(({ option }) => option))];

  test.each(options)('%s', option => {
    const mine = writes.filter(write => write.option === option);
    const wrong: unknown[] = [];
    for (const write of mine) {
      if (OTHERWISE.some(({ applies }) => applies(write))) continue;
      const bench = bondIn(write.state);
      const answer = bench.set(option, write.value) ?? 'ok';
      const reads = (sysfsText(bench.bond.snapshot(), option) ?? '').trimEnd();
      if (answer !== write.answer || reads !== write.reads.trimEnd()) {
        wrong.push({ ...write, ours: answer, oursReads: reads });
      }
    }
    expect(wrong).toEqual([]);
    expect(mine.length).toBeGreaterThan(10);
    expect(findOption(option)).toBeDefined();
  });
});
