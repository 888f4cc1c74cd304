// `bondwire import`: reads the configuration that a machine has, shows what was understood, and writes bondwire.yaml.
import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { Finding, Import, TakenOut } from '../../config/index.js';
import { EXIT } from '../../daemon/api/api.js';
import { refusedFailure } from '../reading/failure.js';
import { advice, plain } from '../printing/plain.js';
import type { Session } from '../process/session.js';
import type { Terminal } from '../printing/terminal.js';
import { plural } from '../reading/units.js';

const HELP = `
Reads modules.conf and modprobe.d, ifcfg-*, /etc/network/interfaces, systemd's .netdev and .network, netplan's
YAML, NetworkManager's keyfiles, nmstate, cloud-init, teamd's JSON and rc.local, all together, and mwan3's lines to
the internet; of a folder, the files whose names say so.
Tells of every line about bonds and lines what became of it, and writes bondwire.yaml to standard output (the report
then goes to standard error), to a file, or makes the bonds at once. Nothing is changed without --apply.
--diff prints how the bonds are taken out of these files, so that they do not come back at the next boot.
Exits with 1 if something is wrong.

Examples:
  bondwire import /etc/modprobe.d /etc/sysconfig/network-scripts -o bondwire.yaml
  bondwire import --apply /etc/network/interfaces
  bondwire import --diff /etc/network/interfaces
  bondwire import /etc/config/mwan3 /etc/config/network -o bondwire.yaml`;

interface ImportOptions {
  readonly output?: string;
  readonly apply?: boolean;
  readonly takeDown?: boolean;
  readonly takeAddresses?: boolean;
  readonly json?: boolean;
  readonly diff?: boolean;
}

export function registerImport(program: Command, session: Session): void {
  program
    .command('import')
    .description('read the configuration of other tools, write bondwire.yaml')
    .usage('FILE|DIR... [-o FILE] [--apply [--take-addresses]] [--diff] [--json]')
    .argument('<FILE|DIR...>', 'files of configuration, or folders that hold them')
    .addOption(new Option('-o, --output <FILE>', 'write bondwire.yaml there'))
    .addOption(new Option('--apply', 'make the bonds and the uplink, through the daemon'))
    .addOption(
      new Option('--take-addresses', 'with --apply: move addresses and routes of members to the bond'),
    )
    .addOption(
      new Option('--json', 'bonds, uplink and findings as JSON').conflicts(['output', 'apply', 'diff']),
    )
    .addOption(
      new Option(
        '--diff',
        'print what takes the bonds out of these files, for "patch -d / -p1"; nothing is changed',
      ).conflicts(['output', 'apply']),
    )
    .addHelpText('after', HELP)
    .action((paths: string[], options: ImportOptions) => run(session, paths, options));
}

async function run(session: Session, paths: readonly string[], options: ImportOptions): Promise<void> {
  const { terminal } = session;
  const { gatherFiles } = await import('../files/gather-files.js');
  const { machineInterfaces } = await import('../files/machine-interfaces.js');
  const { importFiles, printBondwireYaml, takeOut } = await import('../../config/index.js');
  const gathered = gatherFiles(paths);
  if (gathered.files.length === 0) {
    throw refusedFailure(
      `${paths.map(plain).join(', ')}: no file there has a name of a format that is read; '${advice('bondwire import --help')}' lists them. A file that is named itself is known by what is in it.`,
    );
  }
  const imported = importFiles(gathered.files, machineInterfaces());
  const findings: Finding[] = [
    ...gathered.problems.map(
      ({ file, line, message }): Finding => ({ level: 'warning', place: { file, line }, message }),
    ),
    ...imported.findings,
  ];
  if (options.json === true) {
    terminal.out(
      `${JSON.stringify({ bonds: imported.bonds, uplink: imported.uplink, findings, files: imported.files }, null, 2)}\n`,
    );
  } else {
    const toOutput = options.output !== undefined || options.apply === true;
    const tell = (text: string): void => (toOutput ? terminal.out(text) : terminal.err(text));
    await report(tell, terminal.colour && toOutput, imported, findings);
    const heading = [
      `Made by "bondwire import" from ${gathered.files.map(({ path }) => plain(path)).join(', ')}.`,
    ];
    const yaml = printBondwireYaml(imported.bonds, heading, imported.uplink);
    if (options.output !== undefined) await write(options.output, yaml, tell);
    else if (options.apply !== true) terminal.out(options.diff === true ? '' : yaml);
    if (options.diff === true)
      return offerDiff(terminal, takeOut(gathered.files, imported), text => terminal.err(text));
  }
  const errors = findings.filter(({ level }) => level === 'error').length;
  if (errors > 0) {
    if (options.apply === true) {
      throw refusedFailure(
        'Nothing was applied, because of the errors above: mend the files, or write bondwire.yaml with -o, mend that, and use "bondwire apply".',
      );
    }
    session.exitWith(EXIT.refused);
    return;
  }
  if (options.apply !== true) return;
  const { applyFile } = await import('../files/apply-file.js');
  await applyFile(await session.api(), terminal, imported, {
    takeDown: true,
    takeAddresses: options.takeAddresses === true,
  });
  const out = takeOut(gathered.files, imported);
  if (out.diff === '' && out.hints.length === 0) return;
  const how = advice('bondwire import --diff {files}', { files: paths });
  terminal.out(
    `So that the bonds do not come back at the next boot, they have to be taken out of these files, of which nothing was changed ('${how}' prints this alone, for patch(1)):\n`,
  );
  offerDiff(terminal, out, text => terminal.out(text));
}

/** The diff on standard output, and what it cannot do. */
function offerDiff(terminal: Terminal, { diff, hints }: TakenOut, tell: (text: string) => void): void {
  terminal.out(diff);
  for (const hint of hints) tell(`bondwire: ${hint}\n`);
}

async function report(
  tell: (text: string) => void,
  colour: boolean,
  imported: Import,
  findings: readonly Finding[],
): Promise<void> {
  const { FORMAT_NAMES } = await import('../../config/index.js');
  const { count, findingLines } = await import('../printing/findings-report.js');
  tell(findingLines(findings, colour));
  const formats = [
    ...new Set(imported.files.flatMap(({ format }) => (format === null ? [] : [FORMAT_NAMES[format]]))),
  ];
  const names = imported.bonds.map(({ name }) => plain(name));
  tell(
    `${plural(imported.files.length, 'file')} read (${formats.join(', ') || 'none of them known'}): ` +
      `${plural(names.length, 'bond')}${names.length === 0 ? '' : ` (${names.join(', ')})`}, ` +
      (imported.uplink === null ? '' : `an uplink of ${plural(imported.uplink.lines.length, 'line')}, `) +
      `${plural(count(findings, 'error'), 'error')}, ${plural(count(findings, 'warning'), 'warning')}.\n`,
  );
}

async function write(path: string, yaml: string, tell: (text: string) => void): Promise<void> {
  try {
    await writeFile(path, yaml);
  } catch (error) {
    throw refusedFailure(
      `${plain(path)} cannot be written: ${error instanceof Error ? error.message : String(error)}.`,
      error,
    );
  }
  tell(`Written to ${plain(path)}.\n`);
}
