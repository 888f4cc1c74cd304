// The data planes keep their contract: eBPF by every way to attach programs, to read devices and to make the pair that this kernel has,
// and user space; needs root.
import { NO_KEEPER, Toolbox, type ToolboxWishes, UserspaceBond } from '../src/dataplane/index.js';
import { netkitAvailable, tcxAvailable } from '../src/linux/index.js';
import { dataPlaneContract, type Subject } from './support/data-plane-contract.js';
import { dataPlaneReceiversContract } from './support/data-plane-receivers-contract.js';
import { dataPlaneSpreadContract } from './support/data-plane-spread-contract.js';
import { DataPlaneStage } from './support/data-plane-stage.js';

const { reader } = Toolbox.probe().context;
const variants: ToolboxWishes[] = [
  ...(netkitAvailable() === true ? [{ attach: 'tcx', reader, pair: 'netkit' } as const] : []),
  ...(tcxAvailable() === true ? [{ attach: 'tcx', reader, pair: 'veth' } as const] : []),
  { attach: 'clsact', reader },
  { attach: 'clsact', reader: 'none' },
];

const ofEbpf = (wishes: ToolboxWishes): Subject => ({
  stage: () => DataPlaneStage.create(wishes, { members: ['eth0', 'eth1', 'eth2'] }),
  create: stage => stage.bond(),
  adopt: stage => stage.adopt(),
  worksOnWhenClosed: true,
});
const ofUserSpace: Subject = {
  stage: () => DataPlaneStage.create({}, { members: ['eth0', 'eth1', 'eth2'] }),
  create: stage => stage.userspaceBond(),
  adopt: stage =>
    stage.host(() =>
      UserspaceBond.adopt({ netlink: stage.lab.netlink('host'), keeper: NO_KEEPER }, stage.places),
    ),
  worksOnWhenClosed: false,
};

for (const wishes of variants) {
  const name = `eBPF, ${wishes.pair ?? 'veth'}, ${wishes.attach}, devices read by ${wishes.reader}`;
  dataPlaneContract(name, ofEbpf(wishes));
  if (wishes.reader === 'none') continue;
  dataPlaneSpreadContract(name, ofEbpf(wishes));
  dataPlaneReceiversContract(name, ofEbpf(wishes));
}
dataPlaneContract('user space', ofUserSpace);
dataPlaneSpreadContract('user space', ofUserSpace);
dataPlaneReceiversContract('user space', ofUserSpace);
