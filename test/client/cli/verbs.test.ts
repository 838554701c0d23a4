/** Every verb of the API has its words on the command line, and sends what they say. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { Database, DatabaseState } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { Event } from '../../../proto/gen/lockstep/v1/event_service.ts';
import { Snapshot } from '../../../proto/gen/lockstep/v1/snapshot_service.ts';
import { type Answers, serve, services } from '../../support/api-double.ts';
import { attempt, type CommandResult } from '../../support/client-command.ts';
import { healthyDatabase, host, rawOperation, volumeInSync } from '../fixtures.ts';

t.setTimeout(240_000);
const LOCKSTEP = resolve(import.meta.dirname, '../../../client/cli/lockstep.sh');
const home = mkdtempSync(join(tmpdir(), 'lockstep-home-'));
process.env['XDG_CONFIG_HOME'] = home;
t.teardown(() => {
  rmSync(home, { recursive: true, force: true });
});

interface Row {
  readonly words: string;
  /** Method of the API, and some of what it is to be asked. */
  readonly asks: string;
  readonly sent: object;
  readonly shows: RegExp;
}

const orders = { name: 'databases/orders' };
const SHEET = /^orders\n {2}state +ACTIVE\n {2}redundancy +IN_SYNC/m;
const change = '--etag e1 --request-id r1';
const changed = { ...orders, etag: 'e1', requestId: 'r1', validateOnly: false };

