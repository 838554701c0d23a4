/** Spin searches the model of who may serve: no run breaks a promise, and without any one rule some run does. */
import t from 'tap';
import { complaintOf, planned, run } from './searches.ts';

t.setTimeout(300_000);
const { signal } = new AbortController();

for (const plan of planned)
  t.test(`${plan.name}: ${plan.what}`, async (t) => {
    const found = await run(plan, signal);
    t.equal(complaintOf(plan, found), undefined);
    t.ok(found.states > 100, 'it searched');
  });
