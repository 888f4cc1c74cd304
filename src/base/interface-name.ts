// Which names an interface may have.
import { plain } from './plain.js';
import { encodeUtf8 } from './utf8.js';

/** What Linux (dev_valid_name) has against a name of an interface, as the rest of a sentence; null when it is good. */
export function badInterfaceName(name: string): string | null {
  if (name === '') return 'it is empty';
  if (name === '.' || name === '..') return 'Linux reserves it';
  if (/[\s/:]/.test(name) || plain(name) !== name)
    return 'it holds white space, "/", ":" or a control character';
  return encodeUtf8(name).length > 15 ? 'it has more than 15 bytes' : null;
}
