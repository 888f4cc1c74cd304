// `bondwire uplink`: several lines to the internet, of which one takes over when another fails.
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import type { UplinkSettings } from '../../uplinks/index.js';
import { tellWarnings } from '../printing/changed.js';
import { plain } from '../printing/plain.js';
import { refusedFailure } from '../reading/failure.js';
import type { Session } from '../process/session.js';

const HELP = `
A line is a way to the internet: a device with an address and a gateway. One is selected, in the order that they are named;
when it fails, new and running traffic goes by the next one, and back again when it has been good for 30 s. Gateways and addresses are as the
host has them (DHCP, router advertisements, PPP). docs/uplinks.md begins with an office in ten lines.

Examples:
  bondwire uplink run eth1 ppp0 --masquerade
  bondwire uplink show
  bondwire uplink drill eth1 --kind silent`;

const RUN_HELP = `
LINE is the device, or NAME=DEVICE; the first is preferred. Ctrl-C puts routes, rules, nftables and settings back as they were.
--masquerade hides what leaves by a line behind its address, as an office with private addresses needs; without it somebody else's firewall
does, or there is nothing to hide.

Examples:
  bondwire uplink run eth1 ppp0 --masquerade
  bondwire uplink run fibre=eth1 dsl=ppp0`;

const DRILL_KINDS = ['silent', 'cut', 'router', 'dns', 'portal'] as const;
const DEFAULT_DRILL_MS = 20_000;

export function registerUplink(program: Command, session: Session): void {
  const uplink = program
    .command('uplink')
    .description('several internet lines: one takes over when another fails')
    .usage('run|show|why|use|drain|release|refill|drill|plan|history|create|destroy')
    .helpCommand(false)
    .addHelpText('after', HELP);
  registerRunning(uplink, session);
  registerLooking(uplink, session);
  registerWishes(uplink, session);
}

function registerRunning(uplink: Command, session: Session): void {
  uplink
    .command('run')
    .description('an uplink in the foreground; Ctrl-C puts everything back')
    .usage('LINE LINE... [--masquerade] [--target ADDRESS]...')
    .argument('<LINE...>', 'devices of the lines, the preferred one first, such as eth1')
    .option('--masquerade', "hide what leaves by a line behind the line's address")
    .option('--target <ADDRESS>', 'ask these whether a line lives, at least two of a family', collect, [])
    .addHelpText('after', RUN_HELP)
    .action(async (words: string[], options: { masquerade?: boolean; target: readonly string[] }) => {
      const { settingsOfWords } = await import('../reading/uplink-words.js');
      const settings = await settingsOfWords(words, options);
      const { runUplinkInForeground } = await import('../process/uplink-foreground.js');
      await runUplinkInForeground(session, settings);
    });
  uplink
    .command('create')
    .description('make the uplink that a bondwire.yaml describes, or change it')
    .usage('FILE')
    .argument('<FILE>', 'a bondwire.yaml')
    .addHelpText('after', '\nExample:\n  bondwire uplink create /etc/bondwire.yaml')
    .action(async (file: string) => {
      const settings = await readUplink(file, session);
      const { applyFile } = await import('../files/apply-file.js');
      const wishes = { takeDown: false, takeAddresses: false };
      await applyFile(await session.api(), session.terminal, { bonds: [], uplink: settings }, wishes);
    });
  uplink
    .command('destroy')
    .description('take the uplink down; routes, rules and settings are as before it')
    .addHelpText('after', '\nExample:\n  bondwire uplink destroy')
    .action(async () => tellWarnings(session.terminal, await (await session.api()).removeUplink()));
}

function registerLooking(uplink: Command, session: Session): void {
  const { terminal } = session;
  uplink
    .command('show')
    .description('lines and which is selected, as they are now')
    .usage('[--json]')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  bondwire uplink show')
    .action(async ({ json }: { json?: boolean }) => {
      const document = await (await session.api()).uplink();
      if (json === true) terminal.out(`${JSON.stringify(document, null, 2)}\n`);
      else if (document.uplink === null) terminal.out('There is no uplink.\n');
      else {
        const { uplinkTable } = await import('../printing/uplink-table.js');
        terminal.out(uplinkTable(document.uplink, terminal.colour));
      }
    });
  uplink
    .command('why')
    .description('why each line is as it is, and what would have it used')
    .addHelpText('after', '\nExample:\n  bondwire uplink why')
    .action(async () => {
      const { reasons } = await (await session.api()).explainUplink();
      for (const sentence of reasons) terminal.out(`${plain(sentence)}\n`);
    });
  uplink
    .command('plan')
    .description('what the uplink of a bondwire.yaml would put into the kernel')
    .usage('FILE')
    .argument('<FILE>', 'a bondwire.yaml')
    .addHelpText(
      'after',
      '\nNothing is changed and no daemon is asked.\n\nExample:\n  bondwire uplink plan /etc/bondwire.yaml',
    )
    .action(async (file: string) => {
      const settings = await readUplink(file, session);
      const { planOnPaper } = await import('../../gateway/index.js');
      terminal.out(planOnPaper(settings));
    });
  uplink
    .command('history')
    .description('what happened to the uplink, when and why')
    .usage('[--json]')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  bondwire uplink history')
    .action(async ({ json }: { json?: boolean }) => {
      const api = await session.api();
      const { eventLine } = await import('../printing/event-line.js');
      for await (const event of api.events({})) {
        if (event.uplink === undefined) continue;
        const text =
          json === true
            ? JSON.stringify(event)
            : eventLine(event, { colour: terminal.colour, now: new Date() });
        terminal.out(`${text}\n`);
      }
    });
}

