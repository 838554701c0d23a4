/** The library against a real gRPC server in this process, whose answers each test decides. */
import { status } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { LockstepClient } from '../../client/lockstep.ts';
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import { rpcStatusOf } from '../../daemon/sys/grpc-status.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import {
  type CreateDatabaseRequest,
  Database,
  type ListDatabasesRequest,
  TaskState,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { connect, unavailable } from '../support/api-double.ts';
import { healthyDatabase, healthyStatus, rawOperation, task, volumeInSync } from './fixtures.ts';

const HOST = '127.0.0.1';

const create = { id: 'orders', engine: 'postgresql', sizeBytes: 1n << 30n };

t.test('a refusal arrives with its code, reason and violations', async (t) => {
  const client = await connect(t, {
    createDatabase: () => {
      throw invalidField('size_bytes', '1', 'at least 268435456');
    },
  });
  await t.rejects(client.databases.create(create), {
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    violations: [{ field: 'size_bytes', value: '1', allowed: 'at least 268435456' }],
  });
});

t.test('a refusal keeps its metadata', async (t) => {
  const client = await connect(t, {
    deleteDatabase: () => {
      throw new LockstepError('ABORTED', 'busy', {
        reason: 'BUSY',
        metadata: { operation: 'operations/w1' },
      });
    },
  });
  await t.rejects(client.databases.delete('orders'), {
    code: 'ABORTED',
    reason: 'BUSY',
    message: 'busy',
    metadata: { operation: 'operations/w1' },
  });
});

t.test('an error without details still has its code and text', async (t) => {
  const client = await connect(t, {
    getDatabase: () => {
      throw Object.assign(new Error('x'), { code: status.NOT_FOUND, details: 'no such thing' });
    },
  });
  await t.rejects(client.databases.get('orders'), { code: 'NOT_FOUND', message: 'no such thing' });
});

t.test('a create whose answer was lost is sent again under the same request id', async (t) => {
  const seen: CreateDatabaseRequest[] = [];
  const client = await connect(t, {
    createDatabase: (request: CreateDatabaseRequest) => {
      seen.push(request);
      if (seen.length < 3) throw unavailable;
      return rawOperation([]);
    },
  });
  t.equal((await client.databases.create(create)).name, 'operations/w1');
  t.equal(seen.length, 3);
  t.equal(new Set(seen.map((request) => request.requestId)).size, 1);
  t.match(seen[0]?.requestId, /^[0-9a-f-]{36}$/);
});

t.test('two creates have two request ids', async (t) => {
  const seen = new Set<string>();
  const client = await connect(t, {
    createDatabase: (request: CreateDatabaseRequest) => {
      seen.add(request.requestId);
      return rawOperation([]);
    },
  });
  await client.databases.create(create);
  await client.databases.create(create);
  t.equal(seen.size, 2);
});

t.test('a claim is never sent twice: the first may have been answered', async (t) => {
  let claims = 0;
  const client = await connect(t, {
    claimPassword: () => {
      claims += 1;
      throw unavailable;
    },
  });
  await t.rejects(client.databases.claimPassword('orders'), { code: 'UNAVAILABLE' });
  t.equal(claims, 1);
});

t.test('trying again ends', async (t) => {
  let calls = 0;
  const client = await connect(t, {
    getClusterStatus: () => {
      calls += 1;
      throw unavailable;
    },
  });
  await t.rejects(client.status(), { code: 'UNAVAILABLE' });
  t.equal(calls, 5);
});

t.test('a refusal is not tried again', async (t) => {
  let calls = 0;
  const client = await connect(t, {
    getDatabase: () => {
      calls += 1;
      throw new LockstepError('NOT_FOUND', 'no orders');
    },
  });
  await t.rejects(client.databases.get('orders'), { code: 'NOT_FOUND' });
  t.equal(calls, 1);
});

t.test('where nobody listens, the error says so', async (t) => {
  const client = new LockstepClient({ server: `${HOST}:1` });
  t.teardown(() => client.close());
  await t.rejects(client.status(), { code: 'UNAVAILABLE', message: /ECONNREFUSED/ });
});

t.test('an address that is none is refused before any call', async (t) => {
  for (const server of ['', 'host', 'host:0', 'host:99999', 'http://host:1'])
    t.throws(() => new LockstepClient({ server }), {
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'server' }],
    });
});

t.test('a list is read to its last page', async (t) => {
  const client = await connect(t, {
    listDatabases: (request: ListDatabasesRequest) =>
      request.pageToken === ''
        ? { databases: [healthyDatabase()], nextPageToken: 'two' }
        : { databases: [healthyDatabase({ name: 'databases/users' })], nextPageToken: '' },
  });
  t.same(
    (await client.databases.list()).map((database) => database.name),
    ['databases/orders', 'databases/users'],
  );
});

