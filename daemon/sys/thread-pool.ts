/**
 * The threads of libuv's pool, in which Node waits for disks. It is made when it is first used, as large as the
 * environment says then, and shared by all of the process: syncs of volumes, level's commits, reads that wait.
 */
import { env } from 'node:process';

const VARIABLE = 'UV_THREADPOOL_SIZE';
/** Threads; of libuv where nothing is said. */
const LIBUV_THREADS = 4;
/** Threads. Each waits for a disk most of its time, and takes some tens of kilobytes. */
const OUR_THREADS = 16;

/** Before anybody uses the pool. What the environment says already stays. */
export function enlargeThreadPool(): void {
  env[VARIABLE] ??= String(OUR_THREADS);
}

/** Threads. */
export function threadPoolSize(): number {
  const asked = Number(env[VARIABLE] ?? LIBUV_THREADS);
  return Number.isInteger(asked) && asked >= 1 ? asked : LIBUV_THREADS;
}
