// The verifier's log, hundreds of lines of register states, in a sentence or two: what it refused, where, and what to do.
import type { ErrnoName } from '../base/index.js';
import { formatInstruction } from './disassembler.js';
import { helperName } from './helpers.js';
import type { Instruction } from './instruction.js';

/** A program that the kernel refused. `message` is the summary, `log` the whole. */
export class VerifierError extends Error {
  override readonly name = 'VerifierError';
  /** The verifier's complaint as it wrote it, lines joined by `; `; empty if it wrote none. */
  readonly complaint: string;
  /** Index of the instruction, if the log tells it. */
  readonly instruction: number | undefined;
  /** What it means and what to do, for complaints that are known. */
  readonly hint: string | undefined;
  /** The full log. */
  readonly log: string;

  constructor(message: string, details: Pick<VerifierError, 'complaint' | 'instruction' | 'hint' | 'log'>) {
    super(message);
    this.complaint = details.complaint;
    this.instruction = details.instruction;
    this.hint = details.hint;
    this.log = details.log;
  }
}

/** Lines that tell nothing about why: statistics, register states, sources, the walk from branch to branch. */
const NOISE: readonly RegExp[] = [
  /^\s*$/,
  /^processed \d+ insns/,
  /^verification time/,
  /^stack depth/,
  /^max_states_per_insn/,
  /^mark_precise:/,
  /^;/,
  /^\d+: R\d+/,
  /^R\d+(_\w+)?=/,
  /^(from )?\d+ to \d+/,
  /^\d+: safe$/,
  /^(caller|callee|returning from callee|to caller at \d+):?/,
  /^func#\d+ @\d+/,
  /^Live regs before insn/,
  /^\s*\d+: [.\dr]{10,} /,
  /^\(\d+\) (frame \d+|live stack)/,
  /^(BEGIN|END|-- )/,
  /^\d+: \([\da-f]{2}\)/,
  /^arg#\d+ reference type/,
];

/** Lines of a complaint that the summary repeats. */
const MAX_COMPLAINT_LINES = 3;

const INSTRUCTION_LINE = /^(\d+): \(([\da-f]{2})\) ?(.*)$/;

