// Instructions back to text, in the words of the kernel verifier's log (kernel/bpf/disasm.c). Never throws.
import { helperName } from './helpers.js';
import { decode, INSTRUCTION_SIZE, type Instruction } from './instruction.js';
import {
  ALU,
  ATOMIC,
  ATOMIC_FETCH,
  CLASS,
  JUMP,
  LOAD_IMM64,
  MODE,
  PSEUDO_CALL,
  PSEUDO_KFUNC_CALL,
  PSEUDO_MAP_FD,
  PSEUDO_MAP_VALUE,
  SOURCE,
} from './opcodes.js';

const ALU_SYMBOL: Readonly<Record<number, string>> = {
  [ALU.add]: '+=',
  [ALU.sub]: '-=',
  [ALU.mul]: '*=',
  [ALU.div]: '/=',
  [ALU.or]: '|=',
  [ALU.and]: '&=',
  [ALU.lsh]: '<<=',
  [ALU.rsh]: '>>=',
  [ALU.mod]: '%=',
  [ALU.xor]: '^=',
  [ALU.mov]: '=',
  [ALU.arsh]: 's>>=',
};

const JUMP_SYMBOL: Readonly<Record<number, string>> = {
  [JUMP.jeq]: '==',
  [JUMP.jgt]: '>',
  [JUMP.jge]: '>=',
  [JUMP.jset]: '&',
  [JUMP.jne]: '!=',
  [JUMP.jsgt]: 's>',
  [JUMP.jsge]: 's>=',
  [JUMP.jlt]: '<',
  [JUMP.jle]: '<=',
  [JUMP.jslt]: 's<',
  [JUMP.jsle]: 's<=',
};

const ATOMIC_NAME: Readonly<Record<number, string>> = {
  [ATOMIC.add]: 'add',
  [ATOMIC.or]: 'or',
  [ATOMIC.and]: 'and',
  [ATOMIC.xor]: 'xor',
};

const WIDTHS = ['32', '16', '8', '64'] as const;

/**
 * One instruction as the verifier prints it, such as `r6 = *(u64 *)(r0 +16)`; map and kfunc references appear by name.
 * A 64-bit immediate needs its second slot as `next`.
 */
export function formatInstruction(instruction: Instruction, next?: Instruction): string {
  return format(instruction, next) ?? unknown(instruction);
}

/** Index, opcode and text of each instruction, one a line, with labels, jump targets and comments where they are known. */
export function disassemble(program: readonly Instruction[] | Uint8Array): string {
  if (!(program instanceof Uint8Array)) return listing(program).join('\n');
  const whole = program.length - (program.length % INSTRUCTION_SIZE);
  const decoded = decode(program.subarray(0, whole));
  const lines = decoded.ok ? listing(decoded.value) : [];
  if (whole < program.length) lines.push(`; ${program.length - whole} more bytes are not an instruction`);
  return lines.join('\n');
}

function listing(instructions: readonly Instruction[]): string[] {
  const lines: string[] = [];
  for (let index = 0; index < instructions.length; index += 1) {
    const instruction = instructions[index];
    if (instruction === undefined) break;
    const next = instructions[index + 1];
    for (const label of instruction.labels ?? []) lines.push(`${label}:`);
    for (const comment of instruction.comment?.split('\n') ?? []) lines.push(`      ; ${comment}`);
    const target = instruction.target === undefined ? '' : ` <${instruction.target}>`;
    const opcode = hex(instruction.opcode & 0xff, 2);
    lines.push(`${String(index).padStart(4)}: (${opcode}) ${formatInstruction(instruction, next)}${target}`);
    if (isWide(instruction, next)) index += 1;
  }
  return lines;
}

function isWide(instruction: Instruction, next: Instruction | undefined): next is Instruction {
  return instruction.opcode === LOAD_IMM64 && next?.opcode === 0;
}

function format(instruction: Instruction, next: Instruction | undefined): string | undefined {
  switch (instruction.opcode & 0x07) {
    case CLASS.ALU:
      return formatAlu(instruction, 'w');
    case CLASS.ALU64:
      return formatAlu(instruction, 'r');
    case CLASS.JMP:
    case CLASS.JMP32:
      return formatJump(instruction);
    case CLASS.LD:
      return formatWideOrPacketLoad(instruction, next);
    case CLASS.LDX:
      return formatLoad(instruction);
    case CLASS.ST:
      return (instruction.opcode & 0xe0) === MODE.MEM
        ? `${memory(instruction, instruction.dst)} = ${instruction.imm}`
        : undefined;
    default:
      return formatStore(instruction);
  }
}

function formatAlu(instruction: Instruction, letter: 'w' | 'r'): string | undefined {
  const { opcode, dst, src, offset, imm } = instruction;
  const operation = opcode & 0xf0;
  const target = `${letter}${dst}`;
  if (operation === ALU.end) return formatByteOrder(instruction);
  if (operation === ALU.neg) return (opcode & SOURCE.X) === 0 ? `${target} = -${target}` : undefined;
  const symbol = ALU_SYMBOL[operation];
  if (symbol === undefined) return undefined;
  const signed = offset === 1 && (operation === ALU.div || operation === ALU.mod) ? 's' : '';
  if ((opcode & SOURCE.X) === SOURCE.K) return `${target} ${signed}${symbol} ${imm}`;
  const extension =
    operation === ALU.mov && (offset === 8 || offset === 16 || offset === 32) ? `(s${offset})` : '';
  return `${target} ${signed}${symbol} ${extension}${letter}${src}`;
}

