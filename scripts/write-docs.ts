// `npm run docs`: writes the pages that are made from the code.
import { writeFileSync } from 'node:fs';
import { optionsPage } from './options-page.js';

writeFileSync('docs/options.md', optionsPage());
