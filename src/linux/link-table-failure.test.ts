// A table of links that could not be asked for is asked for again at the next look: it is not taken for that of a machine without links.
import { expect, test, vi } from 'vitest';
import type * as links from './links.js';
import { LinkTable } from './link-table.js';

let failures = 0;
vi.mock('./links.js', async original => {
  const real = await original<typeof links>();
  const listLinks: typeof real.listLinks = (...args) => {
    if (failures > 0) {
      failures--;
      throw new Error('ENOBUFS');
    }
    return real.listLinks(...args);
  };
  return { ...real, listLinks };
});

test.each([1, 3])('after %d failures it has every link', count => {
  const table = LinkTable.open();
  try {
    failures = count;
    for (let i = 0; i < count; i++) expect(() => table.all()).toThrow('ENOBUFS');
    expect(table.all().map(({ name }) => name)).toContain('lo');
  } finally {
    table.close();
  }
});
