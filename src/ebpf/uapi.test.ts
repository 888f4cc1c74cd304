import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Btf, parseBtf } from './btf.js';
import { BPF_COMMANDS } from './commands.js';
import { HELPERS, helperName } from './helpers.js';
import { BPF_MAP_TYPES } from './map-types.js';
import { BPF_ATTACH_TYPES, BPF_PROG_TYPES } from './program-types.js';
import { kernelObjectName } from './specs.js';
import { SK_BUFF, TC_ACT } from './traffic-control.js';

test('the numbers that the data plane is built on', () => {
  expect(HELPERS).toMatchObject({
    map_lookup_elem: 1,
    map_update_elem: 2,
    map_delete_elem: 3,
    ktime_get_ns: 5,
    get_prandom_u32: 7,
    get_smp_processor_id: 8,
    skb_store_bytes: 9,
    clone_redirect: 13,
    redirect: 23,
    skb_load_bytes: 26,
    get_current_task: 35,
    skb_pull_data: 39,
    skb_change_head: 43,
    probe_read_kernel: 113,
    ringbuf_output: 130,
    ringbuf_reserve: 131,
    ringbuf_submit: 132,
    ringbuf_discard: 133,
    redirect_peer: 155,
  });
  expect(BPF_ATTACH_TYPES).toMatchObject({ BPF_TCX_INGRESS: 46, BPF_TCX_EGRESS: 47 });
  expect(BPF_COMMANDS).toMatchObject({
    BPF_PROG_LOAD: 5,
    BPF_OBJ_PIN: 6,
    BPF_PROG_TEST_RUN: 10,
    BPF_LINK_CREATE: 28,
  });
  expect([BPF_PROG_TYPES.BPF_PROG_TYPE_SCHED_CLS, BPF_MAP_TYPES.BPF_MAP_TYPE_RINGBUF]).toEqual([3, 27]);
  expect(TC_ACT.TC_ACT_REDIRECT).toBe(7);
});

test('helperName() is the way back', () => {
  expect(helperName(23)).toBe('redirect');
  expect(helperName(9999)).toBeUndefined();
});

test('kernelObjectName() gives what the kernel takes', () => {
  expect(kernelObjectName('bond0-transmit program')).toBe('bond0_transmit_');
  expect(kernelObjectName('receive.v2')).toBe('receive.v2');
});

const VMLINUX = '/sys/kernel/btf/vmlinux';

function kernelBtf(): Btf {
  const parsed = parseBtf(new Uint8Array(readFileSync(VMLINUX)));
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}

/** Each of our constants against the kernel's enum; names that an older kernel does not have yet are left out. */
function differences(
  btf: Btf,
  enumName: string,
  table: Readonly<Record<string, number>>,
  prefix = '',
): string[] {
  const answers = Object.entries(table).map(([name, ours]) => ({
    name,
    ours,
    theirs: btf.enumValue(enumName, prefix + name),
  }));
  const known = answers.filter(answer => answer.theirs.ok);
  const wrong = known
    .filter(({ ours, theirs }) => theirs.ok && theirs.value !== ours)
    .map(({ name }) => name);
  return known.length > 20 ? wrong : [`${enumName} has only ${known.length} of our names`];
}

describe.runIf(existsSync(VMLINUX))("this machine's kernel agrees", () => {
  test.each([
    ['bpf_func_id', HELPERS, 'BPF_FUNC_'],
    ['bpf_cmd', BPF_COMMANDS, ''],
    ['bpf_map_type', BPF_MAP_TYPES, ''],
    ['bpf_prog_type', BPF_PROG_TYPES, ''],
    ['bpf_attach_type', BPF_ATTACH_TYPES, ''],
  ])('%s', (enumName, table, prefix) => {
    expect(differences(kernelBtf(), enumName, table, prefix)).toEqual([]);
  });

  test('__sk_buff', () => {
    const btf = kernelBtf();
    const wrong = Object.entries(SK_BUFF).filter(([field, offset]) => {
      const theirs = btf.memberOffset('__sk_buff', field);
      return theirs.ok && theirs.value !== offset;
    });
    expect(wrong).toEqual([]);
    expect(btf.memberOffset('__sk_buff', 'data_end')).toEqual({ ok: true, value: SK_BUFF.data_end });
  });
});
