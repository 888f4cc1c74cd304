// What users ask of a daemon: create, enslave, release, set. Each is carried out whole or not at all.
import { advice, err, ok, type Refusal, type Result, refusal, shown } from '../base/index.js';
import { type BondDataPlane, DATA_PLANE_NAMES } from '../dataplane/index.js';
import { addAddress, addressFromText, getLink, isErrno, setLink } from '../linux/index.js';
import type { Address, Link } from '../netlink/index.js';
import {
  Bond,
  checkOptions,
  checkTogether,
  createBond,
  findOption,
  idleWatch,
  inApplyOrder,
  isOfMembers,
} from '../policy/index.js';
import { tellLifetime } from './keeping/adoption.js';
import { removeAddresses } from './members/address-transfer.js';
import { checkBondName } from './api/bond-name.js';
import { type BondRunner, runBond } from './bond-runner.js';
import { type Candidate, movesTraffic } from '../keeper/index.js';
import { ChainWatch } from './kernel/chain-watch.js';
import { isCidr } from './api/cidr.js';
import { refuseMissing, refuseOther, wishedDataPlane } from './kernel/data-planes.js';
import { Destruction } from './destruction.js';
import { type EnslaveWishes, JoinCandidates } from './members/join-candidates.js';
import type { Machine } from './kernel/machine.js';
import { lowerEndName, placesOf } from './keeping/places.js';
import { randomMac } from './kernel/random-mac.js';
import { existsAs } from './keeping/same-bond.js';
import type { Registry } from './registry.js';
import { lookElsewhere } from './kernel/stack-elsewhere.js';
import { systemRefusal } from './kernel/system-refusal.js';

/** Nothing, or why not. */
export type Done = Result<undefined, Refusal>;

const done: Done = ok(undefined);

/** Options that link_watch and passive_evidence need or are. */
const WATCHING: ReadonlySet<string> = new Set(['link_watch', 'passive_evidence', 'miimon', 'arp_interval']);

export class Operations {
  readonly #machine: Machine;
  readonly #registry: Registry;
  readonly chains: ChainWatch;
  readonly candidates: JoinCandidates;
  readonly destruction: Destruction;

  constructor(machine: Machine, registry: Registry) {
    this.#machine = machine;
    this.#registry = registry;
    this.chains = new ChainWatch(machine, registry);
    this.candidates = new JoinCandidates(machine, registry);
    this.destruction = new Destruction();
  }

  create(name: string, options: Readonly<Record<string, string>>): Done {
    const { netlink, runDir, planes } = this.#machine;
    const badName = checkBondName(name);
    if (badName !== undefined) return err(badName);
    const existing = getLink(netlink, name);
    const runner = this.#registry.named(name);
    if (existing !== undefined && runner === undefined) {
      const what = `an interface called ${name} exists already (${existing.info?.kind ?? 'hardware'})`;
      return err(refusal('exists', 'EEXIST', `${name} was not created: ${what}. Choose another name.`));
    }
    const address = randomMac();
    const policy = createBond({
      name,
      address,
      addressIsRandom: true,
      mtu: 1500,
      options: Object.entries(options),
    });
    if (!policy.ok) return policy;
    if (existing !== undefined && runner !== undefined) return existsAs(runner, options);
    let attempt = 0;
    while (getLink(netlink, lowerEndName(name, attempt)) !== undefined) attempt += 1;
    const lowerName = lowerEndName(name, attempt);
    const choice = planes.choose(wishedDataPlane(policy.value.snapshot().options), name);
    if (!choice.ok) return choice;
    let plane: BondDataPlane;
    try {
      const places = placesOf(runDir, lowerName);
      planes.sweep(netlink, places);
      plane = planes.create(netlink, choice.value.kind, {
        ...places,
        name,
        lowerName,
        address,
        mtu: 1500,
      });
    } catch (error) {
      return err(systemRefusal(error, `${name} was not created`));
    }
    const [machine, registry] = [this.#machine, this.#registry];
    const made = runBond({ machine, registry, plane, policy: policy.value, pins: lowerName });
    this.#registry.add(made);
    const unwritten = this.#machine.note(made, `${name} was not created`);
    if (unwritten !== undefined) return err(this.#unmake(made, unwritten));
    made.start();
    this.#machine.journal.add(name, {
      severity: 'info',
      type: 'data-plane',
      message: `${name} was created (${DATA_PLANE_NAMES[plane.kind]}, as ${choice.value.why}: ${plane.detail})`,
    });
    tellLifetime(this.#machine.journal, name, plane);
    this.#machine.saveSoon(made);
    return done;
  }

  /** Takes away a bond that nobody would know of; gives the refusal with what is left of the bond all the same. */
  #unmake(made: BondRunner, why: Refusal): Refusal {
    this.#registry.remove(made);
    // The file may have it, and its copy not.
    this.#machine.save(made);
    try {
      made.takeDown();
      return why;
    } catch (error) {
      return { ...why, message: `${why.message} It left something behind: ${(error as Error).message}` };
    }
  }

