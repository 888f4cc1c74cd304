// Whether this kernel has VLAN devices; not all small ones have.
import { spawnSync } from 'node:child_process';

const TRY = 'ip link add bwx type veth peer name bwy && ip link add link bwx name bwv type vlan id 7';

/** True where VLAN devices can be made. */
export const HAS_VLAN: boolean = spawnSync('unshare', ['-n', 'sh', '-c', TRY]).status === 0;
