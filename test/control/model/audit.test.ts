/** The audit as a pure comparison: each kind of finding, and what is none. */
import t, { type Test } from 'tap';
import { audit, type AuditInput, type AuditWorkflow, type Finding } from '../../../control/model/audit.ts';
import { hostAdmin } from '../../../control/model/records.ts';
import { GetInventoryResponse } from '../../../proto/gen/lockstep/agent/v1/inventory.ts';
import { AuditKind } from '../../../proto/gen/lockstep/v1/cluster_service.ts';
import { database, host, hostRecord, replica, volume } from '../../support/control-records.ts';

const inventory = (
  change: Parameters<typeof GetInventoryResponse.fromPartial>[0] = {},
): GetInventoryResponse => GetInventoryResponse.fromPartial({ replicas: ['orders-1'], ...change });

const attached = {
  processes: [
    { name: 'attach-orders-1', pid: 8, volume: 'orders-1', alive: true },
    { name: 'engine-orders', pid: 9, volume: 'orders-1', alive: true },
  ],
  mounts: [{ mountPoint: '/s/mnt/orders-1', source: '/dev/loop3', volume: 'orders-1' }],
  devices: [{ device: '/dev/loop3', volume: 'orders-1' }],
  records: [{ volume: 'orders-1', engine: 'postgresql' }],
};

/** One database on two hosts, in sync, whose primary is a1. */
const well: AuditInput = {
  databases: [database],
  volumes: [volume],
  hosts: new Map(['a1', 'b1'].map((name) => [name, hostRecord(name)])),
  hostAdmins: [hostAdmin('a1')],
  ports: [{ port: 5432, database: 'orders' }],
  droppedCopies: [],
  archives: new Set(),
  workflows: [],
  inventories: new Map([
    ['a1', inventory(attached)],
    ['b1', inventory()],
  ]),
  observed: new Map([
    ['a1', host('a1', replica('SERVING'))],
    ['b1', host('b1', replica('SECONDARY'))],
  ]),
};

const workflow = (change: Partial<AuditWorkflow> = {}): AuditWorkflow => ({
  id: 'reseed-orders-1',
  standing: 'running',
  target: 'databases/orders',
  reason: '',
  nextStep: '',
  words: new Set(['orders', 'orders-1']),
  ...change,
});

const onHost = (
  name: string,
  change: Parameters<typeof GetInventoryResponse.fromPartial>[0],
): AuditInput => ({
  ...well,
  inventories: new Map([...well.inventories, [name, inventory(change)]]),
});

/** Found, and no longer where a running workflow works on that volume. */
function foundUnlessBusy(t: Test, input: AuditInput, kind: AuditKind, wanted: Partial<Finding>): void {
  const { findings } = audit(input);
  t.match(
    findings.filter((finding) => finding.kind === kind),
    [wanted],
  );
  const busy = workflow({ words: new Set(['stray-1', 'orders-1']) });
  const others = audit({ ...input, workflows: [busy] }).findings;
  t.same(
    others.filter((finding) => finding.kind === kind),
    [],
    'not while a workflow works on it',
  );
}

t.test('of an installation that is well nothing is found', async (t) => {
  t.same(audit(well).findings, []);
  t.ok(audit(well).checked > 8);
});

t.test('a snapshot that an ended clone left on a host that was away is left to a person', async (t) => {
  const [volume, snapshot] = ['orders-1', 'clone-0a1b2c3d'];
  const snapshots = [
    { volume, snapshot, transient: false },
    { volume, snapshot: 'clone-of-monday', transient: false },
  ];
  const input = onHost('b1', { snapshots });
  const id = 'clone-copy-0a1b2c3d';
  const findings = (workflows: readonly AuditWorkflow[]) => audit({ ...input, workflows }).findings;
  const wanted = {
    kind: AuditKind.AUDIT_KIND_SNAPSHOT,
    host: 'b1',
    subject: 'volumes/orders-1/snapshots/clone-0a1b2c3d',
    nextStep: /lockstep volume snapshot delete orders-1 clone-0a1b2c3d --host b1$/,
    mending: undefined,
  };
  t.match(findings([]), [wanted]);
  t.match(findings([workflow({ id, standing: 'undone' }), workflow()]), [wanted]);
  t.same(findings([workflow({ id })]), [], 'not while the clone is under way');
});

