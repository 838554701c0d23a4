import t from 'tap';
import { databaseJson, type Json, statusJson } from '../../../client/cli/json.ts';
import { healthyDatabase, healthyStatus } from '../fixtures.ts';

t.test('integers are numbers while a number holds them exactly, else strings', async (t) => {
  t.match(databaseJson(healthyDatabase({ generation: 7n })), { generation: 7 });
  t.match(databaseJson(healthyDatabase({ generation: (1n << 60n) + 1n })), {
    generation: '1152921504606846977',
  });
});

t.test('every key is there also when there is nothing to say', async (t) => {
  const bare = databaseJson(
    healthyDatabase({ createTime: undefined, primary: undefined, secondary: undefined, endpoint: undefined }),
  );
  t.same(
    Object.keys(bare as Record<string, Json>),
    Object.keys(databaseJson(healthyDatabase()) as Record<string, Json>),
  );
  t.match(bare, {
    createTime: null,
    primary: null,
    secondary: null,
    endpoint: null,
    busyWith: null,
    lagBytes: 0,
  });
});

t.test('the status carries the verdict, so that a script need not make its own', async (t) => {
  t.match(statusJson('127.0.0.10:7400', healthyStatus()), {
    healthy: true,
    databases: [
      { id: 'orders', state: 'ACTIVE', redundancy: 'IN_SYNC', primary: { host: 'host-a', zone: 'a' } },
    ],
    hosts: [{ id: 'control' }, { id: 'host-a' }, { id: 'host-b' }],
  });
});
