/** Work that is shared by all who ask for it before it begins. */
import t from 'tap';
import { sharedRuns } from '../../daemon/sys/shared-runs.ts';

/** Runs that end when they are told to. */
function world() {
  const runs: PromiseWithResolvers<number>[] = [];
  const ask = sharedRuns(() => {
    const run = Promise.withResolvers<number>();
    runs.push(run);
    return run.promise;
  });
  return { runs, ask };
}

t.test('whoever asks while it runs shares the next run, and no older answer', async (t) => {
  const { runs, ask } = world();
  const first = ask();
  const later = [ask(), ask(), ask()];
  t.equal(runs.length, 1);
  runs[0]?.resolve(1);
  t.equal(await first, 1);
  await Promise.resolve();
  t.equal(runs.length, 2);
  runs[1]?.resolve(2);
  t.same(await Promise.all(later), [2, 2, 2]);
});

t.test('one who asks after a run begins a new one', async (t) => {
  const { runs, ask } = world();
  const first = ask();
  runs[0]?.resolve(1);
  await first;
  const second = ask();
  t.equal(runs.length, 2);
  runs[1]?.resolve(2);
  t.equal(await second, 2);
});

t.test('a run that fails fails for those who share it, and not for the next', async (t) => {
  const { runs, ask } = world();
  const first = ask();
  const second = ask();
  runs[0]?.reject(new Error('no'));
  await t.rejects(first, /no/);
  await Promise.resolve();
  runs[1]?.resolve(2);
  t.equal(await second, 2);
});
