// What the sources offer people to type: the shapes of `advice(...)`, and texts that look like a command and are not built by it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceTexts } from './source-texts.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Programs as they are begun on a command line, with a word that nobody has in mind who only names the program. */
const COMMAND = new RegExp(
  String.raw`(?<!usage: )(?:^|(?<!usage:)[\s'"(:;|&\u0000])(?:sudo )?(?:` +
    [
      String.raw`bondwire (?:--?\w|\u0000|(?:apply|check|create|daemon|demo|destroy|doctor|enslave|events|export|help|import|lab|options|release|rootless|run|set|show|simulate|snmp)\b)`,
      String.raw`ip (?:-\S+ )*(?:\u0000|(?:link|addr|address|route|rule|neigh|netns|maddr)\b)`,
      String.raw`tc (?:qdisc|filter|class)\b`,
      String.raw`bridge (?:link|fdb|vlan|mdb) `,
      String.raw`(?:nmcli|networkctl|systemctl|teamdctl|nft|rmmod|umount|ovs-vsctl) [a-z-]`,
      String.raw`modprobe (?:-\w |bonding|\u0000)`,
      String.raw`(?:ethtool|sysctl|mount|rm|ping|mkdir|chmod|chown) -\w`,
      String.raw`(?:rm|mv|rmdir|ls|cat) [\u0000/]`,
      String.raw`kill (?:-\w+ )?[\u0000\d]`,
    ].join('|') +
    ')',
);

/** Examples of --help; the test of documents pastes them. */
const HELP = /(?:const (?:HELP|QUICK_START)\w* =|addHelpText\('after',)$/;
/** A command that is only named: what it is to do is not said either. */
const NAMED = /"(?:bondwire|ip) [a-z]+(?: [a-z]+)?"/g;
const ADVICE = /\badvice\($/;

export interface Offer {
  readonly shape: string;
  readonly where: string;
}

/** All texts but those of tests, and of rooms that run commands on guests and offer none to people. */
function* texts(): Generator<{ text: string; where: string; before: string }> {
  const names = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  for (const name of names.toSorted()) {
    if (!name.endsWith('.ts') || /^arms\/|^lab\/card-|\.test\.ts$|\/test-support\/|\/testing\.ts$/.test(name))
      continue;
    for (const { text, line, before } of sourceTexts(readFileSync(join(ROOT, 'src', name), 'utf8')))
      yield { text, where: `src/${name}:${line}`, before };
  }
}

/** Every shape that a message may offer, each once. */
export function offers(): Offer[] {
  const found = new Map<string, Offer>();
  for (const { text, where, before } of texts())
    if (ADVICE.test(before) && !found.has(text)) found.set(text, { shape: text, where });
  return Array.from(found.values());
}

/** Texts with a command that `advice` did not build. */
export function strays(): string[] {
  return Array.from(texts())
    .filter(
      ({ text, before }) =>
        !ADVICE.test(before) && !HELP.test(before) && COMMAND.test(text.replaceAll(NAMED, '')),
    )
    .map(({ text, where }) => `${where}: ${text.replaceAll('\u0000', '…')}`);
}
