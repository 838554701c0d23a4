/** Lists that are walked, and watches that outlive what they are connected to. */
import t, { type Test } from 'tap';
import type { LockstepClient } from '../../client/lockstep.ts';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { Event, type ListEventsRequest } from '../../proto/gen/lockstep/v1/event_service.ts';
import type { ListDatabasesRequest } from '../../proto/gen/lockstep/v1/database_service.ts';
import { connect } from '../support/api-double.ts';
import { healthyDatabase } from './fixtures.ts';

t.test('a loop over a list asks for a page only when it gets there', async (t) => {
  const asked: string[] = [];
  const client = await connect(t, {
    listDatabases: ({ pageToken }: ListDatabasesRequest) => {
      asked.push(pageToken);
      return { databases: [healthyDatabase(), healthyDatabase()], nextPageToken: `after ${pageToken}` };
    },
  });
  const listing = client.databases.list();
  t.same(asked, []);
  let seen = 0;
  for await (const database of listing) {
    t.equal(database.name, 'databases/orders');
    seen += 1;
    if (seen === 3) break;
  }
  t.same(asked, ['', 'after ']);
});

t.test('a list with a limit ends there', async (t) => {
  const client = await connect(t, history(10).answers);
  t.same(
    (await client.events.list({ limit: 3 })).map((event) => event.name),
    ['e10', 'e9', 'e8'],
  );
});

/** A history of events that grows; a list of it is cut into small pages. */
function history(count: number) {
  const events: Event[] = [];
  const add = (more: number): void => {
    for (let index = 0; index < more; index += 1)
      events.push(Event.fromPartial({ name: `e${String(events.length + 1)}`, reason: 'X' }));
  };
  add(count);
  const opened: { backlog: number }[] = [];
  const answers = {
    listEvents: ({ pageSize, pageToken }: ListEventsRequest) => {
      const size = Math.min(pageSize, 100);
      const from = Number(pageToken || '0');
      const newestFirst = events.toReversed();
      const next = from + size;
      return {
        events: newestFirst.slice(from, next),
        nextPageToken: next < newestFirst.length ? String(next) : '',
      };
    },
  };
  return { events, add, opened, answers };
}

/** Reads until so many have come. */
async function names(t: Test, watch: AsyncIterable<Event>, count: number): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of watch) {
    found.push(name);
    if (found.length === count) break;
  }
  t.equal(found.length, count);
  return found;
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `e${String(from + index)}`);

t.test('a watch of events begins with as many as are asked for, and repeats none of them', async (t) => {
  const past = history(700);
  const client = await connect(t, {
    ...past.answers,
    watchEvents: ({ backlog }: { readonly backlog: number }) => {
      const before = past.events.slice(-backlog);
      past.add(2);
      return [...before, ...past.events.slice(-2)];
    },
  });
  t.same(await names(t, client.events.watch({ backlog: 3 }), 5), numbered(698, 702));
});

t.test('a watch of events whose stream breaks goes on without a loss, and without one twice', async (t) => {
  const past = history(5);
  let opened = 0;
  const client = await connect(t, {
    ...past.answers,
    watchEvents: ({ backlog }: { readonly backlog: number }) => {
      opened += 1;
      const before = past.events.slice(-backlog);
      past.add(2);
      const now = past.events.slice(-2);
      // What is written while nobody is connected.
      past.add(20);
      return [...before, ...now];
    },
  });
  const found = await names(t, client.events.watch({ parent: 'orders' }), 60);
  t.same(found, numbered(6, 65));
  t.ok(opened >= 3, `${String(opened)} streams`);
});

t.test('more events in a break than a stream begins with are read from the list', async (t) => {
  const past = history(5);
  const client = await connect(t, {
    ...past.answers,
    watchEvents: ({ backlog }: { readonly backlog: number }) => {
      const before = past.events.slice(-backlog);
      past.add(1);
      const now = past.events.slice(-1);
      past.add(900);
      return [...before, ...now];
    },
  });
  t.same(await names(t, client.events.watch(), 1500), numbered(6, 1505));
});

t.test('a watch that was read too slowly goes on from the list', async (t) => {
  const past = history(5);
  let opened = 0;
  const client = await connect(t, {
    ...past.answers,
    watchEvents: () => {
      opened += 1;
      past.add(3);
      throw new LockstepError('RESOURCE_EXHAUSTED', 'too slow', { reason: 'WATCH_TOO_SLOW' });
    },
  });
  t.same(await names(t, client.events.watch(), 6), numbered(6, 11));
  t.equal(opened, 2);
});

t.test('a watch ends with a refusal, and does not ask again', async (t) => {
  let opened = 0;
  const client = await connect(t, {
    ...history(0).answers,
    watchEvents: () => {
      opened += 1;
      throw new LockstepError('INVALID_ARGUMENT', 'no such reason', { reason: 'INVALID_FIELD' });
    },
  });
  await t.rejects(names(t, client.events.watch({ reasons: ['NO'] }), 1), {
    code: 'INVALID_ARGUMENT',
  });
  t.equal(opened, 1);
});

t.test('the signal ends a watch without an error', async (t) => {
  const client = await connect(t, { watchDatabase: () => [healthyDatabase()] });
  t.equal(await countUntilAborted(client), 2);
});

async function countUntilAborted(client: LockstepClient): Promise<number> {
  const aborter = new AbortController();
  let seen = 0;
  for await (const database of client.databases.watch('orders', { signal: aborter.signal })) {
    seen += database.name === 'databases/orders' ? 1 : 0;
    if (seen === 2) aborter.abort();
  }
  return seen;
}

t.test('a call that its caller gives up between two attempts ends with ABORTED', async (t) => {
  const aborter = new AbortController();
  const client = await connect(t, {
    getDatabase: () => {
      aborter.abort();
      throw new LockstepError('UNAVAILABLE', 'soon', { reason: 'SOON' });
    },
  });
  await t.rejects(client.databases.get('orders', { signal: aborter.signal }), { code: 'ABORTED' });
});

t.test('a deadline is of each attempt', async (t) => {
  const client = await connect(t, {});
  await t.rejects(client.databases.get('orders', { deadlineMs: 0 }), { code: 'DEADLINE_EXCEEDED' });
});
