// Tables whose keys come from files.

/** The value of a key that the table itself has: `constructor` and the like are none. */
export function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