function formatByteOrder({ opcode, dst, imm }: Instruction): string | undefined {
  const bigEndian = (opcode & SOURCE.X) === SOURCE.X;
  if ((opcode & 0x07) === CLASS.ALU64) return bigEndian ? undefined : `r${dst} = bswap${imm} r${dst}`;
  return `r${dst} = ${bigEndian ? 'be' : 'le'}${imm} r${dst}`;
}

function formatJump(instruction: Instruction): string | undefined {
  const { opcode, dst, src, offset, imm } = instruction;
  const operation = opcode & 0xf0;
  const wide = (opcode & 0x07) === CLASS.JMP;
  const fromRegister = (opcode & SOURCE.X) === SOURCE.X;
  if (operation === JUMP.ja) {
    if (fromRegister) return undefined;
    return wide ? `goto pc${plus(offset)}` : `gotol pc${plus(imm)}`;
  }
  if (operation === JUMP.call) return wide && !fromRegister ? formatCall(instruction) : undefined;
  if (operation === JUMP.exit) return wide && !fromRegister ? 'exit' : undefined;
  const symbol = JUMP_SYMBOL[operation];
  if (symbol === undefined) return undefined;
  const letter = wide ? 'r' : 'w';
  const operand = fromRegister ? `${letter}${src}` : `0x${hex(imm)}`;
  return `if ${letter}${dst} ${symbol} ${operand} goto pc${plus(offset)}`;
}

function formatCall({ src, imm, reference }: Instruction): string | undefined {
  if (src === PSEUDO_CALL) return `call pc${plus(imm)}`;
  if (src === PSEUDO_KFUNC_CALL) {
    return reference === undefined ? `call kernel-function#${imm}` : `call ${reference.name}`;
  }
  const name = helperName(imm);
  return src === 0 ? `call ${name === undefined ? 'unknown' : `bpf_${name}`}#${imm}` : undefined;
}

function formatWideOrPacketLoad(instruction: Instruction, next: Instruction | undefined): string | undefined {
  const { opcode, dst, src, imm, reference } = instruction;
  const width = WIDTHS[(opcode >> 3) & 3];
  switch (opcode & 0xe0) {
    case MODE.ABS:
      return `r0 = *(u${width} *)skb[${imm}]`;
    case MODE.IND:
      return `r0 = *(u${width} *)skb[r${src} + ${imm}]`;
    default:
      break;
  }
  if (!isWide(instruction, next)) return undefined;
  const map = reference?.name ?? `fd:${imm}`;
  if (src === PSEUDO_MAP_FD) return `r${dst} = map[${map}]`;
  if (src === PSEUDO_MAP_VALUE) return `r${dst} = map[${map}][0]+${next.imm >>> 0}`;
  if (src !== 0) return undefined;
  const value = (BigInt(next.imm >>> 0) << 32n) | BigInt(imm >>> 0);
  return `r${dst} = 0x${value.toString(16)}`;
}

function formatLoad(instruction: Instruction): string | undefined {
  const mode = instruction.opcode & 0xe0;
  if (mode === MODE.MEM) return `r${instruction.dst} = ${memory(instruction, instruction.src)}`;
  const isU64 = WIDTHS[(instruction.opcode >> 3) & 3] === '64';
  if (mode === MODE.MEMSX && !isU64)
    return `r${instruction.dst} = ${memory(instruction, instruction.src, 's')}`;
  return undefined;
}

function formatStore(instruction: Instruction): string | undefined {
  const { opcode, dst, src, imm } = instruction;
  const mode = opcode & 0xe0;
  const place = memory(instruction, dst);
  if (mode === MODE.MEM) return `${place} = r${src}`;
  const width = WIDTHS[(opcode >> 3) & 3];
  if (mode !== MODE.ATOMIC || (width !== '32' && width !== '64')) return undefined;
  const prefix = width === '64' ? 'atomic64' : 'atomic';
  const address = place.slice(1);
  if (imm === ATOMIC.xchg) return `r${src} = ${prefix}_xchg(${address}, r${src})`;
  if (imm === ATOMIC.cmpxchg) return `r0 = ${prefix}_cmpxchg(${address}, r0, r${src})`;
  const name = ATOMIC_NAME[imm & ~ATOMIC_FETCH];
  if (name === undefined) return undefined;
  if ((imm & ATOMIC_FETCH) !== 0) return `r${src} = ${prefix}_fetch_${name}(${address}, r${src})`;
  return `lock ${place} ${ALU_SYMBOL[imm] ?? '?'} r${src}`;
}

function memory({ opcode, offset }: Instruction, base: number, sign: 'u' | 's' = 'u'): string {
  return `*(${sign}${WIDTHS[(opcode >> 3) & 3]} *)(r${base} ${plus(offset)})`;
}

function unknown({ opcode, dst, src, offset, imm }: Instruction): string {
  return `unknown opcode 0x${hex(opcode & 0xff, 2)} (dst ${dst}, src ${src}, offset ${offset}, imm ${imm})`;
}

function plus(value: number): string {
  return value < 0 ? String(value) : `+${value}`;
}

function hex(value: number, digits = 1): string {
  return (value >>> 0).toString(16).padStart(digits, '0');
}
