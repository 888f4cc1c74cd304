// What `bondwire/ebpf` offers: an eBPF assembler, linker and disassembler, specs and uapi tables, struct layouts for map
// values, a BTF reader and a summary of the verifier's log. Pure values throughout: loading them is someone else's work.

// Writing programs.
export type { Operand } from './arithmetic-assembler.js';
export { type AssembledProgram, Assembler, type AtomicSize } from './assembler.js';
export { AssemblyError } from './assembly-error.js';
export { type HelperName, HELPERS, helperName } from './helpers.js';
export type { SignedSize, Size } from './opcodes.js';
export {
  R0,
  R1,
  R2,
  R3,
  R4,
  R5,
  R6,
  R7,
  R8,
  R9,
  R10,
  type Register,
  type RegisterNumber,
} from './registers.js';

// Programs as bytes and as text.
export { disassemble, formatInstruction } from './disassembler.js';
export { decode, encode, type Instruction, INSTRUCTION_SIZE, type Reference } from './instruction.js';
export { link, LinkError, type LinkTable, references } from './link.js';

// Programs and maps as values, and the kernel's constants for them.
export { BPF_COMMANDS, type BpfCommand } from './commands.js';
export {
  BPF_MAP_FLAGS,
  BPF_MAP_TYPES,
  BPF_RINGBUF,
  BPF_UPDATE_FLAGS,
  type MapTypeName,
} from './map-types.js';
export {
  type AttachTypeName,
  BPF_ATTACH_TYPES,
  BPF_PROG_FLAGS,
  BPF_PROG_TYPES,
  type ProgramTypeName,
} from './program-types.js';
export { kernelObjectName, type MapSpec, MAX_OBJECT_NAME_LENGTH, type ProgramSpec } from './specs.js';
export {
  BPF_F_INGRESS,
  PKT_TYPE,
  SK_BUFF,
  SKB_STORE_FLAGS,
  type SkBuffField,
  TC_ACT,
  TCX,
} from './traffic-control.js';

// Map values: declared once, used by programs and by TypeScript.
export {
  type AccessorOf,
  type ArrayAccessor,
  fromBytes,
  over,
  overArray,
  read,
  type StructAccessor,
  toBytes,
  type ValueOf,
  write,
} from './struct-access.js';
export {
  alignOf,
  type AnyArrayLayout,
  type AnyStructLayout,
  array,
  type ArrayLayout,
  bytes,
  type BytesLayout,
  type FieldPath,
  type Fields,
  type FieldsOf,
  type FieldType,
  layout,
  type PathInto,
  type Placement,
  type Scalar,
  SCALAR_SIZES,
  sizeOf,
  type StructLayout,
  type WideScalar,
} from './struct-layout.js';

// What the kernel says of itself and of our programs.
export { Btf, type BtfLocation, type BtfMember, type BtfType, parseBtf } from './btf.js';
export { BTF_KINDS, type BtfIndex, type BtfKind, type BtfProblem } from './btf-index.js';
export { summariseVerifierLog, VerifierError } from './verifier-log.js';
