// What the environment insists on for bonds of the eBPF data plane.
import { shown } from '../../base/index.js';
import { PAIR_KINDS } from '../pair.js';
import { INGRESS_KINDS } from './attachment.js';
import type { ToolboxWishes } from './toolbox.js';

/** Reads BONDWIRE_ATTACH and BONDWIRE_PAIR; empty is as if absent. Throws for a word that is none of theirs, or two that exclude each other. */
export function wishesOf(env: Readonly<Record<string, string | undefined>>): ToolboxWishes {
  const attach = wordOf(env, 'BONDWIRE_ATTACH', INGRESS_KINDS);
  const pair = wordOf(env, 'BONDWIRE_PAIR', PAIR_KINDS);
  if (attach === 'clsact' && pair === 'netkit')
    throw new Error(
      'BONDWIRE_PAIR=netkit was refused beside BONDWIRE_ATTACH=clsact: what a netkit bond sends is taken by a link, never by a filter; leave one of them away.',
    );
  return { ...(attach !== undefined && { attach }), ...(pair !== undefined && { pair }) };
}

function wordOf<Word extends string>(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const given = env[name] ?? '';
  const word = words.find(each => each === given);
  if (given === '' || word !== undefined) return word;
  throw new Error(
    `${name}=${shown(given)} was refused: it is ${words.join(' or ')}; leave it away for the best that there is.`,
  );
}
