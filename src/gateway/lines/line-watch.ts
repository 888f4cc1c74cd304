// Looks after the devices, addresses and gateways of an uplink's lines: by the kernel's news, and by asking each device for its carrier,
// as the kernel may hold that news back for a second (link-watch).
import { equalValues } from '../../base/index.js';
import { Ethtool, getLink, listAddresses, listRoutes, Rtnetlink } from '../../linux/index.js';
import {
  type Address,
  type Link,
  type NetlinkMessage,
  parseNews,
  type Route,
  RT_TABLE_MAIN,
  RTNLGRP,
  routeTable,
} from '../../netlink/index.js';
import {
  FAMILIES,
  type Family,
  type LineDevice,
  type LineNumber,
  type LinePath,
  type LineSettings,
} from '../../uplinks/index.js';
import { leasedGateways } from './leases.js';
import { lineDevice, linePath } from './line-facts.js';

/** Between two questions for the carrier: 2 µs a device, and asking makes the kernel tell what it held back. */
const CARRIER_MS = 25;
/** DHCP clients write their files after they have set the address. */
const LEASES_MS = 1000;

/** What is told of the lines; each once at the start, then when it is another. */
export interface LineNews {
  device(line: LineNumber, device: LineDevice | null): void;
  path(line: LineNumber, family: Family, path: LinePath | null): void;
  /** Another device has the name, or none: what is tied to the old one hears nothing any more. */
  replaced(line: LineNumber): void;
  bytes(line: LineNumber, received: number, sent: number): void;
  failed(error: unknown): void;
}

interface WatchedLine {
  readonly settings: LineSettings;
  readonly number: LineNumber;
  link: Link | undefined;
  /** Asked for when there are news: a machine may have a million routes. */
  addresses: readonly Address[];
  routes: readonly Route[];
  device: LineDevice | null | undefined;
  readonly paths: Map<Family, LinePath | null>;
  /** The gateway that was last found, as a link that goes down loses its routes. */
  readonly remembered: Map<Family, string>;
}

/** Watches the lines of one uplink in the network namespace that the thread was in when it was opened. */
export class LineWatch {
  readonly #netlink: Rtnetlink;
  readonly #ethtool: Ethtool;
  readonly #news: LineNews;
  #lines: readonly WatchedLine[] = [];
  #carrierTimer: NodeJS.Timeout | undefined;
  #leaseTimer: NodeJS.Timeout | undefined;
  #lookIsDue = false;
  #closed = false;

