/**
 * Load for a file system, in a process of its own, since its calls hang while the volume's server is away: several
 * writers replace the content of files and sync them. After each sync it prints `INDEX VERSION`. SIGTERM has every
 * writer finish what it is at.
 *
 * node test/support/file-writer.ts FOLDER
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { contentOf } from './file-content.ts';

const [folder = ''] = process.argv.slice(2);
const WRITERS = 4;
const FILES = 64;

let isOver = false;
process.on('SIGTERM', () => {
  isOver = true;
});

/** In place, so that a write of before that arrives late would be seen under a newer one. */
async function replace(index: number, version: number): Promise<void> {
  const file = await open(join(folder, String(index)), version === 1 ? 'w' : 'r+');
  try {
    await file.write(contentOf(index, version), 0, undefined, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  console.log(`${index} ${version}`);
}

async function writer(first: number): Promise<void> {
  for (let version = 1; ; version++)
    for (let index = first; index < FILES; index += WRITERS) {
      if (isOver) return;
      await replace(index, version);
    }
}

await Promise.all(Array.from({ length: WRITERS }, (_, first) => writer(first)));
