// The address of a URL's host as a line's own DNS server knows it.
import { parseIpv4, parseIpv6 } from '../../base/index.js';
import type { Family } from '../../uplinks/index.js';
import { answerCode, askServer } from './dns-question.js';
import { parseEndpoint } from './endpoint.js';

const DNS_PORT = 53;

/** An address; null when the server says that there is none in this family; undefined when nobody can be asked, or the answer is an error. */
export type FoundHost = string | null | undefined;

/**
 * Calls back with the address of `host` in this family. Gives the function that ends it. Throws SystemError where no
 * question can be sent.
 */
export function findHost(
  host: string,
  family: Family,
  way: { readonly device: string; readonly servers: readonly string[] },
  done: (address: FoundHost) => void,
): () => void {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const isAddress = parseIpv4(bare).ok ? 'ipv4' : parseIpv6(bare).ok ? 'ipv6' : undefined;
  if (isAddress !== undefined) {
    done(isAddress === family ? bare : null);
    return () => {};
  }
  // A server of the same family, as the line may be up in that one alone.
  const server = way.servers
    .map(text => parseEndpoint(text, DNS_PORT))
    .find(each => each.ok && each.value.address.includes(':') === (family === 'ipv6'));
  if (server?.ok !== true) {
    done(undefined);
    return () => {};
  }
  const type = family === 'ipv4' ? 'A' : 'AAAA';
  return askServer(way.device, server.value, { type, class: 'IN', name: host }, outcome => {
    if ('error' in outcome || answerCode(outcome.answer) !== 'NOERROR') return done(undefined);
    const records = outcome.answer.answers ?? [];
    const addresses = records.flatMap(record =>
      (record.type === 'A' || record.type === 'AAAA') && record.type === type ? [record.data] : [],
    );
    done(addresses[0] ?? null);
  });
}