t.test('a copy that no record names is left to a person, who is told how', async (t) => {
  const input = onHost('b1', { replicas: ['orders-1', 'stray-1'] });
  foundUnlessBusy(t, input, AuditKind.AUDIT_KIND_REPLICA, {
    host: 'b1',
    subject: 'volumes/stray-1',
    what: 'a copy of a volume that no record knows',
    nextStep: /grpcurl .*"volume":"stray-1".*127\.0\.0\.12:7400.*DeleteReplica/ as never,
  });
  t.equal(audit(input).findings[0]?.mending, undefined);
});

t.test('a copy that was never complete can be taken away', async (t) => {
  const blank = replica('BLANK', { volume: 'stray-1', consistentAt: 0, generation: 0 });
  const observed = new Map([['b1', host('b1', blank)]]);
  const { findings } = audit({ ...onHost('b1', { replicas: ['orders-1', 'stray-1'] }), observed });
  const mending = { kind: 'delete-replica', host: 'b1', volume: 'stray-1', generation: 0 };
  t.match(findings, [{ subject: 'volumes/stray-1', mending }]);
});

t.test(
  'a copy that its volume has dropped is deleted by itself, one that it never named is told',
  async (t) => {
    const volumes = [{ ...volume, replicas: ['a1'], inSync: ['a1'] }];
    t.match(audit({ ...well, volumes }).findings, [{ what: /on a1, does not name/ }]);
    const droppedCopies = [{ host: 'b1', volume: 'orders-1', generation: 8 }];
    t.same(audit({ ...well, volumes, droppedCopies }).findings, []);
  },
);

t.test('a dropped copy that its host refuses to delete is told, with the command', async (t) => {
  const droppedCopies = [{ host: 'b1', volume: 'orders-1', generation: 8 }];
  const found = (generation: number, recorded: number): readonly Finding[] => {
    const volumes = [{ ...volume, generation: recorded, replicas: ['a1'], inSync: ['a1'] }];
    const onB1 = host('b1', replica('STALE', { generation }));
    const observed = new Map([...well.observed, ['b1', onB1] as const]);
    return audit({ ...well, volumes, droppedCopies, observed }).findings;
  };
  t.same(found(8, 7), [], 'the list knows its generation');
  t.same(found(9, 9), [], 'the record knows it');
  const wanted = { host: 'b1', subject: 'volumes/orders-1', what: /generation 9/, mending: undefined };
  t.match(found(9, 8), [{ ...wanted, nextStep: /"generation":"9".*DeleteReplica/ }]);
});

t.test(
  'a snapshot for a copy is one too many where nothing copies; a person keeps what he took',
  async (t) => {
    const kept = { volume: 'orders-1', snapshot: 'monday', transient: false };
    const seed = { volume: 'orders-1', snapshot: 'seed-1', transient: true };
    foundUnlessBusy(t, onHost('b1', { snapshots: [kept, seed] }), AuditKind.AUDIT_KIND_SNAPSHOT, {
      subject: 'volumes/orders-1/snapshots/seed-1',
      mending: { kind: 'delete-snapshot', host: 'b1', volume: 'orders-1', snapshot: 'seed-1' },
    });
  },
);

const TRACES = [
  ['processes', AuditKind.AUDIT_KIND_PROCESS],
  ['mounts', AuditKind.AUDIT_KIND_MOUNT],
  ['devices', AuditKind.AUDIT_KIND_DEVICE],
  ['records', AuditKind.AUDIT_KIND_ENGINE_RECORD],
] as const;

for (const [what, kind] of TRACES) {
  t.test(`${what} on a host that is not the primary are cleared`, async (t) => {
    foundUnlessBusy(t, onHost('b1', { [what]: [attached[what].at(-1)] }), kind, {
      host: 'b1',
      mending: { kind: 'clear-traces', host: 'b1', volume: 'orders-1' },
      what: /whose primary is a1/ as never,
    });
  });
  t.test(`${what} of a volume that no record knows are cleared`, async (t) => {
    const stray = { ...attached[what].at(-1), volume: 'stray-1' };
    foundUnlessBusy(t, onHost('b1', { [what]: [stray] }), kind, {
      mending: { kind: 'clear-traces', host: 'b1', volume: 'stray-1' },
      what: /which no record knows/ as never,
    });
  });
}

