/** Twenty seconds of `npm run torture`, so that it stays alive; what it finds is worth its own run. */
import t from 'tap';
import { Torture } from './run.ts';
import { KINDS } from './schedule.ts';

const NETWORK = 75;
const SEED = 3;

t.setTimeout(240_000);

t.test('real daemons under faults answer as one disk would', async (t) => {
  const torture = new Torture({
    seed: SEED,
    durationMs: 20_000,
    network: NETWORK,
    kinds: KINDS,
    roundMs: { least: 4000, most: 8000 },
    say: (line) => t.comment(line),
  });
  const result = await torture.run();
  t.equal(result.finding ?? 'none', 'none');
  t.ok(result.operations > 0);
  t.ok(result.rounds > 1);
});
