// `npm run fuzz`: inputs by the million, most of them almost right, to every codec and parser. Nothing may throw.
//   npm run fuzz -- [--inputs N] [--seconds S] [--seed SEED] [--target NAME]
import { parseArgs } from 'node:util';
import { Random } from '#simulator';
import { TARGETS, type Target } from './fuzz-targets.js';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: String(1 + (Date.now() % 1_000_000_000)) },
    target: { type: 'string' },
  },
});
const chosen = TARGETS.filter(target => values.target === undefined || target.name === values.target);
const lots = chosen.flatMap(target => Array.from({ length: target.weight }, () => target));
const random = new Random(Number(values.seed));
const LONGEST = 4096;

/** Bytes that mean something to many formats. */
const TELLING = [
  0, 1, 2, 4, 7, 8, 0x10, 0x22, 0x2c, 0x3a, 0x40, 0x5b, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0xfe, 0xff,
];

function changed(input: Uint8Array): Uint8Array {
  const at = random.integer(0, Math.max(0, input.length - 1));
  switch (random.integer(0, 6)) {
    case 0: {
      const copy = input.slice();
      copy[at] = (copy[at] ?? 0) ^ (1 << random.integer(0, 7));
      return copy;
    }
    case 1: {
      const copy = input.slice();
      copy[at] = random.pick(TELLING);
      return copy;
    }
    case 2:
      return input.slice(0, at);
    case 3: {
      const part = input.subarray(at, at + random.integer(1, 16));
      return joined(input.subarray(0, at), part, input.subarray(at));
    }
    case 4:
      return joined(input.subarray(0, at), input.subarray(at + random.integer(1, 8)));
    case 5:
      return joined(
        input,
        Uint8Array.from({ length: random.integer(1, 12) }, () => random.integer(0, 255)),
      );
    default: {
      const copy = input.slice();
      for (let n = random.integer(1, 4); n > 0; n--)
        copy[random.integer(0, copy.length)] = random.integer(0, 255);
      return copy;
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.subarray(0, LONGEST);
}

function inputFor(target: Target): Uint8Array {
  if (random.chance(3))
    return Uint8Array.from({ length: random.integer(0, 80) }, () => random.integer(0, 255));
  let input = random.pick(target.seeds);
  for (let rounds = random.integer(0, 5); rounds > 0; rounds--) input = changed(input);
  return input;
}

const most = Number(values.inputs);
const started = Date.now();
const until = started + 1000 * Number(values.seconds);
const counts = new Map<string, number>(chosen.map(target => [target.name, 0]));
let thrown = 0;
let done = 0;
for (; done < most && thrown < 10; done++) {
  if (done % 1024 === 0 && Date.now() > until) break;
  const target = random.pick(lots);
  const input = inputFor(target);
  counts.set(target.name, (counts.get(target.name) ?? 0) + 1);
  try {
    target.read(input);
  } catch (error) {
    thrown++;
    const stack = error instanceof Error ? error.stack : String(error);
    console.error(`${target.name} threw on ${Buffer.from(input).toString('hex')}\n${stack}`);
  }
}
for (const [name, count] of counts) console.log(`${String(count).padStart(9)} ${name}`);
const seconds = (Date.now() - started) / 1000;
console.log(
  `${done} inputs to ${chosen.length} readers in ${seconds.toFixed(1)} s, seed ${values.seed}, ${thrown} exceptions.`,
);
process.exitCode = thrown === 0 ? 0 : 1;
