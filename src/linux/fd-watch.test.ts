import { expect, test, vi } from 'vitest';
import { parseCapabilities } from './capabilities.js';
import { isErrno, SystemError } from './errors.js';
import { watchReadable } from './fd-watch.js';
import { UdpBatch } from './udp-batch.js';

test('what a callback of watchReadable() throws is thrown again from the event loop', async () => {
  const receiver = UdpBatch.open({ local: { address: '127.0.0.1', port: 0 } });
  const sender = UdpBatch.open({ remote: receiver.localEndpoint() });
  const original = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  try {
    const caught = await new Promise(resolve => {
      process.once('uncaughtException', resolve);
      const watch = watchReadable(receiver.fd, () => {
        watch.close();
        throw new Error('mine');
      });
      sender.send(1);
    });
    expect(caught).toMatchObject({ message: 'mine' });
  } finally {
    for (const listener of original) process.on('uncaughtException', listener);
    sender.close();
    receiver.close();
  }
});

test('a watch lives on although nobody keeps it, and is silent after close()', async () => {
  const receiver = UdpBatch.open({ local: { address: '127.0.0.1', port: 0 } });
  const sender = UdpBatch.open({ remote: receiver.localEndpoint() });
  const got = { total: 0 };
  receiver.watch(count => {
    got.total += count;
  });
  for (let round = 1; round <= 20; round++) {
    // Garbage, so that an unreferenced handle would be collected.
    Array.from({ length: 200_000 }, (_, i) => ({ i }));
    sender.send(2);
    const wanted = 2 * round;
    await vi.waitUntil(() => got.total === wanted, { interval: 1 });
  }
  receiver.close();
  expect(got.total).toBe(40);
  sender.close();
});

test('SystemError says what failed, for what, and why', () => {
  expect(new SystemError('setns', 1, '/run/netns/x').message).toBe(
    'setns for /run/netns/x failed: operation not permitted (EPERM)',
  );
  expect(new SystemError('send', 95).code).toBe('EOPNOTSUPP');
  expect(new SystemError('bpf', 524).code).toBe('ENOTSUPP');
  expect(new SystemError('x', 4000).code).toBe('errno 4000');
  expect([isErrno(new SystemError('x', 2), 'ENOENT'), isErrno('x', 'ENOENT')]).toEqual([true, false]);
});

test('parseCapabilities() reads the effective set', () => {
  const status = 'Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t0000008000003000\n';
  expect([...parseCapabilities(status)].sort()).toEqual(['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_NET_RAW']);
  expect(parseCapabilities('').size).toBe(0);
});
