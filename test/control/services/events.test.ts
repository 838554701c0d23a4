import { EventEmitter, once } from 'node:events';
import type { ClientReadableStream, ServerWritableStream } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { EVENT_REASONS } from '../../../control/model/event-reasons.ts';
import { type EventRecord, keys } from '../../../control/model/records.ts';
import { newestOf, prefixesOf } from '../../../control/services/event-feed.ts';
import { watchEvents } from '../../../control/services/watch-events.ts';
import type { Watchers } from '../../../control/services/watch.ts';
import { Repository } from '../../../control/repository.ts';
import { openLevelStore } from '../../../control/store/level-store.ts';
import type { ControlStore } from '../../../control/store/store.ts';
import { DatabaseServiceService as databases } from '../../../proto/gen/lockstep/v1/database_service.ts';
import {
  type Event,
  EventServiceService as service,
  type WatchEventsRequest,
} from '../../../proto/gen/lockstep/v1/event_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';
import { quietLog } from '../../support/quiet-log.ts';

const record = (message: string, timeMs = 1): EventRecord => ({
  timeMs,
  reason: 'IN_SYNC',
  message,
  generation: 1,
  phases: [],
  workflow: '',
});

const all = { before: undefined, isWanted: () => true };

async function storeOf(t: Test): Promise<ControlStore> {
  const store = await openLevelStore(t.testdir());
  t.teardown(() => store.close());
  return store;
}

/** As they are written, one after the other: the newest last. */
async function write(store: ControlStore, key: string, message: string, timeMs = 1): Promise<void> {
  await store.transact([], [{ key, value: record(message, timeMs) }]);
}

const messagesOf = async (store: ControlStore, parent: string, limit: number): Promise<readonly string[]> =>
  (await newestOf(store, await prefixesOf(store, parent), { ...all, limit })).map(
    ({ value }) => value.message,
  );

t.test(
  'events of all subjects are one list in the order they were written, whatever the clock did',
  async (t) => {
    const store = await storeOf(t);
    await write(store, keys.event('orders', 1), 'first', 900);
    await write(store, keys.hostEvent('host-a', 1), 'second', 100);
    await write(store, keys.event('orders-2', 1), 'third', 500);
    await write(store, keys.event('orders', 2), 'fourth', 200);
    t.same(await messagesOf(store, '', 9), ['fourth', 'third', 'second', 'first']);
    t.same(await messagesOf(store, 'databases/-', 9), ['fourth', 'third', 'first']);
    t.same(await messagesOf(store, 'hosts/-', 9), ['second']);
    t.same(await messagesOf(store, 'databases/orders', 9), ['fourth', 'first']);
    t.same(await messagesOf(store, '', 2), ['fourth', 'third']);
  },
);

/** With events of a database that is no more, beside those of `orders`. */
async function openWithEvents(t: Test): Promise<ControlHarness> {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await harness.finished(await harness.call(databases.switchoverDatabase, { name: 'databases/orders' }));
  await harness.until((database) => database.redundancy === 3 && database.busyWith === '');
  return harness;
}

t.test('pages of any size hold every event once, newest first', async (t) => {
  const harness = await openWithEvents(t);
  for (const parent of ['databases/orders', 'databases/-', '']) {
    const whole = (await harness.call(service.listEvents, { parent })).events;
    const paged: Event[] = [];
    for (let pageToken = ''; ;) {
      const page = await harness.call(service.listEvents, { parent, pageSize: 2, pageToken });
      t.ok(page.events.length <= 2);
      paged.push(...page.events);
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    t.ok(whole.length > 4);
    t.same(
      paged.map(({ name }) => name),
      whole.map(({ name }) => name),
    );
  }
});

t.test('a list of some reasons holds those alone, on every page', async (t) => {
  const harness = await openWithEvents(t);
  const reasons = ['CREATED', 'SWITCHED_OVER'];
  const first = await harness.call(service.listEvents, { parent: '', reasons, pageSize: 1 });
  t.same(
    first.events.map(({ reason }) => reason),
    ['SWITCHED_OVER'],
  );
  const pageToken = first.nextPageToken;
  const second = await harness.call(service.listEvents, { parent: '', reasons, pageSize: 1, pageToken });
  t.match(second, { events: [{ reason: 'CREATED' }], nextPageToken: '' });
  t.match(
    await refusal(harness.call(service.listEvents, { parent: '', reasons: ['CREATED'], pageToken })),
    { code: 'INVALID_ARGUMENT' },
    'a token of another list',
  );
});

t.test('what is no parent, no reason, or not there is refused', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  const list = (parent: string, reasons: string[] = []) =>
    refusal(harness.call(service.listEvents, { parent, reasons }));
  t.match(await list('orders'), { code: 'INVALID_ARGUMENT' });
  t.match(await list('zones/a'), { code: 'INVALID_ARGUMENT' });
  t.match(await list('databases/none'), { code: 'NOT_FOUND' });
  t.match(await list('hosts/none'), { code: 'NOT_FOUND', reason: 'HOST_NOT_FOUND' });
  t.match(await list('', ['HAPPENED']), { code: 'INVALID_ARGUMENT', message: /FAILED_OVER/ });
});

