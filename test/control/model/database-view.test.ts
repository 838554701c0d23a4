import t from 'tap';
import {
  type DatabaseFacts,
  safeSuccessor,
  viewDatabase,
  whyNotSafe,
} from '../../../control/model/database-view.ts';
import type { HostObservation, ObservedCopy } from '../../../control/model/observation.ts';
import type { CopyPlans } from '../../../control/monitor/replace.ts';
import { databaseStateToJSON, redundancyToJSON } from '../../../proto/gen/lockstep/v1/database_service.ts';
import {
  database,
  host,
  hostRecord,
  NOW_MS,
  orphan,
  replica,
  SILENCE_MS,
  silent,
  volume,
} from '../../support/control-records.ts';

const primary = host('a1', replica('SERVING'));
const secondary = host('b1', replica('SECONDARY'));

function facts(
  change: Partial<DatabaseFacts> = {},
  hosts: readonly HostObservation[] = [primary, secondary],
): DatabaseFacts {
  return {
    database,
    databaseRevision: 12,
    volume,
    hostRecords: new Map([hostRecord('a1'), hostRecord('b1')].map((record) => [record.host, record])),
    observed: new Map(hosts.map((one) => [one.host, one])),
    operation: undefined,
    dns: { zone: 'db.lockstep.internal', server: '127.0.0.10:53' },
    silenceMs: SILENCE_MS,
    controlUpSinceMs: 0,
    nowMs: NOW_MS,
    ...change,
  };
}

/** "ACTIVE IN_SYNC safe" */
function verdict(given: DatabaseFacts): string {
  const view = viewDatabase(given);
  const state = databaseStateToJSON(view.state).replace('DATABASE_STATE_', '');
  const redundancy = redundancyToJSON(view.redundancy).replace('REDUNDANCY_', '');
  return `${state} ${redundancy} ${view.safeToFailOver ? 'safe' : 'unsafe'}`;
}

const solo = { ...volume, inSync: ['a1'] };
const copying = (phase: string): ObservedCopy => ({
  target: 'b1',
  phase,
  doneBytes: 3,
  leftBytes: 5,
  bytesPerSecond: 2,
  error: '',
  mode: 'QUICK',
  sentBytes: 3,
  limitBytesPerSecond: 0,
});
const soloHost = (copy?: ObservedCopy): HostObservation => host('a1', replica('SOLO', { copy, lagBytes: 9 }));
const stale = host('b1', replica('STALE'));
const joining = host('b1', replica('JOINING'));
const reseedRuns = { id: 'reseed-1', type: 'reseed', doing: 'Seed b1' };

