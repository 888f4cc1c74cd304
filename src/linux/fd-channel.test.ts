import { closeSync, openSync, readSync } from 'node:fs';
import { expect, test } from 'vitest';
import { channelPair, receivePassed, sendPassed } from './fd-channel.js';
import { closeFd } from './ffi.js';

test('a message carries an open file; who does not want to wait is told when there is no room, and everybody when nobody is there', () => {
  const [near, far] = channelPair();
  const file = openSync('/proc/self/comm', 'r');
  try {
    expect(receivePassed(far)).toBeUndefined();
    expect(sendPassed(near, { text: 'a file', fd: file })).toBe(true);
    const passed = receivePassed(far);
    if (typeof passed !== 'object' || passed.fd === undefined) throw new Error('No file came');
    expect([passed.text, readSync(passed.fd, new Uint8Array(4))]).toEqual(['a file', 4]);
    closeFd(passed.fd);
    let count = 0;
    while (sendPassed(near, { text: 'more' }, false)) count += 1;
    expect(count).toBeGreaterThan(0);
    for (let i = 0; i < count; i++) expect(receivePassed(far)).toEqual({ text: 'more' });
    expect(receivePassed(far)).toBeUndefined();
    closeFd(far);
    expect(sendPassed(near, { text: 'nobody' })).toBe(false);
    expect(receivePassed(near)).toBe('ended');
  } finally {
    closeSync(file);
    closeFd(near);
  }
});