t.test('the status arrives whole', async (t) => {
  const client = await connect(t, { getClusterStatus: () => healthyStatus() });
  t.same(await client.status(), healthyStatus());
});

const { TASK_STATE_RUNNING, TASK_STATE_DONE } = TaskState;
const succeeded: Partial<Operation> = {
  done: true,
  response: {
    typeUrl: 'type.googleapis.com/lockstep.v1.Database',
    value: Buffer.from(Database.encode(healthyDatabase()).finish()),
  },
};

/** One answer for each poll, the last one for ever. */
async function polled(t: Test, states: readonly (Operation | Error)[]): Promise<LockstepClient> {
  let poll = 0;
  return connect(t, {
    getOperation: () => {
      const state = states[Math.min(poll, states.length - 1)];
      poll += 1;
      if (state instanceof Error) throw state;
      return state;
    },
  });
}

t.test('a wait tells each change once and answers the database', async (t) => {
  const running = rawOperation([task('seed', TASK_STATE_RUNNING, { percent: 40 })]);
  const done = rawOperation([task('seed', TASK_STATE_DONE)], succeeded);
  const client = await polled(t, [running, running, done]);
  const percents: number[] = [];
  const database = await client.operations.wait('operations/w1', {
    onProgress: (operation) => percents.push(operation.metadata.tasks[0]?.percent ?? -1),
  });
  t.same(database, healthyDatabase());
  t.same(percents, [40, 0]);
});

t.test('a wait outlives a control daemon that is restarted', async (t) => {
  const done = rawOperation([], succeeded);
  const client = await polled(t, [rawOperation([]), unavailable, unavailable, done]);
  t.equal((await client.operations.wait('operations/w1'))?.name, 'databases/orders');
});

t.test('a wait throws what the operation failed with', async (t) => {
  const error = rpcStatusOf(
    new LockstepError('RESOURCE_EXHAUSTED', 'no room in zone b', { reason: 'NO_ROOM' }),
  );
  const client = await polled(t, [rawOperation([], { done: true, error })]);
  await t.rejects(client.operations.wait('operations/w1'), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'NO_ROOM',
    message: 'no room in zone b',
  });
});

t.test('a wait ends when its signal is aborted', async (t) => {
  const client = await polled(t, [rawOperation([])]);
  const aborter = new AbortController();
  const waiting = client.operations.wait('operations/w1', {
    signal: aborter.signal,
    onProgress: () => {
      aborter.abort();
    },
  });
  await t.rejects(waiting, { code: 'ABORTED' });
});

t.test('a watch whose stream breaks is opened again', async (t) => {
  let opened = 0;
  const client = await connect(t, {
    watchDatabase: () => {
      opened += 1;
      return [healthyDatabase({ generation: BigInt(opened) })];
    },
  });
  const generations: bigint[] = [];
  for await (const database of client.databases.watch('orders')) {
    generations.push(database.generation);
    if (generations.length === 3) break;
  }
  t.same(generations, [1n, 2n, 3n]);
});

t.test('a volume is asked for as a person writes it, or by its full name', async (t) => {
  const asked: string[] = [];
  const client = await connect(t, {
    getVolume: ({ name }: { readonly name: string }) => {
      asked.push(name);
      return volumeInSync();
    },
  });
  t.match(await client.volumes.get('orders'), { generation: 9n, primary: 'hosts/host-a' });
  await client.volumes.get('databases/orders');
  t.strictSame(asked, ['volumes/orders', 'databases/orders']);
});

t.test(
  'a choice of an old copy is only looked at until the loss is accepted, and never sent twice',
  async (t) => {
    const asked: object[] = [];
    const client = await connect(t, {
      forcePrimary: (request: object) => {
        asked.push(request);
        throw unavailable;
      },
    });
    for (const acceptDataLoss of [false, true])
      await t.rejects(client.volumes.forcePrimary('orders', { host: 'host-b', acceptDataLoss }));
    const said = { name: 'volumes/orders', host: 'hosts/host-b' };
    t.strictSame(asked, [
      { ...said, acceptDataLoss: false, validateOnly: true },
      { ...said, acceptDataLoss: true, validateOnly: false },
    ]);
  },
);

t.test('a scrub is asked for by the name of the volume', async (t) => {
  const asked: object[] = [];
  const client = await connect(t, {
    scrubVolume: (request: object) => {
      asked.push(request);
      throw unavailable;
    },
  });
  await t.rejects(client.volumes.scrub('orders'));
  await t.rejects(client.volumes.scrub('databases/orders', { stop: true }));
  t.strictSame(asked, [
    { name: 'volumes/orders', stop: false, anew: false },
    { name: 'databases/orders', stop: true, anew: false },
  ]);
});
