/**
 * Some trials of the campaign over all workflows (npm run workflows has every one), spread over each kind, and that no
 * type of workflow is without a scenario.
 */
import t from 'tap';
import { type Kind, type Trial, trialsOf, typesWithoutScenario } from '../../workflows/campaign.ts';
import { allDefinitions } from '../../workflows/interference.ts';

t.setTimeout(120_000);

/** Of one type. */
const SAMPLE: readonly Kind[] = ['crash', 'crash back', 'stuck', 'poison'];
const AT_A_TIME = 2;

t.test('every type of workflow has a scenario', async (t) => {
  t.same(typesWithoutScenario(), []);
});

/** One, of another kind and at another place from type to type. */
function sampleOf(trials: readonly Trial[], index: number): readonly Trial[] {
  const kind = SAMPLE[index % SAMPLE.length];
  const all = trials.filter((trial) => trial.kind === kind);
  return all.slice((index * 5) % Math.max(1, all.length)).slice(0, 1);
}

t.test('a sample of the trials', { jobs: AT_A_TIME }, async (t) => {
  allDefinitions().forEach(({ type }, index) => {
    void t.test(type, { buffered: true }, async (t) => {
      for (const trial of sampleOf(await trialsOf(type), index)) {
        await trial.run();
        t.pass(`${trial.kind}, ${trial.what}`);
      }
    });
  });
});
