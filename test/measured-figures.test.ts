// The rule of `npm run check` that each measured figure of a page has a command beside it: what it finds, and what it lets be.
import { expect, test } from 'vitest';
import { unmeasured } from '../scripts/measured-figures.js';

const SCRIPTS = ['test', 'bench:many'];

test.each([
  '## Speed\n\nA packet costs 26 ns.\n',
  '## Speed\n\nIt idles at 0.5 % of a core.\n\n## How\n\n`npm run bench:many` says so.\n',
  '## Speed\n\nThe daemon takes 96 MB (`npm run bench:gone`).\n',
])('%j is found', text => {
  expect(unmeasured('page.md', text, SCRIPTS)).toEqual([
    expect.stringMatching(/^page\.md: "## Speed" gives (?:26 ns|0\.5 %|96 MB), and no command/),
  ]);
});

test.each([
  '## Speed\n\nA packet costs 26 ns (`npm run bench:many`).\n',
  '## Speed\n\nAll 100 % of `npm test`.\n',
  '## Options\n\nSet miimon to 100 ms on a link of 10 Gbit/s.\n',
  '## Output\n\n```\nload 50 %\n```\n',
])('%j is let be', text => {
  expect(unmeasured('page.md', text, SCRIPTS)).toEqual([]);
});
