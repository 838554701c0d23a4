/** What a watch costs control: how many there may be, what a slow client holds up, how they end. */
import { type ClientHttp2Stream, connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  type ClientReadableStream,
  credentials,
  ServerCredentials,
  type ServiceError,
} from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { errorOfService } from '../../../daemon/sys/grpc-status.ts';
import {
  Database,
  DatabaseServiceService as service,
  WatchDatabaseRequest,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { Watchers, watchDatabase, type WatchOptions } from '../../../control/services/watch.ts';
import { ApiServer } from '../../../daemon/sys/grpc-server.ts';
import { EventServiceService } from '../../../proto/gen/lockstep/v1/event_service.ts';
import { ControlHarness } from '../../support/control-harness.ts';
import { quietLog } from '../../support/quiet-log.ts';

const MAX_WATCHERS = 256;
const FRAME_BYTES = 5;
/** Many more than a stream holds before it says that it is full. */
const CHANGES = 50;
const { path, requestSerialize, responseDeserialize } = service.watchDatabase;

function watch(client: Client): ClientReadableStream<Database> {
  const request = { name: 'databases/orders' };
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
}

/** The first message, or what the stream ended with. */
function first(stream: ClientReadableStream<Database>): Promise<'shown' | ServiceError> {
  const { promise, resolve } = Promise.withResolvers<'shown' | ServiceError>();
  stream.on('data', () => resolve('shown'));
  stream.on('error', (error: ServiceError) => resolve(error));
  return promise;
}

t.test('watches are bounded, and one that ends makes room for another', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const streams = Array.from({ length: MAX_WATCHERS }, () => watch(harness.client));
  t.teardown(() => streams.forEach((stream) => stream.cancel()));
  const shown = await Promise.all(streams.map(first));
  t.ok(shown.every((one) => one === 'shown'));
  const refused = await first(watch(harness.client));
  t.match(refused === 'shown' ? refused : errorOfService(refused), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_WATCHES',
  });
  streams[0]?.cancel();
  let again: 'shown' | ServiceError;
  do {
    const stream = watch(harness.client);
    streams.push(stream);
    again = await first(stream);
  } while (again !== 'shown');
  t.equal(again, 'shown');
});

t.test(
  'a watch that ends with its control daemon is told so, and not that the database is gone',
  async (t) => {
    const harness = await ControlHarness.open(t);
    await harness.createOrders();
    const client = new Client(harness.address, credentials.createInsecure());
    t.teardown(() => client.close());
    const stream = watch(client);
    t.equal(await first(stream), 'shown');
    const ended = new Promise<ServiceError>((resolve) => stream.on('error', resolve));
    await harness.stopControl();
    t.match(errorOfService(await ended), { code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
  },
);

t.test('a watch of events says that it is live before there is one, and why it ends', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  const client = new Client(harness.address, credentials.createInsecure());
  t.teardown(() => client.close());
  const entry = EventServiceService.watchEvents;
  const request = { parent: '', backlog: 0, reasons: [] };
  const stream = client.makeServerStreamRequest(
    entry.path,
    entry.requestSerialize,
    entry.responseDeserialize,
    request,
  );
  stream.on('data', () => undefined);
  const ended = new Promise<ServiceError>((resolve) => stream.on('error', resolve));
  await new Promise((resolve) => stream.on('metadata', resolve));
  await harness.stopControl();
  t.match(errorOfService(await ended), { code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
});

/** A server whose one database changes when it is told to. */
async function changeable(
  t: Test,
): Promise<{ readonly port: number; readonly change: (etag: string) => void }> {
  let etag = '';
  const listeners = new Set<() => void>();
  const watchStore = (_prefix: string, listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const entry = (): Promise<object> => Promise.resolve({});
  const repository = { store: { watch: watchStore }, requireDatabase: entry, database: entry };
  const quiet = (): (() => void) => () => undefined;
  const watchers = new Watchers(repository as never, { watch: quiet } as never, { onHeard: quiet } as never);
  const views = { database: () => Promise.resolve(Database.fromPartial({ etag })) };
  const options = { repository, views, watchers, log: quietLog } as unknown as WatchOptions;
  const server = new ApiServer();
  server.addService({ watchDatabase: service.watchDatabase }, { watchDatabase: watchDatabase(options) });
  const { promise, resolve } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, port) => resolve(port));
  t.teardown(() => {
    watchers.close();
    server.forceShutdown();
  });
  const change = (next: string): void => {
    etag = next;
    for (const listener of listeners) listener();
  };
  return { port: await promise, change };
}

/** A client whose window is closed: of what it is sent, one byte arrives. */
function slowWatch(t: Test, port: number): ClientHttp2Stream {
  const session = connect(`http://127.0.0.1:${String(port)}`, { settings: { initialWindowSize: 1 } });
  t.teardown(() => session.destroy());
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request(headers);
  const message = WatchDatabaseRequest.encode({ name: 'databases/orders' }).finish();
  const head = Buffer.alloc(FRAME_BYTES);
  head.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([head, message]));
  return stream;
}

t.test('a slow client gets the newest when it is ready, and not all that it missed', async (t) => {
  const { port, change } = await changeable(t);
  const stream = slowWatch(t, port);
  for (let count = 1; count <= CHANGES; count++) {
    change(String(count));
    // Longer than changes are gathered for.
    await sleep(60);
  }
  let received = Buffer.alloc(0);
  const newest = Promise.withResolvers<number>();
  stream.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const messages = messagesOf(received);
    if (messages.at(-1)?.etag === String(CHANGES)) newest.resolve(messages.length);
  });
  stream.session?.settings({ initialWindowSize: 1024 * 1024 });
  const count = await newest.promise;
  t.ok(count < CHANGES / 2, `${String(count)} messages for ${String(CHANGES)} changes`);
});

function messagesOf(bytes: Buffer): readonly Database[] {
  const messages: Database[] = [];
  for (let at = 0; at + FRAME_BYTES <= bytes.length;) {
    const end = at + FRAME_BYTES + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    messages.push(Database.decode(bytes.subarray(at + FRAME_BYTES, end)));
    at = end;
  }
  return messages;
}
