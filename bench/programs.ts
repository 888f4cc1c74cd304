// What the eBPF programs of a bond cost for each packet, by the kernel's own clock (BPF_PROG_TEST_RUN), for every way to
// read a device that this kernel has. Only the programs: the way through the veth pair is in the throughput bench.
//
//   npm run bench:programs [-- --repeat N]     needs root
import { parseArgs } from 'node:util';
import { Toolbox } from '#dataplane';
import { ProgramBench } from '#program-bench';
import { table } from './table.js';

/** The best of so many turns: what disturbs only adds. */
const TURNS = 7;

const UNICAST_FRAME = new Uint8Array(64).fill(0x02, 0, 12);
/** Of a partner that says nothing but zeros. */
const LACPDU = new Uint8Array(124);
LACPDU.set([0x01, 0x80, 0xc2, 0, 0, 2]);
LACPDU.set([0x88, 0x09, 1, 1], 12);
const NO_MEMBER = 0xffff_ffff;

const CASES: readonly (readonly [
  string,
  (bench: ProgramBench) => number,
  ((bench: ProgramBench) => void)?,
  Uint8Array<ArrayBuffer>?,
])[] = [
  ['transmit, current can send', bench => bench.transmitFd(true)],
  ['receive by current', bench => bench.receiveFd(0, true)],
  ['receive by a backup: dropped', bench => bench.receiveFd(1, true)],
  ['receive a LACPDU, no lease', bench => bench.receiveFd(1, true), () => {}, LACPDU],
  [
    'receive a LACPDU, the daemon is there',
    bench => bench.receiveFd(1, true),
    bench => {
      const terms = { expected: LACPDU, answer: LACPDU, silenceNs: 1n, carrierDowns: 0 };
      bench.state.leases.store(1, terms, 0n);
      bench.state.leases.beat(1n << 62n);
    },
    LACPDU,
  ],
  [
    'transmit, nobody of 2 can send',
    bench => bench.transmitFd(true),
    bench => {
      bench.setUp(0, false);
      bench.setUp(1, false);
    },
  ],
  [
    'transmit, no member',
    bench => bench.transmitFd(true),
    bench => {
      bench.state.flags = 0;
      bench.state.current = NO_MEMBER;
    },
  ],
];

function measure(reader: 'cast' | 'probe' | 'none', repeat: number): number[] | undefined {
  const toolbox = Toolbox.probe({ reader });
  if (toolbox.context.reader !== reader) return undefined;
  const bench = ProgramBench.open(toolbox, 2);
  const best = (fd: number, frame = UNICAST_FRAME): number =>
    Math.min(...Array.from({ length: TURNS }, () => bench.measure(fd, repeat / TURNS, frame)));
  try {
    return [
      best(bench.emptyFd()),
      ...CASES.map(([, program, prepare, frame]) => {
        prepare?.(bench);
        return best(program(bench), frame);
      }),
    ];
  } finally {
    bench.close();
  }
}

const { values } = parseArgs({ options: { repeat: { type: 'string', default: '1000000' } } });
const readers = ['cast', 'probe', 'none'] as const;
const columns = readers.map(reader => measure(reader, Number(values.repeat)));
const names = ['(an empty program)', ...CASES.map(([name]) => name)];
const rows = names.map((name, row) => [name].concat(columns.map(column => String(column?.[row] ?? '-'))));
console.log(
  `Nanoseconds a packet, best of ${TURNS} turns of ${Math.round(Number(values.repeat) / TURNS)}, by reader\n`,
);
console.log(table(['', ...readers], rows));
