// What other rooms may use of `snmp`: the agent and its file of users.
export { startAgent } from './agent.js';
export type { BondFacts, LagFacts } from './facts.js';
export { parseUsers, type SnmpUser } from './users.js';
