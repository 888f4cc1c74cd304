// What other rooms may use of `report`: state as the text of the driver's own files.
export {
  bondTree,
  type FileTree,
  isSameEntry,
  mastersTree,
  sysfsTree,
  type TreeEntry,
  treeText,
} from './file-tree.js';
export {
  addCounters,
  grownBy,
  IFCONFIG_COUNTERS,
  type IfconfigCounters,
  type IfconfigFacts,
  ifconfigText,
  NO_COUNTERS,
} from './ifconfig-text.js';
export { infoText } from './info-text.js';
export { procText } from './proc-text.js';
export { sysfsMemberText, sysfsText } from './sysfs-text.js';
