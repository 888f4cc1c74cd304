// What the scripts of the project may use of `cli`: the commands and the options as data.
export { commandTree } from './command-tree.js';
export { type OptionFacts, optionCatalogue } from './reading/option-catalogue.js';
