// Entry of bin/ifenslave: this process's arguments, streams and machine.
import { readFileSync } from 'node:fs';
import type { InterfaceFacts } from './ifenslave.js';
import { runIfenslave } from './ifenslave.js';
import { resolveRunDir } from '../run-dir.js';
import { endProcess, processTerminal } from '../printing/terminal.js';

const AF_INET = 2;

async function interfaces(): Promise<readonly InterfaceFacts[]> {
  const { listAddresses, listLinks, Rtnetlink } = await import('../../linux/index.js');
  const netlink = Rtnetlink.open();
  try {
    const addresses = listAddresses(netlink).filter(({ family }) => family === AF_INET);
    return listLinks(netlink).map(link => ({
      name: link.name ?? '',
      flags: link.flags,
      hardwareType: link.hardwareType,
      mac: link.address ?? '00:00:00:00:00:00',
      ipv4: addresses.find(({ ifindex }) => ifindex === link.ifindex)?.local ?? null,
    }));
  } finally {
    netlink.close();
  }
}

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const terminal = processTerminal();
const code = await runIfenslave(process.argv.slice(2), terminal, {
  api: async () => (await import('../api-client.js')).apiClient(resolveRunDir(undefined, terminal.env)),
  interfaces,
  version,
});
endProcess(code);
