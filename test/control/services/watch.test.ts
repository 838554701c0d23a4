import type { ClientReadableStream } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import {
  type Database,
  DatabaseServiceService as service,
  DatabaseState,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { ControlHarness } from '../../support/control-harness.ts';

function watch(t: Test, harness: ControlHarness, name: string): ClientReadableStream<Database> {
  const { path, requestSerialize, responseDeserialize } = service.watchDatabase;
  const stream = harness.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
    name,
  });
  t.teardown(() => stream.cancel());
  return stream;
}

t.test('a watch shows the database as it is, and each change, until it is gone', async (t) => {
  const harness = await ControlHarness.open(t, { graceHours: 0 });
  await harness.createOrders();
  const stream = watch(t, harness, 'databases/orders');
  const seen: Database[] = [];
  const ended = Promise.withResolvers<undefined>();
  const claimed = Promise.withResolvers<undefined>();
  stream.on('data', (database: Database) => {
    seen.push(database);
    if (!database.passwordUnclaimed) claimed.resolve(undefined);
  });
  stream.on('end', () => ended.resolve(undefined));
  stream.on('error', ended.reject);
  await harness.call(service.claimPassword, { name: 'databases/orders' });
  await claimed.promise;
  t.match(seen[0], { state: DatabaseState.DATABASE_STATE_ACTIVE, redundancy: 3 });
  const request = { name: 'databases/orders', skipFinalSnapshot: true };
  await harness.finished(await harness.call(service.deleteDatabase, request));
  await ended.promise;
});

t.test('a watch of what is not there is refused', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  const stream = watch(t, harness, 'databases/none');
  const { promise, resolve } = Promise.withResolvers<Error>();
  stream.on('error', resolve);
  stream.on('data', () => undefined);
  t.match(await promise, { code: 5 });
});
