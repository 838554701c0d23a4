/**
 * The daemon's entry, `main.ts --config FILE`; everything else is in daemon.ts.
 *
 * Its own time to start is part of every restart's pause: the compiled form of the sources is kept beside the
 * dependencies (not in a folder that others may write), which halves it. Where that folder cannot be written, nothing
 * is kept and all works the same.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { enlargeThreadPool } from './sys/thread-pool.ts';

enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'lockstep'));
enlargeThreadPool();
await import('./daemon.ts');
