/**
 * Stories of two replicas (test/support/harness/story.ts). `REWRITE=1` tells them anew as they go now; the difference
 * is then reviewed like code.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { retell } from '../support/harness/story.ts';

const FOLDER = join(import.meta.dirname, 'transcripts');

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))) {
  t.test(`the replicas do as told in ${file}`, async (t) => {
    const path = join(FOLDER, file);
    const expected = readFileSync(path, 'utf8');
    const actual = retell(expected);
    if (process.env['REWRITE'] === '1') writeFileSync(path, actual);
    else t.equal(actual, expected);
  });
}
