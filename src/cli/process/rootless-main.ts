// The first program in a user namespace of our own: sets up what a command expects of a system, and becomes the command. Without
// one it only tries.  node dist/cli/process/rootless-main.js [FILE ARGUMENT...]
import { mkdirSync } from 'node:fs';
import {
  becomeProgram,
  getLink,
  keepMountsPrivate,
  mountFileSystem,
  Rtnetlink,
  setLink,
} from '../../linux/index.js';
import { NOT_SET_UP } from './rootless.js';

/** A /run of our own, for names of network namespaces and run directories; the loopback up. */
function setUp(): void {
  keepMountsPrivate();
  mountFileSystem('tmpfs', '/run', 'mode=0755');
  mkdirSync('/run/netns');
  const netlink = Rtnetlink.open();
  const loopback = getLink(netlink, 'lo');
  if (loopback !== undefined) setLink(netlink, loopback.ifindex, { up: true });
  netlink.close();
}

const [file, ...args] = process.argv.slice(2);
try {
  setUp();
} catch (error) {
  if (file !== undefined)
    console.error(`bondwire: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(NOT_SET_UP);
}
if (file !== undefined) becomeProgram({ file, args, env: process.env });
