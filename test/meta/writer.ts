/** Writes numbered records of one replica and prints each number once it is durable, until it is killed. */
import { writeSync } from 'node:fs';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import { blankState } from '../support/harness/lone.ts';

const meta = await HostMeta.open(process.argv[2] ?? '');
for (let generation = 1; ; generation++) {
  const durable = { ...blankState, view: { generation, primary: 'a', inSync: ['a'] } };
  await meta.put({ volume: 'v', sizeBytes: 65536, durable });
  writeSync(1, `${generation}\n`);
}
