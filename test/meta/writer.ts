/**
 * Writes numbered records of one replica, each with a map of that number, and prints each number once it is durable,
 * until it is killed.
 */
import { writeSync } from 'node:fs';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import { anew, chunk, record } from './records.ts';

const meta = await HostMeta.open(process.argv[2] ?? '');
for (let generation = 1; ; generation++) {
  await meta.put(record('v', generation), [anew('b', chunk(generation, generation % 255 || 1))]);
  writeSync(1, `${generation}\n`);
}
