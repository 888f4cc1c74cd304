// Two switches that show one system (MLAG, MC-LAG, vPC): groups of one name are one group, what one learns the other knows, and a frame
// that came over the peer link does not leave by a group that the first one has served. (simulator)
import type { MacText } from '../base/index.js';
import { ChannelGroup } from './channel-group.js';
import type { Frame } from './frame.js';
import { type LearningSwitch, PEER, type Way } from './learning-switch.js';
import type { PairSpec } from './scenario.js';
import type { SwitchPort } from './switch-port.js';

export class SwitchPair {
  readonly #primary: LearningSwitch;
  readonly #secondary: LearningSwitch;
  readonly #peerPorts: readonly [SwitchPort, SwitchPort];
  /** Names of groups that a frame on the peer link is not for. */
  readonly #served = new WeakMap<Frame, ReadonlySet<string>>();
  #wasUp = false;

  /** `peerPorts`: the ends of the peer link, the primary's first. */
  constructor(
    switches: Record<keyof Pick<PairSpec, 'primary' | 'secondary'>, LearningSwitch>,
    peerPorts: readonly [SwitchPort, SwitchPort],
  ) {
    this.#primary = switches.primary;
    this.#secondary = switches.secondary;
    this.#peerPorts = peerPorts;
  }

  isPeerPort(port: SwitchPort): boolean {
    return this.#peerPorts.includes(port);
  }

  #other(one: LearningSwitch): LearningSwitch {
    return one === this.#primary ? this.#secondary : this.#primary;
  }

  #portOf(one: LearningSwitch): SwitchPort {
    return this.#peerPorts[one === this.#primary ? 0 : 1];
  }

  get #isWhole(): boolean {
    return this.#peerPorts[0].isUp;
  }

  #isShared(name: string): boolean {
    return this.#primary.group(name) !== undefined && this.#secondary.group(name) !== undefined;
  }

  /** True for ports of the pair's groups at the secondary, while only the peer link is down. */
  shuts(one: LearningSwitch, { group }: SwitchPort): boolean {
    if (one !== this.#secondary || group === null || !this.#isShared(group.name)) return false;
    return !this.#isWhole && this.#primary.isPowered;
  }

  /** The peer link, the power of one, or a group is not as it was: ports may be down or up for it. */
  check(): void {
    for (const { cable } of this.#secondary.ports) cable?.refresh();
  }

  linkChanged(): void {
    if (this.#wasUp === this.#isWhole) return;
    this.#wasUp = this.#isWhole;
    const both = [this.#primary, this.#secondary];
    for (const one of both) one.forget(PEER);
    if (this.#wasUp) for (const one of both) for (const [mac, way] of one.learned()) this.tell(one, mac, way);
    this.check();
  }

  /** One has learned an address. */
  tell(one: LearningSwitch, mac: MacText, way: Way): void {
    if (!this.#isWhole || way === PEER) return;
    this.#other(one).adopt(mac, way instanceof ChannelGroup ? way.name : undefined);
  }

  /** An address at a port of one is forgotten. */
  forgotten(one: LearningSwitch, mac: MacText): void {
    if (this.#isWhole) this.#other(one).forgetOf(mac);
  }

  /** The other switch has ports of the group that carry. */
  carriesElsewhere(one: LearningSwitch, { name }: ChannelGroup): boolean {
    const other = this.#other(one).group(name);
    return this.#isWhole && other !== undefined && other.carrying().length > 0;
  }

  forgetGroup(one: LearningSwitch, { name }: ChannelGroup): void {
    const other = this.#other(one);
    const group = other.group(name);
    if (group !== undefined && group.carrying().length === 0) other.forget(group);
  }

  /** Sends a frame to the other switch, with word of what it is not to leave by there. */
  cross(one: LearningSwitch, from: Way, frame: Frame, hops: number): void {
    const served = one.groups.filter(each => each === from || each.carrying().length > 0);
    const copy = { ...frame };
    this.#served.set(copy, new Set(served.map(({ name }) => name)));
    this.#portOf(one).send(copy, hops);
  }

  isServed(frame: Frame, { name }: ChannelGroup): boolean {
    return this.#isShared(name) && this.#served.get(frame)?.has(name) === true;
  }
}