function watch(t: Test, harness: ControlHarness, request: Partial<WatchEventsRequest>) {
  const { path, requestSerialize, responseDeserialize } = service.watchEvents;
  const whole: WatchEventsRequest = { parent: '', backlog: 0, reasons: [], ...request };
  const stream: ClientReadableStream<Event> = harness.client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    whole,
  );
  t.teardown(() => stream.cancel());
  const seen: Event[] = [];
  const failed = Promise.withResolvers<Error>();
  let arrived: () => void = () => undefined;
  stream.on('data', (event: Event) => {
    seen.push(event);
    arrived();
  });
  stream.on('error', failed.resolve);
  const until = async (reason: string): Promise<void> => {
    while (!seen.some((event) => event.reason === reason)) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      arrived = () => resolve(undefined);
      await promise;
    }
  };
  return { seen, until, failed: failed.promise };
}

t.test('a watch shows the backlog, oldest first, and then each event once, as it happens', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const before = await harness.events();
  const { seen, until } = watch(t, harness, { parent: 'databases/orders', backlog: 2 });
  await until(before[0]?.reason ?? '');
  await harness.finished(await harness.call(databases.failoverDatabase, { name: 'databases/orders' }));
  await until('FAILED_OVER');
  const after = (await harness.events()).toReversed();
  const names = seen.map(({ name }) => name);
  const from = after.findIndex(({ name }) => name === names[0]);
  t.equal(from, before.length - 2, 'the two newest of before come first');
  t.same(
    names,
    after.slice(from, from + names.length).map(({ name }) => name),
  );
});

t.test('a watch of some reasons, without a backlog, shows only those that come', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const { seen, until } = watch(t, harness, { parent: 'databases/-', reasons: ['FAILED_OVER', 'CREATED'] });
  // A watch that has not begun to listen would miss it: the server has the request when another call is answered.
  await harness.get();
  await harness.finished(await harness.call(databases.failoverDatabase, { name: 'databases/orders' }));
  await until('FAILED_OVER');
  t.same(
    seen.map(({ reason }) => reason),
    ['FAILED_OVER'],
  );
});

t.test('a watch of what is not there, or with too long a backlog, is refused', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  t.match(await watch(t, harness, { parent: 'databases/none' }).failed, { code: 5 });
  t.match(await watch(t, harness, { backlog: 501 }).failed, { code: 3 });
});

t.test('the watches of a control that ends are ended', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  const { path, requestSerialize, responseDeserialize } = service.watchEvents;
  const request = { parent: '', backlog: 0, reasons: [] };
  const stream = harness.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
  const ended = Promise.withResolvers<undefined>();
  stream.on('data', () => undefined);
  stream.on('error', () => ended.resolve(undefined));
  stream.on('end', () => ended.resolve(undefined));
  await harness.call(service.listEvents, { parent: '' });
  await harness.control.close();
  await ended.promise;
  t.pass();
});

t.test('a client that takes nothing is ended when too much waits for it', async (t) => {
  const store = await storeOf(t);
  const client = Object.assign(new EventEmitter(), {
    request: { parent: '', backlog: 0, reasons: [] },
    write: () => false,
    sendMetadata: () => undefined,
    end: () => undefined,
  });
  const watchers = { requireRoom: () => undefined, add: () => () => undefined };
  const handler = watchEvents({
    repository: new Repository(store, Date.now),
    watchers: watchers as unknown as Watchers,
    log: quietLog,
  });
  const ended = once(client, 'error');
  handler(client as unknown as ServerWritableStream<WatchEventsRequest, Event>);
  let isOver = false;
  void ended.then(() => (isOver = true));
  let sequence = 0;
  // Before it listens it misses some, and it is told of none twice.
  for (; !isOver && sequence < 5000; sequence += 100)
    await store.transact(
      [],
      Array.from({ length: 100 }, (_, index) => ({
        key: keys.event('orders', sequence + index),
        value: record('one of many'),
      })),
    );
  t.match(await ended, [{ code: 8 }]);
  t.ok(sequence < 1500, 'it is not let wait for more than that');
});

t.test('every reason says in one sentence what it means', async (t) => {
  for (const [reason, sentence] of Object.entries(EVENT_REASONS)) {
    t.match(reason, /^[A-Z]+(_[A-Z]+)*$/);
    t.match(sentence, /^[A-Z].*\.$/);
  }
});
