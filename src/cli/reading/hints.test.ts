import { expect, test } from 'vitest';
import type { ApiClient } from '../api-client.js';
import { refusedFailure } from './failure.js';
import { hinted } from './hints.js';
import { commandTree } from '../command-tree.js';
import { COMMAND_NAMES } from './command-names.js';
import type { Session } from '../process/session.js';
import { BOND } from '../test-support/samples.js';

const session = {
  runDir: () => '/run/other dir',
  api: () => Promise.resolve({ show: () => Promise.resolve({ bonds: [BOND] }) } as unknown as ApiClient),
} as unknown as Session;

const refused = (code: string, message: string) => refusedFailure(message, { code, errno: '', message });
const say = (code: string, message: string, line: string) =>
  hinted(refused(code, message), line.split(' '), session);

test('COMMAND_NAMES has every command', () => {
  const names = Array.from(commandTree().keys()).filter(name => name !== '' && !name.includes(' '));
  expect(names.toSorted()).toEqual([...COMMAND_NAMES].toSorted());
});

test('flags that are asked for stand in the line that was typed', async () => {
  const message = "Say --take-addresses: 'bondwire enslave --take-down --take-addresses bond0 eth0'.";
  expect(await say('has-addresses', message, 'enslave --take-down bond0 eth0 eth1')).toBe(
    "Say --take-addresses: 'bondwire enslave --take-addresses --take-down bond0 eth0 eth1'.",
  );
  expect(await say('has-addresses', message, 'run bond0 eth0 eth1 miimon=50')).toBe(
    "Say --take-addresses: 'bondwire run --take-down --take-addresses bond0 eth0 eth1 miimon=50'.",
  );
});

test('swapped words, and words with commas', async () => {
  const unknown = 'There is no bond called "eth0". Did you mean bond0?';
  expect(await say('unknown-bond', unknown, 'enslave eth0 bond0')).toBe(
    `There is no bond called "eth0". Did you mean 'bondwire enslave bond0 eth0'?`,
  );
  expect(await say('unknown-bond', unknown, 'set eth0 miimon=100')).toBe(unknown);
  expect(
    await say('unknown-interface', 'There is no such interface.', 'enslave --take-down bond0 eth0,eth1'),
  ).toBe(`There is no such interface. Did you mean 'bondwire enslave --take-down bond0 eth0 eth1'?`);
});

test('commands that are offered are for the daemon that was asked', async () => {
  const message = "'bondwire release bond1 eth0 && bondwire enslave --take-down bond0 eth0' or 'ip link'.";
  expect(await say('in-use', message, '--run-dir x show')).toBe(
    "'bondwire --run-dir /run/other\\ dir release bond1 eth0 && bondwire --run-dir /run/other\\ dir enslave --take-down bond0 eth0' or 'ip link'.",
  );
  expect(await say('in-use', message, 'show')).toBe(message);
});