/** What a complaint means; the first match counts. */
const HINTS: readonly { readonly pattern: RegExp; readonly hint: (match: RegExpMatchArray) => string }[] = [
  { pattern: /^invalid func (\S+?)#(\d+)/, hint: match => missingHelper(match[2] ?? '') },
  {
    pattern: /(?:unknown func|program of this type cannot use helper) (\S+?)#(\d+)/,
    hint: match => `this kernel does not offer helper ${match[2]} (${match[1]}) to programs of this type`,
  },
  {
    pattern: /(?:loading\/)?calling other bpf or kernel functions are allowed for|allowed for CAP_BPF/,
    hint: () => 'it needs CAP_BPF, or CAP_SYS_ADMIN on kernels before 5.8',
  },
  {
    pattern: /calling kernel function (\S+) is not allowed/,
    hint: match => `this kernel does not offer the kernel function ${match[1]} to programs of this type`,
  },
  {
    pattern: /cannot call GPL.*function|from non-GPL compatible program/,
    hint: () => 'this helper is for GPL programs; set the license to "GPL"',
  },
  {
    pattern: /pointer comparison prohibited|pointer arithmetic .*prohibited|leaks addr|!root/,
    hint: () => 'this is for privileged programs; it needs CAP_PERFMON',
  },
  {
    pattern: /^(R\d+) invalid mem access '(\w*_or_null)'/,
    hint: match => `${match[1]} may be null here; compare it with 0 before it is used`,
  },
  {
    pattern: /^(R\d+) invalid mem access '(?:scalar|inv)'/,
    hint: match => `${match[1]} is a number here, not a pointer that the verifier knows`,
  },
  {
    pattern: /^invalid access to packet/,
    hint: () =>
      'compare data + size with data_end before the packet is read; helpers that change the packet undo that check',
  },
  {
    pattern: /^invalid bpf_context access/,
    hint: () => 'this field of the context does not exist, or not for this program type or access',
  },
  {
    pattern: /^invalid access to map value/,
    hint: () => 'the access is not proved to lie inside the map value',
  },
  { pattern: /^(R\d+) !read_ok/, hint: match => `${match[1]} was never set, or a call destroyed it` },
  {
    pattern: /^invalid (?:indirect )?read from stack/,
    hint: () => 'the stack is read before it was written',
  },
  { pattern: /^frame pointer is read only/, hint: () => 'R10 cannot be written' },
  {
    pattern: /^BPF program is too large|too complex/,
    hint: () => 'the verifier gave up; make the program shorter or branch less',
  },
  {
    pattern: /infinite loop detected|^back-edge/,
    hint: () => 'the verifier cannot see that the loop ends',
  },
  { pattern: /^unreachable insn (\d+)/, hint: match => `nothing leads to instruction ${match[1]}` },
  {
    pattern: /^(?:unknown opcode|BPF_\w+ uses reserved fields|invalid .* opcode)/,
    hint: () => 'this kernel does not know the instruction',
  },
  {
    pattern: /^At program exit the register R0/,
    hint: () => 'the program returns a value that its type does not allow',
  },
  { pattern: /^Unreleased reference/, hint: () => 'something acquired is not released on every path' },
];

/** What refusals without a complaint mean. */
const ERRNO_HINTS: Partial<Record<ErrnoName, string>> = {
  EPERM: 'it needs CAP_BPF, and CAP_NET_ADMIN or CAP_PERFMON by its type',
  ENOSYS: 'this kernel was built without bpf(2)',
  EINVAL: 'this kernel does not know the program type, the attach type or a load flag',
  E2BIG:
    'the program has more instructions than this kernel allows, or the attributes are longer than it knows',
  ENOSPC: 'the log did not fit its buffer; load again with a larger one',
};

/**
 * Makes an error of a verifier log. With the program it names the instruction in our own words; with the errno of
 * bpf(BPF_PROG_LOAD) it explains refusals that leave no log.
 */
export function summariseVerifierLog(
  log: string,
  program?: { readonly name: string; readonly instructions: readonly Instruction[] },
  errno?: ErrnoName,
): VerifierError {
  const lines = log
    .replaceAll('\0', '')
    .split('\n')
    .map(line => line.trimEnd());
  const complaint = findComplaint(lines);
  const instruction = complainedIndex(complaint) ?? lastIndex(lines);
  const hint = findHint(complaint) ?? errnoHint(errno, complaint);

  const subject = program === undefined ? 'the program' : `program "${program.name}"`;
  const code = errno === undefined ? '' : ` (${errno})`;
  const where = place(lines, instruction, program?.instructions);
  const what = complaint === '' ? ' and left no reason in its log' : `: ${complaint.replace(/[.\s]+$/, '')}`;
  const advice = hint === undefined ? '' : ` ${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`;
  const message = `The kernel refused ${subject}${code}${where}${what}.${advice}`;
  return new VerifierError(message, { complaint, instruction, hint, log });
}

/** The last lines that are not noise: the verifier often explains a complaint in a second line. */
function findComplaint(lines: readonly string[]): string {
  const end = lines.findLastIndex(line => !isNoise(line));
  const block: string[] = [];
  for (let i = end; i >= 0 && !isNoise(lines[i] ?? ''); i -= 1) block.unshift((lines[i] ?? '').trim());
  return block.slice(0, MAX_COMPLAINT_LINES).join('; ');
}

function isNoise(line: string): boolean {
  return NOISE.some(pattern => pattern.test(line));
}

function missingHelper(number: string): string {
  const name = helperName(Number(number));
  return `this kernel has no helper ${number}${name === undefined ? '' : ` (bpf_${name})`}`;
}

function findHint(complaint: string): string | undefined {
  for (const { pattern, hint } of HINTS) {
    const match = complaint.match(pattern);
    if (match !== null) return hint(match);
  }
  return undefined;
}

function errnoHint(errno: ErrnoName | undefined, complaint: string): string | undefined {
  if (errno === undefined || (complaint !== '' && errno !== 'EPERM')) return undefined;
  return ERRNO_HINTS[errno];
}

/** The index in complaints that name it themselves, such as `unreachable insn 5`. */
function complainedIndex(complaint: string): number | undefined {
  const match = complaint.match(/\binsn (?:from )?(\d+)/) ?? complaint.match(/\bat insn (\d+)/);
  return match === null ? undefined : Number(match[1]);
}

function lastIndex(lines: readonly string[]): number | undefined {
  const match = lines.findLast(line => INSTRUCTION_LINE.test(line))?.match(INSTRUCTION_LINE);
  return match === null || match === undefined ? undefined : Number(match[1]);
}

function place(
  lines: readonly string[],
  index: number | undefined,
  instructions: readonly Instruction[] | undefined,
): string {
  if (index === undefined) return '';
  const own = instructions?.[index];
  const text = own === undefined ? logged(lines, index) : formatInstruction(own, instructions?.[index + 1]);
  return ` at instruction ${index}${text === undefined ? '' : ` (${text})`}`;
}

/** The instruction's text in the log, without the register states that newer kernels put behind it. */
function logged(lines: readonly string[], index: number): string | undefined {
  const match = lines.findLast(line => line.startsWith(`${index}: (`))?.match(INSTRUCTION_LINE);
  return match?.[3]?.split(';')[0]?.trim();
}