const rows: readonly Row[] = [
  row('status', 'getClusterStatus', {}, /^ATTENTION: zones are fewer than two/),
  row(
    'database create orders --engine mariadb --engine-version 10.11 --size 2GiB --zones a,b --parameter x=1 --parameter y=2=3 --tag team=shop --deletion-protection --request-id r1',
    'createDatabase',
    {
      databaseId: 'orders',
      engine: 'mariadb',
      engineVersion: '10.11',
      sizeBytes: 1n << 31n,
      zones: ['a', 'b'],
      parameters: { x: '1', y: '2=3' },
      tags: { team: 'shop' },
      deletionProtection: true,
      requestId: 'r1',
    },
    SHEET,
  ),
  row('database create orders --single', 'createDatabase', { redundancyMode: 2 }, SHEET),
  row('database list --deleted', 'listDatabases', { showDeleted: true }, /DATABASE +STATE[^]*orders/),
  row('database get orders', 'getDatabase', orders, SHEET),
  row(
    `database update orders --size 4GiB --parameter a=1 --reset-parameter b --tag k=v --remove-tag l --deletion-protection off ${change}`,
    'updateDatabase',
    {
      database: { ...orders, etag: 'e1', sizeBytes: 1n << 32n, parameters: { a: '1' }, tags: { k: 'v' } },
      updateMask: ['size_bytes', 'deletion_protection', 'parameters.b', 'parameters.a', 'tags.l', 'tags.k'],
    },
    SHEET,
  ),
  row(
    `database delete orders --yes --final-snapshot last ${change}`,
    'deleteDatabase',
    { ...changed, finalSnapshotId: 'last', skipFinalSnapshot: false },
    /^orders is deleted\.\nUntil .*database undelete orders$/m,
  ),
  row(`database undelete orders ${change}`, 'undeleteDatabase', changed, SHEET),
  row(`database start orders ${change}`, 'startDatabase', changed, SHEET),
  row(`database stop orders ${change}`, 'stopDatabase', changed, SHEET),
  row(
    `database reboot orders --switchover ${change}`,
    'rebootDatabase',
    { ...changed, withSwitchover: true },
    SHEET,
  ),
  row(`database failover orders ${change}`, 'failoverDatabase', changed, SHEET),
  row(`database switchover orders ${change}`, 'switchoverDatabase', changed, SHEET),
  row(
    `database convert orders --to replicated --place zones/b ${change}`,
    'convertRedundancy',
    { ...changed, redundancyMode: 1, place: 'zones/b' },
    SHEET,
  ),
  row(
    `database reseed orders --host host-b --anew ${change}`,
    'reseedDatabase',
    { ...changed, host: 'hosts/host-b', anew: true },
    SHEET,
  ),
  row(
    `database rename orders sales ${change}`,
    'renameDatabase',
    { ...changed, newDatabaseId: 'sales' },
    SHEET,
  ),
  row(`database reset-password orders ${change}`, 'resetPassword', changed, SHEET),
  row(
    'database clone orders copy --snapshot monday --replicated --tag a=b',
    'cloneDatabase',
    { ...orders, databaseId: 'copy', snapshotId: 'monday', redundancyMode: 1, tags: { a: 'b' } },
    SHEET,
  ),
  row(
    'database events orders --limit 3',
    'listEvents',
    { parent: 'databases/orders', pageSize: 3 },
    /SECONDARY_LOST/,
  ),
  row('database connection orders', 'getConnectionInfo', orders, /by alias +postgresql:/),
  row(
    'snapshot create orders monday --host host-b --quiesce',
    'createSnapshot',
    { parent: 'volumes/orders', snapshotId: 'monday', host: 'hosts/host-b', quiesce: true },
    /not quiesced/,
  ),
  row(
    'snapshot get orders@monday',
    'getSnapshot',
    { name: 'volumes/orders/snapshots/monday' },
    /^orders@monday\n {2}host +host-b/,
  ),
  row('snapshot list', 'listSnapshots', { parent: '' }, /There is no snapshot/),
  row(
    'snapshot delete orders@monday --yes',
    'deleteSnapshot',
    { name: 'volumes/orders/snapshots/monday' },
    /is deleted/,
  ),
  row(
    'snapshot restore orders@monday back --single --host host-b --request-id r1',
    'restoreSnapshot',
    {
      name: 'volumes/orders/snapshots/monday',
      databaseId: 'back',
      host: 'hosts/host-b',
      redundancyMode: 2,
      requestId: 'r1',
    },
    SHEET,
  ),
  row('volume create disk --size 1GiB', 'createVolume', { volumeId: 'disk' }, /orders-b3c1d2e3/),
  row('volume delete disk --yes', 'deleteVolume', { name: 'volumes/disk' }, /is deleted/),
  row('volume list', 'listVolumes', {}, /VOLUME +OF[^]*orders-b3c1d2e3/),
  row('volume status orders', 'getVolume', { name: 'volumes/orders' }, /orders-b3c1d2e3/),
  row('volume grow disk 20GiB --validate-only', 'growVolume', { validateOnly: true }, /nothing was changed/),
  row('volume shrink disk 1GiB --yes', 'shrinkVolume', { acceptSmaller: true }, /has 10 GiB now/),
  row('volume check disk', 'checkVolume', { start: true }, /./),
  row('volume scrub disk', 'scrubVolume', { name: 'volumes/disk' }, /./),
  row(
    'volume force disk --host host-a --accept-data-loss',
    'forcePrimary',
    { validateOnly: true },
    /is the primary/,
  ),
  row('volume clone orders@monday copy', 'cloneSnapshot', { cloneId: 'copy' }, /./),
  row('volume revert orders@monday --yes', 'revertVolume', { acceptDataLoss: true }, /the volume is what/),
  row('volume diff orders@monday', 'diffSnapshots', { to: '' }, /0 extents/),
  row(
    'host register host-c --zone c --address 10.0.0.3 --cordoned',
    'registerHost',
    { hostId: 'host-c', zone: 'c', address: '10.0.0.3', cordoned: true },
    /^host-a/,
  ),
  row('host get host-a', 'getHost', { name: 'hosts/host-a' }, /^host-a\n {2}state +up/),
  row('host list', 'listHosts', {}, /HOST +ZONE[^]*host-a/),
  row(
    'host cordon host-a --reason disk --etag e1',
    'cordonHost',
    { uncordon: false, reason: 'disk', etag: 'e1' },
    /^host-a/,
  ),
  row('host drain host-a --etag e1', 'drainHost', { name: 'hosts/host-a', etag: 'e1' }, /^host-a/m),
  row('host remove host-a --yes', 'removeHost', { name: 'hosts/host-a' }, /host-a is removed/),
  row('zone list', 'listZones', {}, /No host that stores/),
  row('engine list mariadb', 'listEngineVersions', { engine: 'mariadb' }, /No host has reported an engine/),
  row(
    'event list --parent hosts/- --reason HOST_LOST',
    'listEvents',
    { parent: 'hosts/-', reasons: ['HOST_LOST'] },
    /SECONDARY_LOST/,
  ),
  row('operation list', 'listOperations', {}, /No operations/),
  row('operation get w1', 'getOperation', { name: 'operations/w1' }, /operations\/w1/),
  row('operation watch w1', 'getOperation', { name: 'operations/w1' }, /: done/),
  row(
    'workflow list --state stuck --target databases/orders',
    'listWorkflows',
    { states: [5], target: 'databases/orders' },
    /No workflows/,
  ),
  row('workflow get w1', 'getWorkflow', { name: 'workflows/w1' }, /state/),
  row('workflow log w1', 'listWorkflowLog', { parent: 'workflows/w1' }, /Its log is empty/),
  row('workflow retry w1', 'retryWorkflow', { name: 'workflows/w1' }, /state/),
  row('workflow abandon w1 --yes', 'abandonWorkflow', { acceptHalfDone: true }, /state/),
];

