// What other rooms may use of `gateway`: uplinks on the machine.
export { type ProbeAnswers, type ProbeLine } from './probes/probe-ways.js';
export { Probes } from './probes/probes.js';
