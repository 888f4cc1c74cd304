// `show --proc` says, line for line, what the kernel's driver says in the same setting: golden/proc, recorded by
// record/driver.sh from two kernels, played again here with real interfaces. Needs root.
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, World } from './support/world.js';

const FOLDER = new URL('golden/proc/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');

/** The texts of one kernel by the name of the setting. */
function recorded(file: string): Map<string, string> {
  const [, ...sections] = read(file).split(/^=== /m);
  return new Map(
    sections.map(section => {
      const end = section.indexOf('\n');
      return [section.slice(0, end), section.slice(end + 1)];
    }),
  );
}

/** Groups of steps: each begins with `new`. */
function settings(): string[][] {
  const lines = read('settings.txt')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'));
  const groups: string[][] = [];
  for (const line of lines) {
    if (line.startsWith('new ')) groups.push([]);
    groups.at(-1)?.push(line);
  }
  return groups;
}

const kernels = readdirSync(FOLDER).filter(name => name.startsWith('linux-'));
const texts = kernels.map(file => ({ file, texts: recorded(file) }));

let world: World;
beforeAll(async () => {
  world = await World.create({ members: ['eth0', 'eth1', 'eth2'] });
});
afterAll(() => world.close());

async function proc(): Promise<string> {
  return (await world.ask('GET', '/v1/bonds/bond0/proc')).text;
}

/** The text without what differs from machine to machine. */
function normalised(text: string): string {
  return text
    .replace(/^(Ethernet Channel Bonding Driver: v).*/, '$1RELEASE')
    .replaceAll(/^(Permanent HW addr: )[0-9a-f:]{17}$/gm, '$1MAC');
}

function statusOf(text: string, member: string): string | undefined {
  return new RegExp(`^Slave Interface: ${member}\nMII Status: (.*)$`, 'm').exec(text)?.[1];
}

async function step(line: string): Promise<void> {
  const [verb = '', ...words] = line.split(' ');
  const [first = ''] = words;
  const rest = words.join(' ');
  const pairs = (): Record<string, string> =>
    Object.fromEntries(words.map(word => word.split(/=(.*)/s).slice(0, 2) as [string, string]));
  switch (verb) {
    case 'new':
      await world.must('POST', '/v1/bonds', { name: 'bond0', options: pairs() });
      return;
    case 'set':
      await world.must('PATCH', '/v1/bonds/bond0/options', { options: pairs() });
      return;
    case 'up':
    case 'down':
      world.lab.setUp('host', 'bond0', verb === 'up');
      await eventually(line, async () => (await world.bond()).adminUp === (verb === 'up'));
      return;
    case 'join':
      await world.must('POST', '/v1/bonds/bond0/members', { interfaces: words });
      return;
    case 'leave':
      await world.must('DELETE', '/v1/bonds/bond0/members', { interfaces: words });
      return;
    case 'cut':
      world.lab.cut(first);
      return;
    case 'mend':
      world.lab.restore(first);
      return;
    case 'ifdown':
    case 'ifup':
      world.lab.setUp('host', first, verb === 'ifup');
      return;
    case 'rename':
      await world.ip('host', `link set ${first} name ${words[1]}`);
      await eventually(line, async () => (await proc()).includes(`Slave Interface: ${words[1]}\n`));
      return;
    case 'until':
      await eventually(line, async () => statusOf(await proc(), first) === words.slice(1).join(' '));
      return;
    case 'active':
      await eventually(line, async () => (await proc()).includes(`\nCurrently Active Slave: ${rest}\n`));
      return;
    case 'read':
      for (const { file, texts: known } of texts) {
        expect(`${file} ${rest}\n${normalised(await proc())}`).toBe(
          `${file} ${rest}\n${normalised(known.get(rest) ?? 'not recorded\n')}`,
        );
      }
      return;
    default:
      throw new Error(`What is: ${line}`);
  }
}

test('both kernels were recorded', () => {
  expect(kernels).toEqual(['linux-6.1.txt', 'linux-6.12.txt']);
});

test.each(settings().map(steps => [steps[0] ?? '', steps] as const))('%s', async (_, steps) => {
  try {
    for (const line of steps) await step(line);
  } finally {
    await world.ask('DELETE', '/v1/bonds/bond0');
    for (const member of world.lab.members) {
      world.lab.restore(member);
      if (world.lab.link('host', member) === undefined)
        await world.ip('host', `link set lan0 name ${member}`);
    }
  }
});
