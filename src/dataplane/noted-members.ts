// How many members a bond has by its note, whichever data plane it is of.
import type { BondPlaces } from './contract.js';
import { readParts } from './ebpf/parts.js';
import { readUserspaceParts } from './userspace/parts-file.js';

/** Members of a bond; 0 of one that was not finished, undefined of one of which there is no note. Throws UnreadableFile. */
export function notedMembers({ partsFile }: BondPlaces): number | undefined {
  const ebpf = readParts(partsFile);
  if (ebpf !== undefined) return 'receive' in ebpf ? Object.keys(ebpf.receive).length : 0;
  const inUserSpace = readUserspaceParts(partsFile);
  if (inUserSpace === undefined) return undefined;
  return 'silenced' in inUserSpace ? Object.keys(inUserSpace.silenced).length : 0;
}
