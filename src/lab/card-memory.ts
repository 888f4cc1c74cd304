// A guest that sleeps loses its root file system, as 9p does not live through it (its driver in the kernel has no handlers for that). So
// what is needed afterwards is copied to memory first: programs, the libraries that they load, and this project.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

const PROGRAMS =
  `basename bash cat cut date dmesg env ethtool grep head hostapd ip iw kill ls modinfo modprobe mount nsenter paste ping
  readlink rm rmmod sed seq setsid sh sleep sysctl tail timeout touch tr wc xargs`.split(/\s+/);

/** Packages in node_modules that the project loads when it runs, and theirs. */
function packagesOf(root: string): string[] {
  const found = new Set<string>();
  const walk = (directory: string): void => {
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      readFileSync(join(directory, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string> | undefined>;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const path = join(root, 'node_modules', name);
      if (found.has(path) || !existsSync(path)) continue;
      found.add(path);
      walk(path);
    }
  };
  walk(root);
  return [...found];
}

/** Absolute paths of all that a daemon and the items of a test need, links and what they point to. */
function filesFor(root: string): string[] {
  const path = (process.env['PATH'] ?? '').split(':');
  const programs = PROGRAMS.flatMap(name => path.map(folder => join(folder, name)).find(existsSync) ?? []);
  const binaries = [process.execPath, ...programs].map(file => realpathSync(file));
  const library = /(?:=> )?(\/\S+) \(0x/g;
  const addon = packagesOf(root).flatMap(folder =>
    execFileSync('find', [folder, '-name', '*.node'], { encoding: 'utf8' }).split('\n').filter(Boolean),
  );
  const libraries = [...binaries, ...addon].flatMap(file => {
    try {
      const text = execFileSync('ldd', [file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      return [...text.matchAll(library)].map(([, found]) => found ?? '');
    } catch {
      // A script.
      return [];
    }
  });
  const real = libraries.map(file => realpathSync(file));
  const own = ['bin', 'dist', 'package.json'].map(name => join(root, name));
  return [
    ...new Set([
      process.execPath,
      ...programs,
      ...binaries,
      ...libraries,
      ...real,
      ...own,
      ...packagesOf(root),
    ]),
  ];
}

/** What bonds of either kind load by themselves. */
const MODULES = 'bonding 8021q sch_ingress cls_bpf act_gact nf_tables';

/**
 * Lines of a shell script that make a root file system in memory and change to it. What runs afterwards has nothing else, so kernel
 * modules are loaded before.
 */
export function memoryRoot(root: string, modules: readonly string[]): string {
  return `modprobe bonding max_bonds=0; for m in ${MODULES} ${modules.join(' ')}; do modprobe $m; done
  r=/tmp/memory; mkdir -p $r; mount -t tmpfs -o size=70% tmpfs $r; cd $r
  for d in bin sbin lib lib32 lib64 libx32; do [ ! -L /$d ] || ln -s "$(readlink /$d)" $d; done
  mkdir -p usr/bin usr/sbin usr/lib usr/lib32 usr/lib64 usr/libx32
  tar -C / -cf - ${filesFor(root)
    .map(file => `'.${file}'`)
    .join(' ')} | tar -xf -
  mkdir -p dev proc sys run tmp etc var/tmp root old; cp /etc/passwd /etc/group /etc/hosts etc/
  for d in dev proc sys run; do mount --move /$d $r/$d; done
  pivot_root . old; cd ${root}; export LC_ALL=C
`;
}
