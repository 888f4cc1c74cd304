// How a provider's router takes HTTP for its own page, whomever it was meant for: a rule leads such packets to a table in which every
// address is the router's own. The listener answers from the address that was asked (IP_TRANSPARENT).
import { addRoute, addRules, deleteRules, requireLink, type Rtnetlink } from '../../linux/index.js';
import {
  AF_INET,
  AF_INET6,
  FR_ACT_TO_TBL,
  RT_SCOPE_HOST,
  RTA,
  RTN_LOCAL,
  RTPROT_STATIC,
  type Rule,
  u32Attribute,
} from '../../netlink/index.js';
import { ACCESS } from './plan.js';
import { PORTS } from './server-messages.js';

const TABLE = 100;
const PREFERENCE = 1000;
const TCP = 6;
const FAMILIES = [AF_INET, AF_INET6] as const;

/** Makes the table; nothing looks at it yet. */
export function preparePortal(netlink: Rtnetlink): void {
  const { ifindex } = requireLink(netlink, 'lo');
  for (const family of FAMILIES) {
    addRoute(netlink, {
      family,
      destinationLength: 0,
      sourceLength: 0,
      tos: 0,
      table: TABLE,
      protocol: RTPROT_STATIC,
      scope: RT_SCOPE_HOST,
      type: RTN_LOCAL,
      flags: 0,
      attributes: [u32Attribute(RTA.RTA_OIF, ifindex)],
    });
  }
}

function ruleOf(family: number): Rule {
  return {
    family,
    destinationLength: 0,
    sourceLength: 0,
    tos: 0,
    action: FR_ACT_TO_TBL,
    flags: 0,
    incoming: ACCESS,
    preference: PREFERENCE,
    ipProtocol: TCP,
    destinationPorts: { first: PORTS.http, last: PORTS.http },
    tableNumber: TABLE,
    other: [],
  };
}

/** Begins or ends taking HTTP that comes from the line. Throws SystemError. */
export function switchPortal(netlink: Rtnetlink, on: boolean): void {
  const rules = FAMILIES.map(ruleOf);
  const failure = (on ? addRules(netlink, rules) : deleteRules(netlink, rules)).find(
    one => one !== undefined,
  );
  if (failure !== undefined) throw failure;
}
