// What passes an interface of a lab, as text.
import type { Lab, PlaceName } from '../../src/lab/index.js';
import { ETH_P_ALL, PacketSocket } from '../../src/linux/index.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Frames seen on an interface from now on, both directions, until `stop`. */
export function capture(
  lab: Lab,
  place: PlaceName,
  name: string,
): { readonly seen: string[]; readonly stop: () => void } {
  const { ifindex } = lab.link(place, name) ?? { ifindex: 0 };
  const socket = lab.inside(place, () =>
    PacketSocket.open({ ifindex, protocol: ETH_P_ALL, ignoreOutgoing: false, auxData: true }),
  );
  const seen: string[] = [];
  const timer = setInterval(() => {
    for (let frame = socket.receive(); frame !== undefined; frame = socket.receive()) {
      const tag = frame.vlan === undefined ? '' : ` vlan ${frame.vlan.tci & 0xfff}`;
      seen.push(`${frame.packetType === 4 ? 'out' : 'in'}${tag} ${hex(frame.data)}`);
    }
  }, 5);
  return {
    seen,
    stop: () => {
      clearInterval(timer);
      socket.close();
    },
  };
}
