// The file of SNMPv3 users: one a line, `NAME AUTH-PROTOCOL AUTH-PASSWORD [PRIV-PROTOCOL PRIV-PASSWORD]`.
import { err, ok, type Result, shown } from '../base/index.js';

export const AUTH_PROTOCOLS = ['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
export const PRIV_PROTOCOLS = ['des', 'aes'] as const;

/** A user who must prove who it is, and with `priv` may speak in secret only. */
export interface SnmpUser {
  readonly name: string;
  readonly auth: { readonly protocol: (typeof AUTH_PROTOCOLS)[number]; readonly password: string };
  readonly priv?: { readonly protocol: (typeof PRIV_PROTOCOLS)[number]; readonly password: string };
}

/** RFC 3414 §11.2: a password has at least eight characters. */
const SHORTEST_PASSWORD = 8;

/** Users of the file; a sentence with the line where it is wrong. Passwords are never repeated in it. */
export function parseUsers(text: string, file: string): Result<readonly SnmpUser[], string> {
  const users: SnmpUser[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    const words = line
      .replace(/^\s*#.*/, '')
      .split(/\s+/)
      .filter(word => word !== '');
    if (words.length === 0) continue;
    const user = parseUser(words);
    if (!user.ok) return err(`${file}:${at + 1}: ${user.error}`);
    if (users.some(({ name }) => name === user.value.name)) {
      return err(`${file}:${at + 1}: the user ${shown(user.value.name)} is there twice; keep one line.`);
    }
    users.push(user.value);
  }
  return ok(users);
}

function parseUser(words: readonly string[]): Result<SnmpUser, string> {
  const [name = '', authName = '', authPassword = '', privName, privPassword] = words;
  if (words.length !== 3 && words.length !== 5) {
    return err(
      `a user has 3 or 5 words, and here are ${words.length}; write NAME AUTH-PROTOCOL PASSWORD [PRIV-PROTOCOL PASSWORD].`,
    );
  }
  const auth = AUTH_PROTOCOLS.find(each => each === authName.toLowerCase());
  if (auth === undefined) {
    return err(
      `${shown(authName)} is no authentication protocol; use ${AUTH_PROTOCOLS.join(', ')} (sha256 if in doubt).`,
    );
  }
  const short = [authPassword, privPassword].some(
    password => password !== undefined && password.length < SHORTEST_PASSWORD,
  );
  if (short) return err(`a password is shorter than ${SHORTEST_PASSWORD} characters; choose a longer one.`);
  const user = { name, auth: { protocol: auth, password: authPassword } };
  if (privName === undefined || privPassword === undefined) return ok(user);
  const priv = PRIV_PROTOCOLS.find(each => each === privName.toLowerCase());
  if (priv === undefined) {
    return err(
      `${shown(privName)} is no privacy protocol; use ${PRIV_PROTOCOLS.join(' or ')} (aes if in doubt).`,
    );
  }
  return ok({ ...user, priv: { protocol: priv, password: privPassword } });
}