t.test('what is said of a database follows from records and hosts together', async (t) => {
  const at = (state: string, change: object): HostObservation =>
    host(state === 'SERVING' ? 'a1' : 'b1', replica(state, change));
  const cases: readonly [what: string, given: DatabaseFacts, says: string][] = [
    ['both agree', facts(), 'ACTIVE IN_SYNC safe'],
    ['the secondary is silent', facts({}, [primary, { ...secondary, ...silent }]), 'ACTIVE DEGRADED unsafe'],
    ['the secondary was never heard', facts({}, [primary]), 'ACTIVE DEGRADED unsafe'],
    ['the secondary says STALE', facts({}, [primary, stale]), 'ACTIVE DEGRADED unsafe'],
    [
      'the secondary is a generation behind',
      facts({}, [primary, at('SECONDARY', { generation: 6 })]),
      'ACTIVE DEGRADED unsafe',
    ],
    ['the secondary lost its peer', facts({}, [primary, host('b1', orphan())]), 'ACTIVE DEGRADED safe'],
    [
      'the primary lost its peer',
      facts({}, [at('SERVING', { peerConnected: false }), secondary]),
      'ACTIVE DEGRADED safe',
    ],
    [
      'the secondary was restarted',
      facts({}, [primary, at('SECONDARY', { hostRebooted: true })]),
      'ACTIVE DEGRADED unsafe',
    ],
    ['the secondary reports nothing', facts({}, [primary, host('b1', undefined)]), 'ACTIVE DEGRADED unsafe'],
    ['the record has one host only', facts({ volume: solo }), 'ACTIVE DEGRADED unsafe'],
    ['the primary is silent', facts({}, [{ ...primary, ...silent }, secondary]), 'UNAVAILABLE DEGRADED safe'],
    [
      'the primary is behind the record',
      facts({}, [at('SERVING', { generation: 5 }), secondary]),
      'UNAVAILABLE DEGRADED safe',
    ],
    [
      'the primary was granted a generation since its last heartbeat',
      facts({}, [at('SERVING', { generation: 6 }), secondary]),
      'ACTIVE DEGRADED safe',
    ],
    [
      'the primary holds its I/O',
      facts({}, [host('a1', replica('HOLDING')), secondary]),
      'UNAVAILABLE DEGRADED safe',
    ],
    ['the engine is down', facts({}, [{ ...primary, engines: [] }, secondary]), 'UNAVAILABLE IN_SYNC safe'],
    [
      'the alias names another',
      facts({ database: { ...database, aliasHost: 'b1' } }),
      'UNAVAILABLE IN_SYNC safe',
    ],
    ['nobody was heard', facts({}, []), 'UNAVAILABLE DEGRADED unsafe'],
    ['solo, the other away', facts({ volume: solo }, [soloHost()]), 'ACTIVE DEGRADED unsafe'],
    ['solo, the other stale', facts({ volume: solo }, [soloHost(), stale]), 'ACTIVE DEGRADED unsafe'],
    [
      'solo, a copy runs',
      facts({ volume: solo }, [soloHost(copying('SEEDING')), joining]),
      'ACTIVE RESYNCING unsafe',
    ],
    [
      'solo, a copy asks',
      facts({ volume: solo }, [soloHost(copying('ASKING')), joining]),
      'ACTIVE RESYNCING unsafe',
    ],
    [
      'solo, a copy failed',
      facts({ volume: solo }, [soloHost(copying('FAILED')), joining]),
      'ACTIVE DEGRADED unsafe',
    ],
    [
      'solo, a reseed starts',
      facts({ volume: solo, operation: reseedRuns }, [soloHost(), stale]),
      'ACTIVE RESYNCING unsafe',
    ],
    [
      'creating',
      facts({ volume: undefined, database: { ...database, lifecycle: 'creating' } }),
      'CREATING SEEDING unsafe',
    ],
    [
      'failing over',
      facts({ database: { ...database, lifecycle: 'failing-over' } }, [
        { ...primary, ...silent },
        host('b1', orphan()),
      ]),
      'FAILING_OVER DEGRADED safe',
    ],
    [
      'failed',
      facts({ database: { ...database, lifecycle: 'failed' } }, [primary, stale]),
      'FAILED DEGRADED unsafe',
    ],
    [
      'stopped',
      facts({ database: { ...database, lifecycle: 'stopped', aliasHost: '' } }),
      'STOPPED IN_SYNC unsafe',
    ],
    [
      'stopped, the primary silent',
      facts({ database: { ...database, lifecycle: 'stopped', aliasHost: '' } }, [
        { ...primary, ...silent },
        secondary,
      ]),
      'STOPPED DEGRADED unsafe',
    ],
    [
      'deleting',
      facts({ database: { ...database, lifecycle: 'deleting' } }, [soloHost(copying('SEEDING'))]),
      'DELETING DEGRADED unsafe',
    ],
  ];
  for (const [what, given, says] of cases) t.equal(verdict(given), says, what);
});

t.test('whatever is not as it should be comes with a reason and the next thing to do', async (t) => {
  const view = viewDatabase(facts({}, [primary, { ...secondary, ...silent }]));
  t.match(view.reason, /b1 has been silent for 2.0 s/);
  t.match(view.nextStep, /bring b1 back/);
  t.equal(viewDatabase(facts()).nextStep, '');
});

t.test('lag is the primary word for it, and nothing in sync', async (t) => {
  const lagging = viewDatabase(facts({ volume: solo }, [soloHost(copying('SEEDING')), joining]));
  t.same([lagging.lagBytes, lagging.copyLeftBytes, lagging.copyBytesPerSecond], [9n, 5n, 2n]);
  t.equal(viewDatabase(facts()).lagBytes, 0n);
});

t.test('the endpoint answers the primary first, and no address while the alias names nobody', async (t) => {
  const { endpoint } = viewDatabase(facts());
  t.match(endpoint, {
    alias: 'orders.db.lockstep.internal',
    address: '127.0.0.11',
    multiHost: '127.0.0.11:5432,127.0.0.12:5432',
    dnsServer: '127.0.0.10:53',
  });
  const moved = viewDatabase(facts({ volume: { ...volume, primary: 'b1' } }));
  t.equal(moved.endpoint?.address, '');
  t.equal(moved.endpoint?.multiHost, '127.0.0.12:5432,127.0.0.11:5432');
});

t.test('a silent host is shown as unreachable whatever it said last', async (t) => {
  const view = viewDatabase(facts({}, [primary, { ...secondary, ...silent }]));
  t.match(view.secondary, { host: 'b1', zone: 'b', role: 'UNREACHABLE', reachable: false });
});

