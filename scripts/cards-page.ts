// What was seen of cards: kept as JSON beside other recordings, and docs/cards.md, which is made from it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const RECORD = at('test/golden/cards.json');
const PAGE = at('docs/cards.md');
const [BEGIN, END] = ['<!-- made by npm run test:cards -- --record -->', '<!-- end -->'];

/** One item on one pair of cards with one arm. */
export interface Cell {
  readonly kernel: string;
  readonly pair: string;
  readonly arm: string;
  readonly item: string;
  readonly seen: string;
  readonly failed: boolean;
}

const keyOf = ({ kernel, pair, arm, item }: Cell): string => [kernel, pair, arm, item].join(' ');

/** Puts new cells in the place of old ones, in file and page. */
export function recordCells(cells: readonly Cell[]): void {
  const old = existsSync(RECORD) ? (JSON.parse(readFileSync(RECORD, 'utf8')) as Cell[]) : [];
  const all = new Map([...old, ...cells].map(cell => [keyOf(cell), cell]));
  const sorted = [...all.values()].toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)));
  writeFileSync(RECORD, `${JSON.stringify(sorted, null, 2)}\n`);
  const [head = '', rest = ''] = readFileSync(PAGE, 'utf8').split(BEGIN);
  const tail = rest.split(END)[1] ?? '';
  writeFileSync(PAGE, `${head}${BEGIN}\n\n${tables(sorted)}\n${END}${tail}`);
}

function tables(cells: readonly Cell[]): string {
  const kernels = [...new Set(cells.map(({ kernel }) => kernel))].toSorted().toReversed();
  return kernels
    .flatMap(kernel => {
      const here = cells.filter(cell => cell.kernel === kernel);
      const pairs = [...new Set(here.map(({ pair }) => pair))];
      return pairs.map(pair =>
        table(
          kernel,
          pair,
          here.filter(cell => cell.pair === pair),
        ),
      );
    })
    .join('\n');
}

function table(kernel: string, pair: string, cells: readonly Cell[]): string {
  const items = [...new Set(cells.map(({ item }) => item))];
  const arms = ['driver', 'ebpf', 'userspace'];
  const cell = (item: string, arm: string): string =>
    cells
      .find(one => one.item === item && one.arm === arm)
      ?.seen.replaceAll('|', '\\|')
      .replaceAll('\n', ' ') ?? 'not run';
  const rows = items.map(item => `| \`${item}\` | ${arms.map(arm => cell(item, arm)).join(' | ')} |`);
  const head = '| what | driver | Bondwire, eBPF | Bondwire, user space |\n| --- | --- | --- | --- |';
  return `### ${pair}, Linux ${kernel}\n\n${head}\n${rows.join('\n')}\n`;
}
