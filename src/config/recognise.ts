// Tells the format of a file by its name, or, where that says nothing, by what is in it. (config)
import { networkOfCloudInit } from './cloud-init/cloud-init.js';
import { child, parseTree, text as scalar } from './yaml/document-tree.js';
import type { SourceFile } from './facts.js';
import { mayBeForeign } from './foreign-formats.js';
import { isGlobalFile } from './ifcfg/ifcfg.js';
import { isModuleList } from './module/module-conf.js';
import { stateOf } from './nmstate/nmstate.js';
import { isRouteFile } from './ifcfg/route-files.js';
import { isMwan3 } from './uci/uci-file.js';

export type Format =
  | 'bondwire'
  | 'cloud-init'
  | 'modules'
  | 'ifcfg'
  | 'interfaces'
  | 'networkd'
  | 'netplan'
  | 'teamd'
  | 'keyfile'
  | 'nmstate'
  | 'uci'
  | 'script';

/** What people call the formats. */
export const FORMAT_NAMES: Readonly<Record<Format, string>> = {
  bondwire: 'bondwire.yaml',
  modules: 'modprobe',
  ifcfg: 'ifcfg',
  interfaces: 'ifupdown',
  networkd: 'systemd-networkd',
  netplan: 'netplan',
  teamd: 'teamd',
  keyfile: 'NetworkManager',
  nmstate: 'nmstate',
  uci: 'mwan3',
  'cloud-init': 'cloud-init',
  script: 'shell script',
};

const BACKUP = /(?:~|\.(?:bak|dpkg-[a-z]+|old|orig|rej|rpmnew|rpmorig|rpmsave|swp))$/;

/** The format that a name stands for; null where it says nothing. */
function byName(path: string): Format | 'yaml' | 'json' | null {
  const name = path.split('/').at(-1) ?? '';
  const folder = path.split('/').at(-2) ?? '';
  if (isModuleList(path)) return 'modules';
  if (folder === 'modules-load.d') return null;
  if (/^(?:modules\.conf|conf\.modules|modprobe\.conf(?:\.local)?)$/.test(name)) return 'modules';
  if (folder === 'modprobe.d') return 'modules';
  if (name.startsWith('ifcfg-') || isRouteFile(path) || isGlobalFile(path)) return 'ifcfg';
  if (name === 'mwan3' && (folder === 'config' || folder === '')) return 'uci';
  if (name === 'interfaces' || folder === 'interfaces.d') return 'interfaces';
  if (/\.(?:netdev|network)$/.test(name)) return 'networkd';
  if (/\.(?:netdev|network)\.d$/.test(folder) && name.endsWith('.conf')) return 'networkd';
  if (name.endsWith('.nmconnection') || folder === 'system-connections') return 'keyfile';
  if (/^bondwire\.ya?ml$/.test(name)) return 'bondwire';
  if (name === 'network-config' || (folder === 'cloud.cfg.d' && name.endsWith('.cfg'))) return 'cloud-init';
  if (/^(?:rc\.local|rc\.modules|boot\.local)$/.test(name)) return 'script';
  if (/\.ya?ml$/.test(name)) return folder === 'netplan' ? 'netplan' : 'yaml';
  return name.endsWith('.json') ? 'json' : null;
}

/** True for a file that a walk through a folder should open: its name, or that of its folder, says that it may speak of bonds. */
export function maySpeakOfBonds(path: string): boolean {
  const name = path.split('/').at(-1) ?? '';
  // None of these tools reads hidden files.
  if (BACKUP.test(name) || name.startsWith('.')) return false;
  if (/(?:^|\/)teamd?\/|team[^/]*$/.test(path) && /\.(?:conf|json)$/.test(name)) return true;
  if (mayBeForeign(path)) return true;
  const format = byName(path);
  if (format === 'yaml') return /bond[^/]*$|(?:^|\/)nmstate\/[^/]+$/.test(path);
  return format !== null && format !== 'json';
}

/** The format of a file, or null when nothing here reads it. */
export function recognise({ path, text }: SourceFile): Format | null {
  const named = byName(path);
  if (named === 'yaml' || named === 'json' || named === null) return byContent(path, text);
  return named;
}

function byContent(path: string, text: string): Format | null {
  if (/^\s*\{/.test(text)) {
    const { tree } = parseTree(path, text);
    if (stateOf(tree) !== null) return 'nmstate';
    return child(tree, 'links') === null ? 'teamd' : null;
  }
  if (/^#!.*\b(?:ba|da|k|z)?sh\b/.test(text)) return 'script';
  if (isMwan3(text)) return 'uci';
  const lines = text.split('\n').map(line => line.trim());
  const has = (pattern: RegExp): boolean => lines.some(line => pattern.test(line));
  if (has(/^(?:interfaces|desiredState|spec|---):?/)) {
    const { tree } = parseTree(path, text);
    if (stateOf(tree) !== null) return 'nmstate';
  }
  if (has(/^(?:network|bonds|version):/)) {
    const { tree } = parseTree(path, text);
    const network = networkOfCloudInit(tree);
    const version = scalar(child(network, 'version'));
    // netplan has them below "network:" alone, bondwire.yaml calls its own form version 1.
    const isBare =
      network !== null && network === tree && (version === '2' || child(tree, 'config') !== null);
    if (isBare || child(network, 'config') !== null) return 'cloud-init';
    if (child(tree, 'network') !== null) return 'netplan';
    if (child(tree, 'bonds') !== null) return 'bondwire';
    if (tree === null) return has(/^network:/) ? 'netplan' : 'bondwire';
  }
  if (has(/^\[(?:NetDev|Match|Network|Bond)\]$/)) return 'networkd';
  if (has(/^\[connection\]$/)) return 'keyfile';
  if (has(/^(?:iface|auto|allow-[a-z]+|source|source-directory)\s/)) return 'interfaces';
  if (has(/^(?:alias|options|install|probeall)\s/)) return 'modules';
  return has(/^(?:export\s+)?(?:DEVICE|BOOTPROTO|ONBOOT|STARTMODE|MASTER|BONDING_[A-Z]+)=/) ? 'ifcfg' : null;
}
