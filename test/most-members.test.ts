// A bond holds 64 members; one more is refused in words and left as it is. Needs root; part of test:all.
import { afterEach, expect, test } from 'vitest';
import type { ErrorBody } from '../src/daemon/api/api.js';
import { World } from './support/world.js';

let world: World | undefined;
afterEach(() => world?.close());

test('H06: 64 members join, the 65th is refused and stays as it was, and there is room again when one leaves', async () => {
  const members = Array.from({ length: 65 }, (_, number) => `eth${number}`);
  world = await World.create({ members });
  await world.must('POST', '/v1/bonds', { name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  await world.must('POST', '/v1/bonds/bond0/members', { interfaces: members.slice(0, 64) });
  const before = world.lab.link('host', 'eth64');
  const refused = await world.ask('POST', '/v1/bonds/bond0/members', { interfaces: ['eth64'] });
  expect(refused.status).toBe(409);
  expect((refused.json as ErrorBody).error.message).toMatch(/^eth64 cannot join bond0: .*64 members.*\.$/);
  expect(world.lab.link('host', 'eth64')).toMatchObject({ address: before?.address, flags: before?.flags });
  expect((await world.bond()).members.length).toBe(64);
  await world.must('DELETE', '/v1/bonds/bond0/members', { interfaces: ['eth0'] });
  await world.must('POST', '/v1/bonds/bond0/members', { interfaces: ['eth64'] });
  expect((await world.bond()).members.length).toBe(64);
});
