// Names of the lab's namespaces: they carry the process that owns them, so that leftovers of a dead run are known.

/** Environment variable of every program that a lab started: the name of the lab's host. */
export const LAB_MARK = 'BONDWIRE_LAB';

/** `bw<pid><label>`, with a number behind it for the second and later labs of one process. */
export function namespaceName(pid: number, lab: number, label: string): string {
  return `bw${pid}${label}${lab === 0 ? '' : lab}`;
}

const PATTERN = /^bw(\d+)[a-z]\w*$/;

/** The process that a namespace of a lab belongs to, or null for a name that is not a lab's. */
export function ownerOf(name: string): number | null {
  const match = PATTERN.exec(name);
  return match?.[1] === undefined ? null : Number(match[1]);
}

/** Those of `names` that belong to a lab whose process is gone. */
export function staleNames(names: readonly string[], isAlive: (pid: number) => boolean): string[] {
  return names.filter(name => {
    const owner = ownerOf(name);
    return owner !== null && !isAlive(owner);
  });
}
