/** The store against a naive oracle: a map, sorted when asked. Any history must give the same answers. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { openLevelStore } from '../../../control/store/level-store.ts';
import type {
  Condition,
  ControlStore,
  Entry,
  Mutation,
  TransactResult,
} from '../../../control/store/store.ts';

class Oracle {
  readonly #entries = new Map<string, Entry>();
  #revision = 0;

  transact(conditions: readonly Condition[], mutations: readonly Mutation[]): TransactResult {
    for (const condition of conditions) {
      const revision = this.#entries.get(condition.key)?.revision;
      const wanted = 'absent' in condition ? undefined : condition.revision;
      if (revision !== wanted) return { ok: false, conflict: condition.key };
    }
    if (mutations.length > 0) this.#revision++;
    for (const mutation of mutations) {
      if ('deleted' in mutation) this.#entries.delete(mutation.key);
      else this.#entries.set(mutation.key, { ...mutation, revision: this.#revision });
    }
    return { ok: true, revision: this.#revision };
  }

  list(prefix: string, options: { after?: string; limit?: number; reverse?: boolean }): Entry[] {
    const { after = '', limit = Infinity, reverse = false } = options;
    const inOrder = [...this.#entries.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    if (reverse) inOrder.reverse();
    return inOrder
      .filter(({ key }) => after === '' || (reverse ? key < after : key > after))
      .slice(0, limit === Infinity ? undefined : limit);
  }
}

const key = fc.constantFrom('a', 'a/', 'a/1', 'a/2', 'a/10', 'b', 'b/~', 'b/1', '~');
const prefix = fc.constantFrom('', 'a', 'a/', 'b/', 'c', '~');
const mutation = fc.oneof(
  { weight: 3, arbitrary: fc.record({ key, value: fc.jsonValue() }) },
  fc.record({ key, deleted: fc.constant<true>(true) }),
);
const condition = fc.oneof(
  fc.record({ key, absent: fc.constant<true>(true) }),
  fc.record({ key, revision: fc.integer({ min: 1, max: 6 }) }),
);
const command = fc.oneof(
  fc.record({
    kind: fc.constant('transact' as const),
    conditions: fc.array(condition, { maxLength: 1 }),
    mutations: fc.uniqueArray(mutation, { maxLength: 4, selector: ({ key }) => key }),
  }),
  fc.record({
    kind: fc.constant('list' as const),
    prefix,
    options: fc.record(
      { after: key, limit: fc.integer({ min: 0, max: 4 }), reverse: fc.boolean() },
      { requiredKeys: [] },
    ),
  }),
  fc.constant({ kind: 'reopen' as const }),
);

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

t.test('any history of transactions, pages and restarts answers as a sorted map does', async (t) => {
  const parent = await mkdtemp(join(tmpdir(), 'lockstep-store-property-'));
  t.teardown(() => rm(parent, { recursive: true, force: true }));
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
      const folder = join(parent, String(runs++));
      const oracle = new Oracle();
      let store: ControlStore = await openLevelStore(folder);
      try {
        for (const command of commands) {
          if (command.kind === 'reopen') {
            await store.close();
            store = await openLevelStore(folder);
          } else if (command.kind === 'transact') {
            const { conditions, mutations } = command;
            const expected = oracle.transact(conditions, mutations);
            compare(await store.transact(conditions, mutations), expected);
          } else {
            compare(
              await store.list(command.prefix, command.options),
              oracle.list(command.prefix, command.options),
            );
          }
        }
        compare(await store.list(''), oracle.list('', {}));
      } finally {
        await store.close();
      }
    }),
    { numRuns: 60 },
  );
  t.pass('they agree');
});

function compare(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(asJson(actual)), JSON.stringify(asJson(expected))];
  if (a !== b) throw new Error(`the store answers ${a}, the oracle ${b}`);
}
