/** What a measurement ran on: without it its numbers say nothing. */
import { readFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { realpathSync } from 'node:fs';

export interface Machine {
  readonly cpu: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** Of the folder that the data is in. */
  readonly fileSystem: string;
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cpuCount: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    fileSystem: fileSystemOf(realpathSync(tmpdir())),
  };
}

/** Processors that this process may run on, as taskset(1) takes them. */
export function availableCpus(): string {
  const status = readFileSync('/proc/self/status', 'utf8');
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? `0-${String(cpus().length - 1)}`;
}

/** The type of the mount that is nearest to the folder; of two at one place the later one hides the other. */
function fileSystemOf(folder: string): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at = '']) => folder === at || folder.startsWith(at.endsWith('/') ? at : `${at}/`));
  const depth = ([, at = '']: readonly string[]): number => at.length;
  const [, , type = 'unknown'] = mounts.reduce<string[]>(
    (best, mount) => (depth(mount) >= depth(best) ? mount : best),
    [],
  );
  return type;
}
