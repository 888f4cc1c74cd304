// The interfaces of this machine, for files of configuration that mean them by pattern, MAC address, driver or the like.
import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import type { KnownInterface } from '../../config/index.js';
import { listLinks, Rtnetlink } from '../../linux/index.js';

/** Names of ARPHRD_* as networkd has them in Type=, of interfaces that udev gives no DEVTYPE. */
const TYPES: Readonly<Record<string, string>> = {
  1: 'ether',
  32: 'infiniband',
  772: 'loopback',
  65534: 'none',
};

/** What rtnetlink, sysfs and udev say of them; of what does not answer, nothing. */
export function machineInterfaces(): KnownInterface[] {
  const netlink = Rtnetlink.open();
  try {
    return listLinks(netlink).map(known);
  } finally {
    netlink.close();
  }
}

type Link = ReturnType<typeof listLinks>[number];

function known({
  name = '',
  ifindex,
  address,
  permanentAddress,
  alternativeNames,
  info,
}: Link): KnownInterface {
  const folder = `/sys/class/net/${name}`;
  const devtype = /^DEVTYPE=(.+)$/m.exec(quietly(() => readFileSync(`${folder}/uevent`, 'utf8')) ?? '')?.[1];
  const hardware = quietly(() => readFileSync(`${folder}/type`, 'utf8'))?.trim() ?? '';
  const udev = quietly(() => readFileSync(`/run/udev/data/n${ifindex}`, 'utf8')) ?? '';
  return {
    name,
    mac: address ?? '',
    permanentMac: permanentAddress,
    alternativeNames,
    kind: info?.kind,
    driver: quietly(() => basename(readlinkSync(`${folder}/device/driver`))),
    type: devtype ?? TYPES[hardware],
    path: /^E:ID_PATH=(.+)$/m.exec(udev)?.[1],
  };
}

function quietly(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
