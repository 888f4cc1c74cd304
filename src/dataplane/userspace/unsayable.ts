// Offloads of a bond's interface that frames cannot keep on their way through the worker.
import { Ethtool } from '../../linux/index.js';

/**
 * A virtio header cannot say these: tunnels, SCTP, and UDP segments before Linux 6.2. They are done before the frames come to
 * the bond's lower end (virtio_net_hdr_from_skb refuses them, and its caller drops the frame).
 */
const UNSAYABLE = [
  'tx-checksum-sctp',
  'tx-sctp-segmentation',
  'tx-udp-segmentation',
  'tx-udp_tnl-segmentation',
  'tx-udp_tnl-csum-segmentation',
  'tx-gre-segmentation',
  'tx-gre-csum-segmentation',
  'tx-ipxip4-segmentation',
  'tx-ipxip6-segmentation',
  'tx-gso-list',
] as const;

/** They are done before a frame leaves the interface. */
export function switchOffUnsayable(name: string): void {
  const ethtool = Ethtool.open();
  ethtool.setFeatures(name, Object.fromEntries(UNSAYABLE.map(feature => [feature, false])));
  ethtool.close();
}
