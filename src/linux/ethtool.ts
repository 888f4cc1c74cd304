// What a network device says of itself by ioctl(2): link, speed, duplex, driver, permanent address, offloads, MII
// registers. A device that cannot say gives undefined.
import { formatMac } from '../base/index.js';
import { SystemError } from './errors.js';
import { addressOf, check, closeFd, lastErrno, libc } from './ffi.js';

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
const SIOCETHTOOL = 0x8946;
const SIOCGMIIPHY = 0x8947;
const SIOCGMIIREG = 0x8948;

const ETHTOOL_GSET = 0x01;
const ETHTOOL_GDRVINFO = 0x03;
const ETHTOOL_GLINK = 0x0a;
const ETHTOOL_GSTRINGS = 0x1b;
const ETHTOOL_GPERMADDR = 0x20;
const ETHTOOL_GSSET_INFO = 0x37;
const ETHTOOL_GFEATURES = 0x3a;
const ETHTOOL_SFEATURES = 0x3b;
const ETHTOOL_GLINKSETTINGS = 0x4c;
const ETH_SS_FEATURES = 4;
const ETH_GSTRING_LEN = 32;
const SPEED_UNKNOWN = 0xffffffff;

const IFNAMSIZ = 16;
/** Device cannot say, is no device of that sort, has not the answer now, or is gone. */
const CANNOT_SAY: ReadonlySet<number> = new Set([
  5 /* EIO */, 6 /* ENXIO */, 19 /* ENODEV */, 22 /* EINVAL */, 25 /* ENOTTY */, 95 /* EOPNOTSUPP */,
  100 /* ENETDOWN */, 524 /* ENOTSUPP */,
]);

/** Speed and duplex. */
export interface LinkSettings {
  /** Mbit/s; null when the device does not know (no link). */
  readonly speedMbps: number | null;
  readonly duplex: 'full' | 'half' | null;
  readonly autonegotiation: boolean;
}

/** Which driver (struct ethtool_drvinfo). */
export interface DriverInfo {
  readonly driver: string;
  readonly version: string;
  readonly firmware: string;
  readonly bus: string;
}

/** One offload. */
export interface Feature {
  /** May be switched. */
  readonly available: boolean;
  /** Asked for. */
  readonly requested: boolean;
  /** In force. */
  readonly active: boolean;
  /** The device never switches it. */
  readonly fixed: boolean;
}

/** The kernel's names of the offloads behind ethtool's short ones; a device has some of each. */
export const FEATURE_GROUPS = {
  rx: ['rx-checksum'],
  tx: [
    'tx-checksum-ipv4',
    'tx-checksum-ip-generic',
    'tx-checksum-ipv6',
    'tx-checksum-fcoe-crc',
    'tx-checksum-sctp',
  ],
  sg: ['tx-scatter-gather', 'tx-scatter-gather-fraglist'],
  tso: [
    'tx-tcp-segmentation',
    'tx-tcp-ecn-segmentation',
    'tx-tcp-mangleid-segmentation',
    'tx-tcp6-segmentation',
  ],
  gso: ['tx-generic-segmentation'],
  gro: ['rx-gro'],
} as const;

function readText(bytes: Uint8Array, offset: number, length: number): string {
  const field = bytes.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return new TextDecoder('latin1').decode(end < 0 ? field : field.subarray(0, end));
}