  /** All the named interfaces, or none. */
  enslave(runner: BondRunner, names: readonly string[], wishes: EnslaveWishes): Done {
    const joined: number[] = [];
    const wasUp = runner.policy.snapshot().adminUp;
    const wrong = this.checkMemberOptions(runner, names, wishes.options);
    if (wrong !== undefined) return err(wrong);
    /** Of the first that is to join: when it does, nothing has changed since. */
    let first: Candidate | undefined;
    // All are looked at before the first is touched.
    for (const name of names) {
      const link = getLink(this.#machine.netlink, name);
      if (link !== undefined && runner.records.has(link.ifindex)) continue;
      const checked = this.candidates.check(runner, name, link, wishes);
      if (!checked.ok) return checked;
      first ??= checked.value;
    }
    for (const name of names) {
      const link = getLink(this.#machine.netlink, name);
      if (link !== undefined && runner.records.has(link.ifindex)) continue;
      const known = joined.length === 0 && first?.original.ifindex === link?.ifindex ? first : undefined;
      let result: Done;
      try {
        result = this.#join(runner, name, link, wishes, known);
        if (result.ok && link !== undefined) {
          joined.push(link.ifindex);
          result = this.giveMemberOptions(runner, link.ifindex, wishes.options);
        }
      } catch (error) {
        // A look that fails is a refusal as any other: those that have joined leave again.
        result = err(systemRefusal(error, `${shown(name)} cannot join ${runner.name}, and is as it was`));
      }
      if (result.ok) continue;
      this.#undoJoined(runner, joined, wasUp);
      return result;
    }
    if (wishes.forget === true) this.#forget(runner, names);
    return done;
  }

  /** They leave as if they had never joined, last first; what fails keeps nothing else from being undone. */
  #undoJoined(runner: BondRunner, joined: readonly number[], wasUp: boolean): void {
    const { netlink, log } = this.#machine;
    const steps = joined.toReversed().map(ifindex => () => runner.undo(ifindex));
    // Addresses that moved to it brought it up.
    if (!wasUp) steps.push(() => setLink(netlink, runner.plane.bondIfindex, { up: false }));
    steps.push(() => void runner.resync());
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        log.error({ err: error, bond: runner.name }, 'a joining was not all undone');
      }
    }
  }

  /** `known`: what `check` gave for it, when nothing has changed since; thousands of routes take long to read. */
  #join(
    runner: BondRunner,
    name: string,
    link: Link | undefined,
    wishes: EnslaveWishes,
    known: Candidate | undefined,
  ): Done {
    const checked = known === undefined ? this.candidates.check(runner, name, link, wishes) : ok(known);
    if (!checked.ok) return checked;
    const joined = runner.join(checked.value);
    if (joined.ok) this.chains.joined(runner);
    return joined;
  }

  /** Members that are to be as if they had never joined; those that are none are passed over. */
  unjoin(runner: BondRunner, names: readonly string[]): void {
    const problems: unknown[] = [];
    for (const name of names.toReversed()) {
      const member = this.#memberCalled(runner, name)?.member;
      try {
        if (member !== undefined) runner.undo(member);
      } catch (error) {
        // One that fails keeps the others from nothing.
        problems.push(error);
      }
    }
    if (problems.length > 0) throw problems[0];
  }

  /** When one of these members vanishes, it is not awaited. */
  #forget(runner: BondRunner, names: readonly string[]): void {
    const members = names.map(name => this.#memberCalled(runner, name)?.member);
    for (const member of members) {
      const record = member === undefined ? undefined : runner.records.get(member);
      if (record !== undefined) record.forget = true;
    }
    runner.wanted = runner.wanted.filter(
      ({ name, ifindex }) => !names.includes(name) && !members.some(member => member === ifindex),
    );
    this.#machine.save(runner);
  }

  /** What is wrong with options for members that are to have these names, before they have joined. */
  checkMemberOptions(
    runner: BondRunner,
    names: readonly string[],
    options: Readonly<Record<string, string>>,
  ): Refusal | undefined {
    if (Object.keys(options).length === 0) return undefined;
    const other = Object.keys(options).find(option => !isOfMembers(option) || option === 'active_slave');
    if (other !== undefined) {
      const message = `${shown(other)} was refused: it is no option of a member; members have prio and queue_id, others belong to the bond ('${advice('bondwire set {bond} OPTION=VALUE', { bond: runner.name })}').`;
      return refusal('invalid-value', 'EINVAL', message);
    }
    const mode = ['mode', runner.policy.snapshot().mode] as const;
    for (const name of names) {
      const texts = Object.entries(options).map(([option, value]) => [option, `${name}:${value}`] as const);
      const [problem] = checkOptions(runner.name, [mode, ...texts], [name]).problems;
      if (problem !== undefined) return problem.refusal;
    }
    return undefined;
  }

  /** Gives a member options of its own; one that is refused leaves the others. */
  giveMemberOptions(runner: BondRunner, member: number, options: Readonly<Record<string, string>>): Done {
    const own = runner.policy.members().find(other => other.member === member)?.name ?? '';
    for (const [option, value] of Object.entries(options)) {
      const given = this.set(runner, { [option]: `${own}:${value}` });
      if (!given.ok) return given;
    }
    return done;
  }

  /** The member of this name, which may be an alternative one, as in the driver (__dev_get_by_name). */
  #memberCalled(runner: BondRunner, name: string) {
    const members = runner.policy.members();
    const known = members.find(other => other.name === name);
    if (known !== undefined || name === '') return known;
    const ifindex = getLink(this.#machine.netlink, name)?.ifindex;
    return members.find(({ member }) => member === ifindex);
  }

  /** Values that begin with the name of a member have its own name. */
  #withOwnNames(
    runner: BondRunner,
    wishes: Readonly<Record<string, string>>,
  ): Readonly<Record<string, string>> {
    return Object.fromEntries(
      Object.entries(wishes).map(([option, value]) => {
        const [, name = '', rest = ''] = /^\s*([^:]*?)\s*(:.*)?$/s.exec(value) ?? [];
        const member = isOfMembers(option) ? this.#memberCalled(runner, name) : undefined;
        return [option, member === undefined || member.name === name ? value : `${member.name}${rest}`];
      }),
    );
  }

  release(runner: BondRunner, names: readonly string[]): Done {
    const members: number[] = [];
    for (const name of names) {
      const member = this.#memberCalled(runner, name);
      if (member === undefined) {
        if (runner.wanted.some(wanted => wanted.name === name)) continue;
        const exists = getLink(this.#machine.netlink, name) !== undefined;
        const why = exists ? `it is not a member of ${runner.name}` : 'there is no such interface';
        return err(
          refusal(
            'unknown-interface',
            exists ? 'EINVAL' : 'ENODEV',
            `${shown(name)} was not released: ${why}. '${advice('bondwire show {bond}', { bond: runner.name })}' lists the members.`,
          ),
        );
      }
      members.push(member.member);
    }
    runner.release(members, names);
    return done;
  }

  /** All the options, in the driver's order, or none: they are tried on a copy of the policy first. */
  set(runner: BondRunner, wishes: Readonly<Record<string, string>>): Done {
    const fixed = refuseOther(runner, wishes);
    if (fixed !== undefined) return err(fixed);
    const { data_plane: _asItIs, ...options } = this.#withOwnNames(runner, wishes);
    const names = inApplyOrder(Object.keys(options));
    const isAlone = runner.policy.snapshot().options.link_watch === 'driver';
    const conflict = isAlone ? checkTogether(`The change of ${runner.name}`, Object.entries(options)) : null;
    if (conflict !== null) return err(conflict);
    const trial = Bond.restore(runner.policy.save(this.#machine.now()), this.#machine.now());
    for (const option of names) {
      const tried = trial.handle(
        { kind: 'set-option', option, value: options[option] ?? '' },
        this.#machine.now(),
      );
      if (!tried.ok) {
        const why = this.#asDriver(option, options[option] ?? '', tried.error);
        this.#machine.journal.add(runner.name, {
          severity: 'warning',
          type: 'refused',
          message: why.message,
        });
        return err(why);
      }
    }
    const missing = refuseMissing(runner.plane, trial.snapshot(), names);
    if (missing !== undefined) return err(missing);
    if (names.some(name => movesTraffic(name))) lookElsewhere(this.#machine.netlink);
    for (const option of names) {
      const result = runner.setOption(option, options[option] ?? '');
      if (!result.ok) return result;
    }
    const touched = names.map(name => findOption(name)?.name ?? name);
    const idle = idleWatch(runner.name, runner.policy.snapshot().options);
    if (idle !== undefined && touched.some(name => WATCHING.has(name))) {
      this.#machine.journal.add(runner.name, { severity: 'warning', type: 'option', message: idle.message });
    }
    this.#machine.saveSoon(runner);
    return done;
  }

  /** The policy knows members only; an active_slave that does not exist at all is ENODEV in the driver. */
  #asDriver(option: string, value: string, why: Refusal): Refusal {
    if (option !== 'active_slave' || why.code !== 'unknown-interface') return why;
    return getLink(this.#machine.netlink, value.trim()) === undefined ? { ...why, errno: 'ENODEV' } : why;
  }

  up(runner: BondRunner): Done {
    try {
      setLink(this.#machine.netlink, runner.plane.bondIfindex, { up: true });
    } catch (error) {
      return err(systemRefusal(error, `${runner.name} was not brought up`));
    }
    runner.resync();
    return done;
  }

  addAddresses(runner: BondRunner, texts: readonly string[]): Done {
    const { netlink } = this.#machine;
    const bad = texts.find(text => !isCidr(text));
    if (bad !== undefined) {
      const message = `The address ${shown(bad)} was not given to ${runner.name}: it is no address with a prefix length; write it as 192.0.2.1/24 or 2001:db8::1/64.`;
      return err(refusal('invalid-value', 'EINVAL', message));
    }
    const added: Address[] = [];
    for (const text of texts) {
      const address = addressFromText(runner.plane.bondIfindex, text);
      try {
        addAddress(netlink, address);
        added.push(address);
      } catch (error) {
        if (isErrno(error, 'EEXIST')) continue;
        removeAddresses(netlink, added);
        return err(systemRefusal(error, `The address ${shown(text)} was not given to ${runner.name}`));
      }
    }
    runner.refreshStack();
    return done;
  }
}
