// What a traffic-control or TCX program is given and may answer: verdicts, redirect flags, and the fields of its context.

/** Verdicts of a BPF_PROG_TYPE_SCHED_CLS program (uapi `TC_ACT_*` in pkt_cls.h). `bpf_redirect` returns `TC_ACT_REDIRECT`. */
export const TC_ACT = {
  TC_ACT_UNSPEC: -1,
  TC_ACT_OK: 0,
  TC_ACT_RECLASSIFY: 1,
  TC_ACT_SHOT: 2,
  TC_ACT_PIPE: 3,
  TC_ACT_STOLEN: 4,
  TC_ACT_QUEUED: 5,
  TC_ACT_REPEAT: 6,
  TC_ACT_REDIRECT: 7,
  TC_ACT_TRAP: 8,
} as const;

/** Verdicts of a program attached by TCX (uapi enum tcx_action_base); `TCX_NEXT` goes on to the next program. */
export const TCX = {
  TCX_NEXT: -1,
  TCX_PASS: 0,
  TCX_DROP: 2,
  TCX_REDIRECT: 7,
} as const;

/** Flags of `bpf_redirect` and `bpf_clone_redirect`: into the interface's receive path instead of its transmit path. */
export const BPF_F_INGRESS = 1;

/** Flags of `bpf_skb_store_bytes` (uapi). */
export const SKB_STORE_FLAGS = {
  BPF_F_RECOMPUTE_CSUM: 1,
  BPF_F_INVALIDATE_HASH: 2,
} as const;

/** Values of `__sk_buff.pkt_type` (uapi `PACKET_*` in if_packet.h). */
export const PKT_TYPE = {
  PACKET_HOST: 0,
  PACKET_BROADCAST: 1,
  PACKET_MULTICAST: 2,
  PACKET_OTHERHOST: 3,
  PACKET_OUTGOING: 4,
} as const;

/**
 * Byte offsets in the context of skb programs (uapi `struct __sk_buff`). All fields are u32 except `flow_keys`, `tstamp`, `sk`
 * and `hwtstamp` (u64) and `tstamp_type` (u8); `protocol` and `vlan_proto` hold network byte order. `cb` has five
 * words, so `cb[n]` is at `SK_BUFF.cb + 4 * n`; the same for the four words of the IPv6 addresses.
 */
export const SK_BUFF = {
  len: 0,
  pkt_type: 4,
  mark: 8,
  queue_mapping: 12,
  protocol: 16,
  vlan_present: 20,
  vlan_tci: 24,
  vlan_proto: 28,
  priority: 32,
  ingress_ifindex: 36,
  ifindex: 40,
  tc_index: 44,
  cb: 48,
  hash: 68,
  tc_classid: 72,
  data: 76,
  data_end: 80,
  napi_id: 84,
  family: 88,
  remote_ip4: 92,
  local_ip4: 96,
  remote_ip6: 100,
  local_ip6: 116,
  remote_port: 132,
  local_port: 136,
  data_meta: 140,
  flow_keys: 144,
  tstamp: 152,
  wire_len: 160,
  gso_segs: 164,
  sk: 168,
  gso_size: 176,
  tstamp_type: 180,
  hwtstamp: 184,
} as const;

/** The name of a field of `__sk_buff`. */
export type SkBuffField = keyof typeof SK_BUFF;