  /** Throws SystemError. */
  constructor(news: LineNews) {
    this.#news = news;
    const { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE } =
      RTNLGRP;
    this.#netlink = Rtnetlink.open({
      groups: [
        RTNLGRP_LINK,
        RTNLGRP_IPV4_IFADDR,
        RTNLGRP_IPV6_IFADDR,
        RTNLGRP_IPV4_ROUTE,
        RTNLGRP_IPV6_ROUTE,
      ],
    });
    this.#ethtool = Ethtool.open();
  }

  /** Watches these, and tells what they are now. Lines keep what is remembered of them by their devices. */
  watch(lines: readonly LineSettings[]): void {
    const before = this.#lines;
    this.#lines = lines.map((settings, i) => {
      const known = before.find(line => line.settings.device === settings.device);
      return {
        settings,
        number: i + 1,
        link: undefined,
        addresses: [],
        routes: [],
        device: undefined,
        paths: new Map(),
        remembered: known?.remembered ?? new Map(),
      };
    });
    try {
      this.look();
    } catch (error) {
      this.#news.failed(error);
      this.#soon();
    }
    if (this.#carrierTimer !== undefined) return;
    this.#netlink.onMessage(
      message => this.#told(message),
      () => this.#soon(),
    );
    this.#carrierTimer = setInterval(() => this.#guarded(() => this.#askCarriers()), CARRIER_MS);
    this.#leaseTimer = setInterval(() => this.#guarded(() => this.#lookAgain()), LEASES_MS);
  }

  /** The device of a line as it is now; undefined while there is none. */
  link(line: LineNumber): Link | undefined {
    return this.#lines[line - 1]?.link;
  }

  /** As it was told last; undefined before that. */
  device(line: LineNumber): LineDevice | null | undefined {
    return this.#lines[line - 1]?.device;
  }

  path(line: LineNumber, family: Family): LinePath | null {
    return this.#lines[line - 1]?.paths.get(family) ?? null;
  }

  /** Asks for all lines anew, and tells what is another. */
  look(): void {
    this.#lookIsDue = false;
    if (this.#closed) return;
    for (const line of this.#lines) this.#lookAt(line);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#carrierTimer);
    clearInterval(this.#leaseTimer);
    this.#netlink.close();
    this.#ethtool.close();
  }

  #told(message: NetlinkMessage): void {
    const news = parseNews(message);
    if (!news.ok) return;
    const { kind } = news.value;
    // Of routes only default ones of table main tell anything of gateways; ours are in tables of their own.
    const matters =
      kind === 'route'
        ? news.value.route.destinationLength === 0 && routeTable(news.value.route) === RT_TABLE_MAIN
        : kind === 'link'
          ? this.#isOurs(news.value.link)
          : kind === 'address' && this.#hasIndex(news.value.address.ifindex);
    if (matters) this.#soon();
  }

  #isOurs({ ifindex, name }: Link): boolean {
    return this.#hasIndex(ifindex) || this.#lines.some(({ settings }) => settings.device === name);
  }

  #hasIndex(ifindex: number): boolean {
    return this.#lines.some(({ link }) => link?.ifindex === ifindex);
  }

  /** One look for all news of a turn. */
  #soon(): void {
    if (this.#lookIsDue) return;
    this.#lookIsDue = true;
    setImmediate(() => this.#guarded(() => this.look()));
  }

  #askCarriers(): void {
    for (const line of this.#lines) {
      if (line.device === null || line.device === undefined || line.link === undefined) continue;
      const asked = this.#ethtool.linkDetected(line.settings.device);
      // Without a link the device may be down as well: the whole look tells.
      if (asked !== undefined && asked !== line.device.carrier) this.#lookAt(line);
    }
  }

  /** What has no news: counters, leases. */
  #lookAgain(): void {
    for (const line of this.#lines) {
      if (line.link === undefined) continue;
      this.#tellBytes(line, getLink(this.#netlink, line.link.ifindex));
      this.#tellPaths(line);
    }
  }

  #lookAt(line: WatchedLine): void {
    const { settings, number } = line;
    const link = getLink(this.#netlink, settings.device);
    if (link?.ifindex !== line.link?.ifindex && line.link !== undefined) this.#news.replaced(number);
    line.link = link;
    const filter = { ifindex: link?.ifindex ?? 0, table: RT_TABLE_MAIN };
    line.addresses = link === undefined ? [] : listAddresses(this.#netlink, filter);
    line.routes = link === undefined ? [] : listRoutes(this.#netlink, filter);
    const device = link === undefined ? null : lineDevice(link, this.#ethtool.linkDetected(settings.device));
    if (!equalValues(device, line.device)) {
      line.device = device;
      this.#news.device(number, device);
    }
    this.#tellBytes(line, link);
    this.#tellPaths(line);
  }

  #tellBytes({ number }: WatchedLine, link: Link | undefined): void {
    if (link?.statistics === undefined) return;
    this.#news.bytes(number, link.statistics.rxBytes, link.statistics.txBytes);
  }

  #tellPaths(line: WatchedLine): void {
    const { link, settings, addresses, routes } = line;
    const leased = link === undefined ? [] : leasedGateways(settings.device, link.ifindex);
    for (const family of FAMILIES) {
      const facts = { addresses, routes, leased };
      const given = settings.gateway[family];
      const remembered = line.remembered.get(family) ?? null;
      const path = link === undefined ? null : linePath(family, { link, ...facts }, given, remembered);
      if (path !== null && path.gateway !== null) line.remembered.set(family, path.gateway);
      const before = line.paths.get(family);
      if (before !== undefined && equalValues(path, before)) continue;
      line.paths.set(family, path);
      this.#news.path(line.number, family, path);
    }
  }

  /** A device that goes while it is asked for is no reason to end. */
  #guarded(work: () => void): void {
    if (this.#closed) return;
    try {
      work();
    } catch (error) {
      this.#news.failed(error);
    }
  }
}