function row(words: string, asks: string, sent: object, shows: RegExp): Row {
  return { words, asks, sent, shows };
}

const requests = new Map<string, object[]>();
const server = await serve(t, recording(answers(), requests));

function lockstep(...words: readonly string[]): Promise<CommandResult> {
  return attempt(LOCKSTEP, '--server', server, ...words);
}

t.test('no verb of the API is left out', async (t) => {
  // Watches have tests of their own; an audit is `doctor`; the password goes with create and reset-password.
  const others = ['watchDatabase', 'watchEvents', 'auditCluster', 'claimPassword'];
  const operations = ['waitOperation', 'cancelOperation', 'deleteOperation'];
  const all = services.flatMap((service) => Object.keys(service));
  const reached = new Set([...rows.map(({ asks }) => asks), ...others, ...operations]);
  t.same(
    all.filter((method) => !reached.has(method)),
    [],
  );
});

for (const { words, asks, sent, shows } of rows)
  t.test(`lockstep ${words}`, async (t) => {
    requests.clear();
    const { status, stdout, stderr } = await lockstep(...words.split(' '));
    t.equal(`${String(status)} ${stderr.replace(/^.*Old copy[^]*$/, '')}`.slice(0, 2), '0 ', stderr);
    t.match(requests.get(asks)?.[0], sent);
    t.match(stdout, shows);
  });

t.test('--validate-only asks so, and says that nothing was changed', async (t) => {
  requests.clear();
  const { stdout } = await lockstep('database', 'stop', 'orders', '--validate-only');
  t.match(requests.get('stopDatabase'), [{ validateOnly: true }]);
  t.equal(stdout, 'It could be done as asked; nothing was changed.\n');
  const deleted = await lockstep('database', 'delete', 'orders', '--validate-only');
  t.equal(deleted.status, 0, 'what is only checked is not asked about');
});

t.test('--no-wait answers the operation and leaves it to control', async (t) => {
  requests.clear();
  const { stdout } = await lockstep('database', 'stop', 'orders', '--no-wait');
  t.equal(stdout, 'operations/w1\nWatch it: lockstep operation watch operations/w1\n');
  t.notOk(requests.has('getOperation'));
});

for (const words of [
  'database delete orders',
  'database convert orders --to single',
  'snapshot delete orders@monday',
  'volume delete disk',
  'volume shrink disk 1GiB',
  'volume revert orders@monday',
  'volume force disk --host host-a',
  'host remove host-a',
  'workflow abandon w1',
])
  t.test(`without a terminal, lockstep ${words} is not done unless that is said`, async (t) => {
    requests.clear();
    const { status, stderr } = await lockstep(...words.split(' '));
    t.equal(status, 2);
    t.match(stderr, /^(error: .*\n)allowed: --(yes|accept-data-loss)$/m);
    const done = ['deleteDatabase', 'convertRedundancy', 'deleteSnapshot', 'deleteVolume', 'shrinkVolume'];
    for (const method of [...done, 'revertVolume', 'removeHost', 'abandonWorkflow'])
      t.notOk(requests.has(method), method);
  });

t.test('-o json is JSON alone on standard output, whatever the verb, and -o table is not', async (t) => {
  for (const words of [
    'database get orders',
    'host list',
    'event list',
    'workflow get w1',
    'volume list',
    'explain FENCED',
  ]) {
    const { stdout } = await lockstep('-o', 'json', ...words.split(' '));
    t.doesNotThrow(() => JSON.parse(stdout) as unknown, words);
  }
  const table = await lockstep('host', 'list', '-o', 'table');
  t.match(table.stdout, /^HOST/);
});

