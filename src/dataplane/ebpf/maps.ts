// The two maps of a bond: the state that programs and daemon share, and the ring of what the programs did.
import { BPF_MAP_FLAGS, BPF_MAP_TYPES, type MapSpec } from '../../ebpf/index.js';
import { closeFd, createMap } from '../../linux/index.js';
import { EVENTS_MAP, SHARED, STATE_MAP } from './shared-state.js';

/** Bytes of the ring: room for some 2000 diversions, read at once. */
export const EVENTS_BYTES = 64 * 1024;

const stateMapSpec: MapSpec = {
  name: STATE_MAP,
  type: BPF_MAP_TYPES.BPF_MAP_TYPE_ARRAY,
  keySize: 4,
  valueSize: SHARED.size,
  maxEntries: 1,
  flags: BPF_MAP_FLAGS.BPF_F_MMAPABLE,
};

const eventsMapSpec: MapSpec = {
  name: EVENTS_MAP,
  type: BPF_MAP_TYPES.BPF_MAP_TYPE_RINGBUF,
  keySize: 0,
  valueSize: 0,
  maxEntries: EVENTS_BYTES,
  flags: 0,
};

/** File descriptors of the two. */
export interface LoadedMaps {
  readonly state: number;
  readonly events: number;
}

/** Makes the two maps of a bond. */
export function createMaps(): LoadedMaps {
  const state = createMap(stateMapSpec);
  try {
    return { state, events: createMap(eventsMapSpec) };
  } catch (error) {
    closeFd(state);
    throw error;
  }
}

/** Gives their descriptors back; programs and pins keep them. */
export function closeMaps(maps: LoadedMaps): void {
  closeFd(maps.state);
  closeFd(maps.events);
}