function registerWishes(uplink: Command, session: Session): void {
  const wish = async (
    kind: 'use' | 'drain' | 'release' | 'refill',
    line: string | undefined,
    forMs?: number,
  ): Promise<void> => {
    const api = await session.api();
    tellWarnings(session.terminal, await api.wishUplink({ kind, line, forMs }));
  };
  for (const [kind, what] of [
    ['use', 'send everything by this line, as long as it works'],
    ['drain', 'send nothing by this line, and take running flows off it'],
  ] as const) {
    uplink
      .command(kind)
      .description(what)
      .usage('LINE [--for TIME]')
      .argument('<LINE>', 'name of the line')
      .addOption(
        new Option('--for <TIME>', 'for this long, such as 10m; else until it is released').argParser(timeOf),
      )
      .addHelpText('after', `\nExample:\n  bondwire uplink ${kind} dsl --for 10m`)
      .action((line: string, options: { for?: number }) => wish(kind, line, options.for));
  }
  uplink
    .command('release')
    .description('end what use and drain asked for, of one line or of all')
    .usage('[LINE]')
    .argument('[LINE]', 'name of the line')
    .addHelpText('after', '\nExample:\n  bondwire uplink release')
    .action((line: string | undefined) => wish('release', line));
  uplink
    .command('refill')
    .description('the budget of a line begins anew')
    .usage('LINE')
    .argument('<LINE>', 'name of the line')
    .addHelpText('after', '\nExample:\n  bondwire uplink refill dsl')
    .action((line: string) => wish('refill', line));
  uplink
    .command('drill')
    .description('try a failover: the line is taken for failed for a while')
    .usage('LINE [--kind KIND] [--for TIME]')
    .addArgument(new Argument('<LINE>', 'name of the line'))
    .addOption(
      new Option('--kind <KIND>', 'which fault; nothing beyond its gateway answers, no carrier, ...')
        .choices(DRILL_KINDS)
        .default('silent'),
    )
    .addOption(new Option('--for <TIME>', 'for this long').argParser(timeOf).default(DEFAULT_DRILL_MS, '20s'))
    .addHelpText('after', DRILL_HELP)
    .action(
      async (line: string, { kind, for: forMs }: { kind: (typeof DRILL_KINDS)[number]; for: number }) => {
        const api = await session.api();
        const { drillAndTell } = await import('../process/uplink-drill.js');
        await drillAndTell(session, api, { line, kind, forMs });
      },
    );
}

const DRILL_HELP = `
The daemon hears of the line what it would hear if it had failed; the line itself goes on, so nothing is lost that stays on it. What is noticed,
moved and ended is told as it happens, and how long it took. Ctrl-C ends the telling, not the drill.

Example:
  bondwire uplink drill fibre --kind silent --for 30s`;

function collect(word: string, before: readonly string[]): readonly string[] {
  return [...before, word];
}

/** Milliseconds of a time such as 10m. */
function timeOf(text: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const groups = /^(?<number>\d{1,9})(?<unit>ms|s|m|h|d)$/.exec(text)?.groups;
  const ms = Number(groups?.['number']) * (units[groups?.['unit'] ?? ''] ?? Number.NaN);
  if (!(ms > 0)) throw new InvalidArgumentError('It must be a time with its unit, such as 30s, 10m or 2h.');
  return ms;
}

async function readUplink(file: string, { terminal }: Session): Promise<UplinkSettings> {
  const { readBondwireFile } = await import('../files/bondwire-file.js');
  const { uplink } = await readBondwireFile(file, terminal);
  if (uplink === null)
    throw refusedFailure(
      `${plain(file)} describes no uplink; write one below "uplinks:" as docs/uplinks.md shows.`,
    );
  return uplink;
}