t.test('nothing to update is a mistake of the words', async (t) => {
  const { status, stderr } = await lockstep('database', 'update', 'orders');
  t.equal(status, 2);
  t.match(stderr, /nothing was said to be changed\nallowed: --size/);
});

t.test('a watch shows each state, and ends with what is not transient', async (t) => {
  let opened = 0;
  const address = await serve(t, {
    watchDatabase: () => {
      opened += 1;
      if (opened > 2) throw new LockstepError('NOT_FOUND', 'no orders', { reason: 'DATABASE_NOT_FOUND' });
      return [healthyDatabase({ generation: BigInt(opened) })];
    },
  });
  const { status, stdout, stderr } = await attempt(
    LOCKSTEP,
    '--server',
    address,
    'database',
    'watch',
    'orders',
  );
  t.equal(status, 1);
  t.match(stdout, /ACTIVE IN_SYNC, primary host-a, generation 1\n.*generation 2\n$/);
  t.match(stderr, 'See which there are: lockstep database list');
});

t.test('events are shown as they happen', async (t) => {
  const address = await serve(t, {
    listEvents: () => ({ events: [], nextPageToken: '' }),
    watchEvents: () => {
      throw new LockstepError('INVALID_ARGUMENT', 'no such reason');
    },
  });
  const { stderr } = await attempt(LOCKSTEP, '--server', address, 'event', 'watch', '--backlog', '5');
  t.match(stderr, 'error: no such reason\n');
});

function recording(given: Answers, seen: Map<string, object[]>): Answers {
  return Object.fromEntries(
    Object.entries(given).map(([method, answer]) => [
      method,
      (request: object) => {
        seen.set(method, [...(seen.get(method) ?? []), request]);
        return answer(request as never);
      },
    ]),
  );
}

interface Empty {
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** An empty answer of each, but where a command needs more to go on. */
function answers(): Answers {
  const empty = services.flatMap((service) =>
    Object.entries<Empty>(service).map(([method, { responseDeserialize }]): [string, () => unknown] => [
      method,
      () => responseDeserialize(Buffer.alloc(0)),
    ]),
  );
  const begun = (): unknown => rawOperation([]);
  const changes = services
    .flatMap((service) => Object.entries<{ readonly path: string } & Empty>(service))
    .filter(([, { responseDeserialize }]) => 'done' in (responseDeserialize(Buffer.alloc(0)) as object))
    .map(([method]): [string, () => unknown] => [method, begun]);
  const event = Event.fromPartial({ name: 'e1', reason: 'SECONDARY_LOST', message: 'host-b is away' });
  const volume = (): unknown => volumeInSync();
  const member = (): unknown => host('host-a');
  let deleting = false;
  return {
    ...Object.fromEntries([...empty, ...changes]),
    deleteDatabase: () => {
      deleting = true;
      return begun();
    },
    getOperation: () => {
      const state = deleting ? { state: DatabaseState.DATABASE_STATE_DELETED, expireTime: new Date(0) } : {};
      deleting = false;
      return rawOperation([], {
        done: true,
        response: {
          typeUrl: 'type.googleapis.com/lockstep.v1.Database',
          value: Buffer.from(Database.encode(healthyDatabase(state)).finish()),
        },
      });
    },
    getSnapshot: () =>
      Snapshot.fromPartial({ name: 'volumes/orders/snapshots/monday', host: 'hosts/host-b' }),
    getDatabase: () => healthyDatabase(),
    listDatabases: () => ({ databases: [healthyDatabase()], nextPageToken: '' }),
    getConnectionInfo: () => ({
      endpoint: healthyDatabase().endpoint,
      uri: 'postgresql://lockstep@orders.db.lockstep.internal:5432/orders',
      multiHostUri: '',
      command: 'psql',
    }),
    listEvents: () => ({ events: [event], nextPageToken: '' }),
    getVolume: volume,
    growVolume: volume,
    shrinkVolume: volume,
    scrubVolume: volume,
    forcePrimary: volume,
    listVolumes: () => ({ volumes: [volumeInSync()], nextPageToken: '' }),
    registerHost: member,
    getHost: member,
    cordonHost: member,
    listHosts: () => ({ hosts: [host('host-a')], nextPageToken: '' }),
  };
}
