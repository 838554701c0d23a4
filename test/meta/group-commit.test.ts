/** Which changes share a batch, with a database whose answers the test gives. */
import t from 'tap';
import { GroupCommit, type MetaDb } from '../../daemon/meta/group-commit.ts';

interface Batch {
  readonly keys: readonly string[];
  readonly answer: PromiseWithResolvers<undefined>;
}

function groups(): { readonly commit: GroupCommit; readonly batches: Batch[] } {
  const batches: Batch[] = [];
  const db = {
    batch: (changes: readonly { readonly key: string }[]): Promise<undefined> => {
      const answer = Promise.withResolvers<undefined>();
      batches.push({ keys: changes.map(({ key }) => key), answer });
      return answer.promise;
    },
  };
  return { commit: new GroupCommit(db as unknown as MetaDb), batches };
}

const put = (commit: GroupCommit, ...keys: string[]): Promise<void> =>
  commit.put(keys.map((key) => ({ type: 'put', key, value: 1 })));

t.test('what comes in during a write goes out together behind it, in its order', async (t) => {
  const { commit, batches } = groups();
  const answered: string[] = [];
  const first = put(commit, 'a').then(() => answered.push('a'));
  const more = [put(commit, 'b', 'c'), put(commit, 'd'), put(commit, 'b')].map((done, at) =>
    done.then(() => answered.push(`more ${String(at)}`)),
  );
  t.strictSame(
    batches.map(({ keys }) => keys),
    [['a']],
  );
  batches[0]?.answer.resolve(undefined);
  await first;
  t.strictSame(answered, ['a'], 'nothing is answered before it is durable');
  t.strictSame(batches[1]?.keys, ['b', 'c', 'd', 'b']);
  batches[1]?.answer.resolve(undefined);
  await Promise.all(more);
  t.strictSame(answered, ['a', 'more 0', 'more 1', 'more 2']);
  await commit.idle();
  t.equal(batches.length, 2);
});

t.test('a batch that fails is told to all who were in it, and none is written behind it', async (t) => {
  const { commit, batches } = groups();
  const first = [put(commit, 'a')];
  const second = [put(commit, 'b'), put(commit, 'c')];
  batches[0]?.answer.resolve(undefined);
  await Promise.all(first);
  batches[1]?.answer.reject(new Error('no room'));
  for (const one of second) await t.rejects(one, /no room/);
  const refused = { code: 'INTERNAL', reason: 'RECORDS_BROKEN', message: /no room/ };
  await t.rejects(put(commit, 'd'), refused);
  await t.rejects(put(commit, 'e'), refused);
  t.equal(batches.length, 2);
});

t.test('idle waits for what is on its way, and for what gathered behind it', async (t) => {
  const { commit, batches } = groups();
  await commit.idle();
  void put(commit, 'a');
  void put(commit, 'b');
  let idle = false;
  const waiting = commit.idle().then(() => {
    idle = true;
  });
  batches[0]?.answer.resolve(undefined);
  await new Promise((resolve) => setImmediate(resolve));
  t.notOk(idle);
  batches[1]?.answer.resolve(undefined);
  await waiting;
});
