// ADDRESS, ADDRESS:PORT and [ADDRESS]:PORT, as targets of probes are written.
import { err, ok, parseIpv4, parseIpv6, type Result } from '../../base/index.js';
import type { InetEndpoint } from '../../linux/index.js';

const BRACKETED = /^\[(?<address>[^\]]*)\](?::(?<port>\d{1,5}))?$/;
const WITH_PORT = /^(?<address>[^:]*):(?<port>\d{1,5})$/;

/** The endpoint that `text` names; without a port it is `port`. */
export function parseEndpoint(text: string, port: number): Result<InetEndpoint, string> {
  const groups = (BRACKETED.exec(text) ?? WITH_PORT.exec(text))?.groups;
  const address = groups?.['address'] ?? text;
  const given = groups?.['port'];
  const parsed = address.includes(':') ? parseIpv6(address) : parseIpv4(address);
  if (!parsed.ok) return err(parsed.error);
  const number = given === undefined ? port : Number(given);
  if (number < 1 || number > 65_535) return err(`"${given}" is no port; ports are from 1 to 65535`);
  return ok({ address, port: number });
}
