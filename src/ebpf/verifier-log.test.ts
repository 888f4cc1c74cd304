import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Assembler } from './assembler.js';
import { R0, R1, R2 } from './registers.js';
import { summariseVerifierLog } from './verifier-log.js';

const STATISTICS =
  'processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n';

/** Logs of Linux 6.18, level 2, or the ends of them; the unchecked lookup alone is written after the kernel's source. */
const LOGS: readonly [name: string, log: string, summary: string][] = [
  [
    'an unknown helper',
    'func#0 @0\nLive regs before insn:\n      0: .12345.... (85) call unknown#4000\n      1: .......... (b7) r0 = 0\n      2: 0......... (95) exit\n0: R1=ctx() R10=fp0\n0: (85) call unknown#4000\ninvalid func unknown#4000\n',
    'at instruction 0 (call unknown#4000): invalid func unknown#4000. This kernel has no helper 4000.',
  ],
  [
    'a helper of other programs',
    '0: R1=ctx() R10=fp0\n0: (85) call bpf_get_stackid#27\nprogram of this type cannot use helper bpf_get_stackid#27\n',
    'at instruction 0 (call bpf_get_stackid#27): program of this type cannot use helper bpf_get_stackid#27. This kernel does not offer helper 27 (bpf_get_stackid) to programs of this type.',
  ],
  [
    'a number used as a pointer',
    "0: R1=ctx() R10=fp0\n0: (b7) r1 = 5                        ; R1=5\n1: (61) r0 = *(u32 *)(r1 +0)\nR1 invalid mem access 'scalar'\n",
    "at instruction 1 (r0 = *(u32 *)(r1 +0)): R1 invalid mem access 'scalar'. R1 is a number here, not a pointer that the verifier knows.",
  ],
  [
    'a lookup that is not checked',
    "5: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,ks=4,vs=8)\n6: (79) r0 = *(u64 *)(r0 +0)\nR0 invalid mem access 'map_value_or_null'\n",
    "at instruction 6 (r0 = *(u64 *)(r0 +0)): R0 invalid mem access 'map_value_or_null'. R0 may be null here; compare it with 0 before it is used.",
  ],
  [
    'a packet that is not checked',
    '0: (61) r2 = *(u32 *)(r1 +76)         ; R1=ctx() R2=pkt(r=0)\n1: (71) r0 = *(u8 *)(r2 +0)\ninvalid access to packet, off=0 size=1, R2(id=0,off=0,r=0)\nR2 offset is outside of the packet\n',
    'at instruction 1 (r0 = *(u8 *)(r2 +0)): invalid access to packet, off=0 size=1, R2(id=0,off=0,r=0); R2 offset is outside of the packet. Compare data + size with data_end before the packet is read; helpers that change the packet undo that check.',
  ],
  [
    'a register that was never set',
    '0: R1=ctx() R10=fp0\n0: (bf) r0 = r3\nR3 !read_ok\n',
    'at instruction 0 (r0 = r3): R3 !read_ok. R3 was never set, or a call destroyed it.',
  ],
  [
    'a kernel function that is not offered',
    '0: (85) call netif_carrier_off#96439\ncalling kernel function netif_carrier_off is not allowed\n',
    'at instruction 0 (call netif_carrier_off#96439): calling kernel function netif_carrier_off is not allowed. This kernel does not offer the kernel function netif_carrier_off to programs of this type.',
  ],
  [
    'the license',
    '4: (85) call bpf_probe_read_kernel#113\ncannot call GPL-restricted function from non-GPL compatible program\n',
    'at instruction 4 (call bpf_probe_read_kernel#113): cannot call GPL-restricted function from non-GPL compatible program. This helper is for GPL programs; set the license to "GPL".',
  ],
  [
    'a map value that is too short',
    '0: (18) r1 = 0xffffc90000e02000       ; R1=map_value(ks=4,vs=64)\n2: (79) r0 = *(u64 *)(r1 +64)\ninvalid access to map value, value_size=64 off=64 size=8\nR1 min value is outside of the allowed memory range\n',
    'at instruction 2 (r0 = *(u64 *)(r1 +64)): invalid access to map value, value_size=64 off=64 size=8; R1 min value is outside of the allowed memory range. The access is not proved to lie inside the map value.',
  ],
  [
    'code that nothing reaches',
    'func#0 @0\nunreachable insn 2\n',
    'at instruction 2: unreachable insn 2. Nothing leads to instruction 2.',
  ],
];

describe('summariseVerifierLog()', () => {
  test.each(LOGS)('%s', (_, log, summary) => {
    const error = summariseVerifierLog(log + STATISTICS);
    expect(error.message).toBe(`The kernel refused the program ${summary}`);
    expect(error.log).toBe(log + STATISTICS);
  });

  test('names the instruction in the words of the program', () => {
    const program = new Assembler('transmit')
      .loadMapValue(R1, 'shared')
      .load('u64', R0, R1, 64)
      .mov(R2, 0)
      .exit()
      .build();
    const log =
      '0: (18) r1 = 0xffffc90000e02000       ; R1=map_value(ks=4,vs=64)\nR1 pointer arithmetic with <<= operator prohibited\n';
    const error = summariseVerifierLog(log, program, 'EACCES');
    expect(error.message).toBe(
      'The kernel refused program "transmit" (EACCES) at instruction 0 (r1 = map[shared][0]+0): R1 pointer arithmetic with <<= operator prohibited. This is for privileged programs; it needs CAP_PERFMON.',
    );
    expect(error).toMatchObject({
      instruction: 0,
      complaint: 'R1 pointer arithmetic with <<= operator prohibited',
    });
    expect(error).toBeInstanceOf(Error);
  });

  test('explains refusals without a log by their errno', () => {
    expect(summariseVerifierLog('', undefined, 'EPERM').message).toBe(
      'The kernel refused the program (EPERM) and left no reason in its log. It needs CAP_BPF, and CAP_NET_ADMIN or CAP_PERFMON by its type.',
    );
    expect(summariseVerifierLog('\0\0').message).toBe(
      'The kernel refused the program and left no reason in its log.',
    );
  });

  test('a log that ends without a complaint has none', () => {
    expect(
      summariseVerifierLog(`0: (b7) r0 = 0                        ; R0=0\n1: (95) exit\n${STATISTICS}`),
    ).toMatchObject({
      complaint: '',
      instruction: 1,
    });
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), log => {
        expect(summariseVerifierLog(log).message).toContain('The kernel refused');
      }),
    );
  });
});