/** Asks devices of the network namespace that the thread is in when it is opened. Methods throw SystemError on what is no "cannot say". */
export class Ethtool {
  readonly #fd: number;
  /** struct ifreq: name, then a union that holds the address of the command's block, or the MII data. */
  readonly #request: Uint8Array = new Uint8Array(40);
  readonly #view: DataView = new DataView(this.#request.buffer);
  readonly #value: Uint8Array = new Uint8Array(8);
  readonly #valueView: DataView = new DataView(this.#value.buffer);
  readonly #valueAddress: bigint = addressOf(this.#value);
  #open = true;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens the socket that the ioctls go through. */
  static open(): Ethtool {
    return new Ethtool(check(libc().socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0), 'socket', 'AF_INET'));
  }

  /** Whether the device has a link (ETHTOOL_GLINK): 2 µs, and it flushes a carrier event that the kernel holds back. */
  linkDetected(iface: string): boolean | undefined {
    this.#valueView.setUint32(0, ETHTOOL_GLINK, true);
    this.#name(iface);
    // Asked of every member at every tick: what takes time is done once.
    this.#view.setBigUint64(16, this.#valueAddress, true);
    if (!this.#ioctl(SIOCETHTOOL, 'ETHTOOL_GLINK', iface)) return undefined;
    return this.#valueView.getUint32(4, true) !== 0;
  }

  /** Speed and duplex, by ETHTOOL_GLINKSETTINGS or (before 4.6) ETHTOOL_GSET. */
  linkSettings(iface: string): LinkSettings | undefined {
    return this.#newSettings(iface) ?? this.#oldSettings(iface);
  }

  /** Which driver. */
  driverInfo(iface: string): DriverInfo | undefined {
    const block = new Uint8Array(196);
    new DataView(block.buffer).setUint32(0, ETHTOOL_GDRVINFO, true);
    if (!this.#command(iface, block, 'ETHTOOL_GDRVINFO')) return undefined;
    return {
      driver: readText(block, 4, 32),
      version: readText(block, 36, 32),
      firmware: readText(block, 68, 32),
      bus: readText(block, 100, 32),
    };
  }

  /** The address that the device came with; undefined where it has none of its own (veth). */
  permanentAddress(iface: string): string | undefined {
    const block = new Uint8Array(8 + 32);
    const view = new DataView(block.buffer);
    view.setUint32(0, ETHTOOL_GPERMADDR, true);
    view.setUint32(4, 32, true);
    if (!this.#command(iface, block, 'ETHTOOL_GPERMADDR')) return undefined;
    const mac = block.subarray(8, 14);
    return view.getUint32(4, true) === 6 && mac.some(byte => byte !== 0) ? formatMac(mac) : undefined;
  }

  /** All offloads by the kernel's names. */
  features(iface: string): ReadonlyMap<string, Feature> | undefined {
    const names = this.#featureNames(iface);
    if (names === undefined) return undefined;
    const words = Math.ceil(names.length / 32);
    const block = new Uint8Array(8 + 16 * words);
    const view = new DataView(block.buffer);
    view.setUint32(0, ETHTOOL_GFEATURES, true);
    view.setUint32(4, words, true);
    if (!this.#command(iface, block, 'ETHTOOL_GFEATURES')) return undefined;
    const features = new Map<string, Feature>();
    for (const [i, name] of names.entries()) {
      if (name === '') continue;
      // struct ethtool_get_features_block: available, requested, active, never_changed.
      const at = 8 + 16 * (i >> 5);
      const bit = (word: number): boolean => ((view.getUint32(at + 4 * word, true) >>> (i & 31)) & 1) === 1;
      features.set(name, { available: bit(0), requested: bit(1), active: bit(2), fixed: bit(3) || !bit(0) });
    }
    return features;
  }

  /** Switches offloads by the kernel's names; those that the device has not, or cannot switch, are left. Undefined when it has none at all. */
  setFeatures(iface: string, wanted: Readonly<Record<string, boolean>>): true | undefined {
    const names = this.#featureNames(iface);
    const current = this.features(iface);
    if (names === undefined || current === undefined) return undefined;
    const words = Math.ceil(names.length / 32);
    const block = new Uint8Array(8 + 8 * words);
    const view = new DataView(block.buffer);
    view.setUint32(0, ETHTOOL_SFEATURES, true);
    view.setUint32(4, words, true);
    for (const [i, name] of names.entries()) {
      const wish = wanted[name];
      if (wish === undefined || current.get(name)?.fixed !== false) continue;
      // struct ethtool_set_features_block: valid, requested.
      const at = 8 + 8 * (i >> 5);
      const bit = 1 << (i & 31);
      view.setUint32(at, (view.getUint32(at, true) | bit) >>> 0, true);
      if (wish) view.setUint32(at + 4, (view.getUint32(at + 4, true) | bit) >>> 0, true);
    }
    return this.#command(iface, block, 'ETHTOOL_SFEATURES') ? true : undefined;
  }

  /** Switches one of ethtool's short names (`ethtool -K IFACE tso off`). */
  setFeatureGroup(iface: string, group: keyof typeof FEATURE_GROUPS, on: boolean): true | undefined {
    return this.setFeatures(iface, Object.fromEntries(FEATURE_GROUPS[group].map(name => [name, on])));
  }

  /** Address of the device's PHY on its MII bus. */
  miiPhy(iface: string): number | undefined {
    this.#name(iface);
    return this.#ioctl(SIOCGMIIPHY, 'SIOCGMIIPHY', iface) ? this.#view.getUint16(16, true) : undefined;
  }

  /** A register of the PHY; register 1 (BMSR) holds the link in bit 2, and it latches: read it twice. */
  miiRegister(iface: string, phy: number, register: number): number | undefined {
    this.#name(iface);
    // struct mii_ioctl_data: phy_id, reg_num, val_in, val_out.
    this.#view.setUint16(16, phy, true);
    this.#view.setUint16(18, register, true);
    return this.#ioctl(SIOCGMIIREG, 'SIOCGMIIREG', iface) ? this.#view.getUint16(22, true) : undefined;
  }

  /** Closes the socket. A second call does nothing. */
  close(): void {
    if (this.#open) closeFd(this.#fd);
    this.#open = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #newSettings(iface: string): LinkSettings | undefined {
    // First ask without room for the bit maps; the device answers with minus the words that it wants.
    const probe = new Uint8Array(48);
    const probeView = new DataView(probe.buffer);
    probeView.setUint32(0, ETHTOOL_GLINKSETTINGS, true);
    if (!this.#command(iface, probe, 'ETHTOOL_GLINKSETTINGS')) return undefined;
    const words = -probeView.getInt8(15);
    if (words <= 0) return undefined;
    const block = new Uint8Array(48 + 12 * words);
    const view = new DataView(block.buffer);
    view.setUint32(0, ETHTOOL_GLINKSETTINGS, true);
    view.setInt8(15, words);
    if (!this.#command(iface, block, 'ETHTOOL_GLINKSETTINGS')) return undefined;
    return settings(view.getUint32(4, true), view.getUint8(8), view.getUint8(11));
  }

  #oldSettings(iface: string): LinkSettings | undefined {
    const block = new Uint8Array(44);
    const view = new DataView(block.buffer);
    view.setUint32(0, ETHTOOL_GSET, true);
    if (!this.#command(iface, block, 'ETHTOOL_GSET')) return undefined;
    const low = view.getUint16(12, true);
    const high = view.getUint16(28, true);
    const speed = low === 0xffff && (high === 0 || high === 0xffff) ? SPEED_UNKNOWN : high * 0x10000 + low;
    return settings(speed, view.getUint8(14), view.getUint8(18));
  }

  #featureNames(iface: string): string[] | undefined {
    const count = new Uint8Array(20);
    const countView = new DataView(count.buffer);
    countView.setUint32(0, ETHTOOL_GSSET_INFO, true);
    countView.setBigUint64(8, 1n << BigInt(ETH_SS_FEATURES), true);
    if (!this.#command(iface, count, 'ETHTOOL_GSSET_INFO')) return undefined;
    const length = countView.getUint32(16, true);
    const block = new Uint8Array(12 + ETH_GSTRING_LEN * length);
    const view = new DataView(block.buffer);
    view.setUint32(0, ETHTOOL_GSTRINGS, true);
    view.setUint32(4, ETH_SS_FEATURES, true);
    view.setUint32(8, length, true);
    if (!this.#command(iface, block, 'ETHTOOL_GSTRINGS')) return undefined;
    return Array.from({ length }, (_, i) => readText(block, 12 + ETH_GSTRING_LEN * i, ETH_GSTRING_LEN));
  }

  #name(iface: string): void {
    this.#request.fill(0);
    for (let i = 0; i < iface.length && i < IFNAMSIZ - 1; i++) this.#request[i] = iface.charCodeAt(i);
  }

  #command(iface: string, block: Uint8Array, command: string): boolean {
    this.#name(iface);
    this.#view.setBigUint64(16, addressOf(block), true);
    const done = this.#ioctl(SIOCETHTOOL, command, iface);
    // The block is read by the caller afterwards, which keeps it alive during the call.
    return done && block.length > 0;
  }

  #ioctl(request: number, name: string, iface: string): boolean {
    if (libc().ioctl(this.#fd, request, this.#request) >= 0) return true;
    const errno = lastErrno();
    if (CANNOT_SAY.has(errno)) return false;
    throw new SystemError(`ioctl(${name})`, errno, iface);
  }
}

function settings(speed: number, duplex: number, autonegotiation: number): LinkSettings {
  return {
    speedMbps: speed === SPEED_UNKNOWN || speed === 0 ? null : speed,
    duplex: duplex === 1 ? 'full' : duplex === 0 ? 'half' : null,
    autonegotiation: autonegotiation === 1,
  };
}
