/** Writes numbered transactions of two keys and prints each number once it is acknowledged, until it is killed. */
import { writeSync } from 'node:fs';
import { openLevelStore } from '../../../control/store/level-store.ts';

const store = await openLevelStore(process.argv[2] ?? '');
for (;;) {
  const counter = await store.get<number>('counter');
  const next = (counter?.value ?? 0) + 1;
  const result = await store.transact(
    [
      counter === undefined
        ? { key: 'counter', absent: true }
        : { key: 'counter', revision: counter.revision },
    ],
    [
      { key: 'counter', value: next },
      { key: `entries/${String(next).padStart(9, '0')}`, value: next },
    ],
  );
  if (!result.ok) throw new Error(`conflict on ${result.conflict}`);
  writeSync(1, `${next}\n`);
}