t.test('a process whose volume cannot be told is left to a person', async (t) => {
  const processes = [{ name: 'engine-gone', pid: 77, volume: '', alive: false }];
  const [finding] = audit(onHost('b1', { processes })).findings;
  t.match(finding, { subject: 'engine-gone (pid 77)', nextStep: /on the host/ });
  t.equal(finding?.mending, undefined);
});

t.test(
  'a copy that a record names and that is not there is told, unless its host could not be asked',
  async (t) => {
    t.match(audit(onHost('b1', { replicas: [] })).findings, [
      { kind: AuditKind.AUDIT_KIND_RECORD, host: 'b1', what: /there is none/ },
    ]);
    const [first] = well.inventories;
    t.same(audit({ ...well, inventories: new Map(first === undefined ? [] : [first]) }).findings, []);
  },
);

t.test('volume and database records need each other', async (t) => {
  t.match(audit({ ...well, databases: [], ports: [] }).findings, [{ subject: 'volumes/orders-1' }]);
  const archives = new Set(['orders-1']);
  t.same(audit({ ...well, databases: [], ports: [], archives }).findings, [], 'an archive is kept');
  const lone = audit({ ...well, volumes: [], inventories: new Map() });
  t.match(lone.findings, [{ subject: 'databases/orders', what: /has no record/ }]);
  t.same(audit({ ...well, volumes: [], inventories: new Map(), workflows: [workflow()] }).findings, []);
});

t.test('an alias that names a host without a copy is told', async (t) => {
  const databases = [{ ...database, aliasHost: 'c1' }];
  t.match(audit({ ...well, databases }).findings, [{ kind: AuditKind.AUDIT_KIND_ALIAS, what: /names c1/ }]);
});

t.test('ports belong to databases', async (t) => {
  const ports = [...well.ports, { port: 5433, database: 'bills' }];
  t.match(audit({ ...well, ports }).findings, [
    { subject: 'ports/5433', mending: { kind: 'free-port', port: 5433, database: 'bills' } },
  ]);
  t.match(audit({ ...well, ports: [] }).findings, [{ subject: 'databases/orders port', what: /by nobody/ }]);
  const taken = [{ port: 5432, database: 'bills' }];
  t.match(
    audit({ ...well, ports: taken }).findings.map(({ subject }) => subject),
    ['databases/orders port', 'ports/5432'],
  );
});

t.test('a hold of a workflow that is not there, or has ended, is stale', async (t) => {
  const databases = [{ ...database, busyWith: 'reseed-orders-1' }];
  const mending = { kind: 'release-database', database: 'orders', workflow: 'reseed-orders-1' };
  t.match(audit({ ...well, databases }).findings, [{ what: /which is not there/, mending }]);
  const done = [workflow({ standing: 'done' })];
  t.match(audit({ ...well, databases, workflows: done }).findings, [{ what: /which has ended/, mending }]);
  t.same(audit({ ...well, databases, workflows: [workflow()] }).findings, []);
});

t.test('what was left half done keeps its hold, and a person is told', async (t) => {
  const databases = [
    { ...database, busyWith: 'reseed-orders-1', lifecycle: 'failed', failure: 'the delete stopped' } as const,
  ];
  const [finding, ...others] = audit({
    ...well,
    databases,
    workflows: [workflow({ standing: 'undone' })],
  }).findings;
  t.match(finding, { kind: AuditKind.AUDIT_KIND_WORKFLOW, what: /the delete stopped/ });
  t.equal(finding?.mending, undefined);
  t.same(others, []);
});

t.test('hosts are held as databases are', async (t) => {
  const hostAdmins = [{ ...hostAdmin('a1'), busyWith: 'drain-a1-1' }];
  const mending = { kind: 'release-host', host: 'a1', workflow: 'drain-a1-1' };
  t.match(audit({ ...well, hostAdmins }).findings, [{ subject: 'hosts/a1 hold', mending }]);
  const draining = [workflow({ id: 'drain-a1-1', target: 'hosts/a1', words: new Set() })];
  t.same(audit({ ...well, hostAdmins, workflows: draining }).findings, []);
});

t.test('a stuck workflow is told with what to do', async (t) => {
  const stuck = workflow({ standing: 'stuck', reason: 'the disk hangs', nextStep: 'retry' });
  t.match(audit({ ...well, workflows: [stuck] }).findings, [
    { kind: AuditKind.AUDIT_KIND_WORKFLOW, subject: 'operations/reseed-orders-1', nextStep: 'retry' },
  ]);
});
