// What other rooms may use of `report`: state as the text of the driver's own files.
export { procText } from './proc-text.js';
export { sysfsMemberText, sysfsText } from './sysfs-text.js';
