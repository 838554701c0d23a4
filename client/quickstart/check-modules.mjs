// Exits with 0 if node_modules holds what package-lock.json asks of this machine, else says what is not so and exits
// with 1. Plain JavaScript without imports of packages: it runs on whatever Node is there, before anything is installed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = process.argv[2] ?? '.';
const wanted = lockOf(join(root, 'package-lock.json'));
const present = lockOf(join(root, 'node_modules', '.package-lock.json'));
if (wanted === undefined || present === undefined) stop('node_modules is not there');

for (const [path, entry] of Object.entries(wanted)) {
  if (path === '' || entry.link || entry.dev || entry.devOptional) continue;
  const found = present[path];
  // What is for another kind of machine may be missing, but must not be another version.
  if (found === undefined && entry.optional) continue;
  if (found === undefined) stop(`${path} is missing`);
  if (found.version !== entry.version) stop(`${path} is ${found.version}, and ${entry.version} is wanted`);
}

function lockOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function stop(reason) {
  console.log(reason);
  process.exit(1);
}