t.test('of three, one that can follow is enough to be safe, and it is the one that follows', async (t) => {
  const three = { ...volume, inSync: ['a1', 'b1', 'c1'], replicas: ['a1', 'b1', 'c1'] };
  const of = (b: string, c: string) =>
    facts({ volume: three }, [primary, host('b1', replica(b)), host('c1', replica(c))]);
  t.equal(whyNotSafe(of('STALE', 'SECONDARY')), undefined);
  t.equal(safeSuccessor(of('STALE', 'SECONDARY')), 'c1');
  t.equal(safeSuccessor(of('SECONDARY', 'SECONDARY')), 'b1');
  t.match(whyNotSafe(of('STALE', 'JOINING')), /b1 is STALE.*; c1 is JOINING/);
});

t.test('what was made with one copy, as a clone is, waits for no second one', async (t) => {
  const one = { volume: { ...solo, replicas: ['a1'] }, database: { ...database, copies: 1 } };
  const lone = facts(one, [host('a1', replica('SOLO', { inSync: ['a1'] }))]);
  t.equal(verdict(lone), 'ACTIVE NONE unsafe');
  t.match(viewDatabase(lone), { reason: 'one copy was asked for; it is on a1', nextStep: '' });
  const fallen = facts({ volume: solo }, [host('a1', replica('SOLO', { inSync: ['a1'] })), secondary]);
  t.equal(verdict(fallen), 'ACTIVE DEGRADED unsafe');
});

const room = (name: string, roomBytes = 2 ** 40) => ({
  host: name,
  zone: name.slice(0, 1),
  reachable: true,
  cordoned: false,
  roomBytes,
});
const plans = (change: Partial<CopyPlans> = {}): CopyPlans => ({
  rooms: [room('a1'), room('b1'), room('c1')],
  droppedFrom: [],
  replaceAfterMs: 900_000,
  ...change,
});
const alone = host('a1', replica('SOLO', { inSync: ['a1'] }));
const operation = (type: string): DatabaseFacts['operation'] => ({ id: 'x', type, doing: '' });

t.test('a database that was to have two copies and has one is never called whole', async (t) => {
  const one = { ...solo, replicas: ['a1'] };
  const of = (change: Partial<DatabaseFacts>) => facts({ volume: one, ...change }, [alone]);
  t.equal(verdict(of({})), 'ACTIVE DEGRADED unsafe');
  t.match(viewDatabase(of({ plans: plans() })), { nextStep: 'nothing; a second copy follows' });
  t.match(viewDatabase(of({ plans: plans({ rooms: [room('a1')] }) })), {
    nextStep: /^make room for a second copy: 1024 MiB are needed/,
  });
  t.equal(verdict(of({ operation: operation('convert-redundancy') })), 'ACTIVE SEEDING unsafe');
});

t.test('a lost copy is awaited, and it is said who gets it and when, or why nobody', async (t) => {
  const lost = { ...secondary, ...silent };
  const of = (its: CopyPlans) => viewDatabase(facts({ volume: solo, plans: its }, [alone, lost]));
  t.match(of(plans()), { redundancy: 5, nextStep: /^bring b1 back; .*; else c1 gets its copy in 898 s$/ });
  t.match(of(plans({ droppedFrom: ['c1'] })), {
    nextStep: /no other host can take its copy: .*c1, has or had/,
  });
});

t.test('of three replicas the view is as of the one that can be relied on', async (t) => {
  const third = { ...volume, replicas: ['a1', 'b1', 'c1'] };
  const joining = host('c1', replica('JOINING', { inSync: [] }));
  const moving = { volume: third, operation: operation('replace-replica') };
  const drained = facts(moving, [primary, secondary, joining]);
  t.equal(verdict(drained), 'ACTIVE IN_SYNC safe');
  t.match(viewDatabase(drained), { secondary: { host: 'b1' }, reason: /a copy moves \(b1, c1\)/ });
  const made = facts({ ...moving, volume: { ...third, inSync: ['a1'] } }, [alone, joining]);
  t.equal(verdict(made), 'ACTIVE RESYNCING unsafe');
  const all = { ...third, inSync: ['a1', 'b1', 'c1'] };
  const both = [primary, { ...secondary, ...silent }, host('c1', replica('SECONDARY'))];
  t.equal(verdict(facts({ volume: all }, both)), 'ACTIVE IN_SYNC safe');
  t.equal(verdict(facts({ volume: all }, [primary])), 'ACTIVE DEGRADED unsafe');
});
