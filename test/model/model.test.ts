/** Spin searches the model of who may serve: no run breaks a promise, and without any one rule some run does. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { transitions } from '../../daemon/replication/states.ts';
import { complaintOf, planned, run } from './searches.ts';

t.setTimeout(300_000);
const { signal } = new AbortController();

for (const plan of planned)
  t.test(`${plan.name}: ${plan.what}`, async (t) => {
    const found = await run(plan, signal);
    t.equal(complaintOf(plan, found), undefined);
    t.ok(found.states > 0);
  });

t.test('the states of the model are those of the code', async (t) => {
  const model = readFileSync(resolve(import.meta.dirname, 'replication.pml'), 'utf8');
  const declared = /^mtype = \{(.*?)^\};/ms.exec(model)?.[1] ?? '';
  const states = [...declared.matchAll(/\b[A-Z_]+(?=,)/g)].map(([state]) => state);
  // A process that does not run is DOWN there, and BLANK is STALE.
  const inCode = Object.keys(transitions).filter((state) => state !== 'BLANK');
  t.strictSame(states.sort(), [...inCode, 'DOWN'].sort());
});
