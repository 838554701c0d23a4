import t from 'tap';
import { renderStatus } from '../../../client/cli/render-status.ts';
import { plain } from '../../../client/cli/text.ts';
import { verdictOf } from '../../../client/cli/verdict.ts';
import { type ClusterStatus } from '../../../proto/gen/lockstep/v1/cluster_service.ts';
import {
  type Database,
  DatabaseState,
  Redundancy,
  TaskState,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { healthyDatabase, healthyStatus, host, rawOperation, task } from '../fixtures.ts';

const WIDTH = 80;
const screen = (status: ClusterStatus): string =>
  renderStatus(status, { server: '127.0.0.10:7400', paint: plain });
const withDatabase = (changes: Partial<Database>): string =>
  screen(healthyStatus({ databases: [healthyDatabase(changes)] }));

t.test('a healthy installation on one screen', async (t) => {
  t.equal(
    screen(healthyStatus()),
    `HEALTHY: 1 database, in sync in two zones; every host answers.
control 127.0.0.10:7400, 2026-01-02 03:04:06Z

DATABASE  STATE   REDUNDANCY  PRIMARY     SECONDARY   GEN  LAG
orders    ACTIVE  IN SYNC     host-a (a)  host-b (b)    2  0 B

DATABASE  ALIAS -> ADDRESS NOW
orders    orders.db.lockstep.internal -> 127.0.0.11:5432

HOST     ZONE  ROLES    ADDRESS     STATE  LAST HEARD    FREE
control  -     control  127.0.0.10  up     120 ms ago       -
host-a   a     storage  127.0.0.11  up     120 ms ago  10 GiB
host-b   b     storage  127.0.0.12  up     120 ms ago  10 GiB
`,
  );
});

t.test('degraded: says that there is one copy, and which host to bring back', async (t) => {
  const text = withDatabase({
    redundancy: Redundancy.REDUNDANCY_DEGRADED,
    reason: 'host-b has not answered for 12 s',
    safeToFailOver: false,
    secondary: { host: 'host-b', zone: 'b', role: 'UNREACHABLE', generation: 2n, reachable: false },
    lagBytes: 3_500_000n,
  });
  t.match(text, /^ATTENTION: orders has one copy only\.\n/);
  t.match(text, /DEGRADED {4}host-a \(a\) {2}host-b \(b\) ! {4}2 {2}3\.3 MiB/);
  t.match(text, /orders:\n {2}It is served, but from one copy only/);
  t.match(text, /host-b has not answered for 12 s\./);
  t.match(text, /-> Bring the other host back, host-b,/);
});

t.test('resyncing: says what is left and how long it will take', async (t) => {
  const text = withDatabase({
    redundancy: Redundancy.REDUNDANCY_RESYNCING,
    safeToFailOver: false,
    copyLeftBytes: 300n << 20n,
    copyBytesPerSecond: 100n << 20n,
  });
  t.match(text, /^ATTENTION: orders has one complete copy only, the other is catching up\./);
  t.match(text.replaceAll(/\s+/g, ' '), /300 MiB left at 100 MiB\/s, about 3\.0 s/);
});

t.test('failing over: says that clients reconnect, and how to watch it', async (t) => {
  const text = withDatabase({
    state: DatabaseState.DATABASE_STATE_FAILING_OVER,
    redundancy: Redundancy.REDUNDANCY_DEGRADED,
    busyWith: 'operations/w9',
  });
  t.match(text, /^ATTENTION: orders is failing over\./);
  t.match(text, /-> Watch it: lockstep operation watch operations\/w9/);
});

t.test('a host that does not answer is named with its silence and address', async (t) => {
  const hosts = [host('host-a'), host('host-b', { reachable: false, silenceMs: 12_300 })];
  const text = screen(healthyStatus({ hosts }));
  t.match(text, /^ATTENTION: host-b does not answer\./);
  t.match(text, /host-b +b +storage +127\.0\.0\.12 +SILENT +12\.3 s ago/);
  t.match(text, /It has been silent for 12\.3 s/);
  t.match(text, /-> Check the machine at 127\.0\.0\.12/);
});

t.test('a database that nobody serves comes before everything else', async (t) => {
  const databases = [
    healthyDatabase({ name: 'databases/aa', redundancy: Redundancy.REDUNDANCY_DEGRADED }),
    healthyDatabase({ name: 'databases/zz', state: DatabaseState.DATABASE_STATE_UNAVAILABLE }),
  ];
  const text = screen(healthyStatus({ databases }));
  t.match(text, /^TROUBLE: zz is not served\./);
  t.ok(text.indexOf('\nzz:') < text.indexOf('\naa:'));
});

t.test('a running operation shows its task, how far it is, and its place', async (t) => {
  const operation = rawOperation([
    task('place', TaskState.TASK_STATE_DONE),
    task('seed', TaskState.TASK_STATE_RUNNING, { percent: 41, progress: '412 of 1024 MiB' }),
    task('connect', TaskState.TASK_STATE_PENDING),
  ]);
  t.match(
    screen(healthyStatus({ operations: [operation] })),
    /operations\/w1 {2}create-database databases\/orders: Do seed \(2 of 3\), 41 %, 412 of 1024 MiB/,
  );
});

t.test("the server's own next step is preferred to ours", async (t) => {
  const text = withDatabase({ redundancy: Redundancy.REDUNDANCY_DEGRADED, nextStep: 'Start host-b' });
  t.match(text, /-> Start host-b\.\n/);
});

t.test('an installation without databases says how to create one', async (t) => {
  const text = screen(healthyStatus({ databases: [] }));
  t.match(text, /^READY:/);
  t.match(text, /lockstep database create NAME/);
});

t.test('one zone is not enough, and is said to be', async (t) => {
  t.match(
    screen(healthyStatus({ databases: [], hosts: [host('host-a')] })),
    /all hosts that store are in zone a/,
  );
});

t.test('every screen fits 80 columns', async (t) => {
  for (const redundancy of Object.values(Redundancy))
    for (const state of Object.values(DatabaseState)) {
      const text = withDatabase({ redundancy, state, reason: 'word '.repeat(40), lagBytes: 1023n << 20n });
      t.same(
        text.split('\n').filter((line) => line.length > WIDTH),
        [],
      );
    }
});

t.test('what a server sends cannot move the cursor', async (t) => {
  t.notMatch(withDatabase({ nextStep: 'x\u001b[2Jy' }), /\u001b/);
});

const contradictions: readonly (readonly [string, Partial<Database>])[] = [
  ['no secondary', { secondary: undefined }],
  [
    'a silent secondary',
    { secondary: { host: 'host-b', zone: 'b', role: 'SECONDARY', generation: 2n, reachable: false } },
  ],
  [
    'a silent primary',
    { primary: { host: 'host-a', zone: 'a', role: 'SERVING', generation: 2n, reachable: false } },
  ],
  ['no primary', { primary: undefined }],
  ['bytes behind', { lagBytes: 1n }],
  ['an unsafe failover', { safeToFailOver: false }],
  ['an unknown state', { state: 99 as DatabaseState }],
  ['an unknown redundancy', { redundancy: 99 as Redundancy }],
];
for (const [what, changes] of contradictions)
  t.test(`in sync with ${what} is not called healthy`, async (t) => {
    t.not(verdictOf(healthyStatus({ databases: [healthyDatabase(changes)] })).level, 'good');
    t.notMatch(withDatabase(changes), /HEALTHY/);
  });

t.test('only active and in sync is called healthy', async (t) => {
  for (const redundancy of Object.values(Redundancy))
    for (const state of Object.values(DatabaseState)) {
      const healthy = /HEALTHY/.test(withDatabase({ redundancy, state }));
      t.equal(
        healthy,
        redundancy === Redundancy.REDUNDANCY_IN_SYNC && state === DatabaseState.DATABASE_STATE_ACTIVE,
      );
    }
});
