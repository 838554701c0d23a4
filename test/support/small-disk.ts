/** A file system without much room: a tmpfs, which needs root. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

const PAGE = Buffer.alloc(4096, 1);

/** Answers where it is mounted. On teardown it is gone, whoever still has a file of it open. */
export function smallDisk(t: Test, sizeBytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-full-'));
  execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', `size=${String(sizeBytes)}`, 'lockstep-test', folder]);
  // Teardowns run in the order last to first: what stands on it is closed before.
  t.teardown(() => {
    execFileSync('umount', ['--lazy', folder]);
    rmdirSync(folder);
  });
  return folder;
}

/** Takes all room that is left, and answers what gives it back. */
export function fillUp(folder: string): () => void {
  const path = join(folder, 'filler');
  const fd = openSync(path, 'w');
  try {
    for (;;) writeSync(fd, PAGE);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(fd);
  }
  return () => {
    rmSync(path);
  };
}
