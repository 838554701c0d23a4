import t from 'tap';
import { renderOldCopy, renderVolume } from '../../../client/cli/render-volume.ts';
import { plain } from '../../../client/cli/text.ts';
import { volumeJson } from '../../../client/cli/volume-json.ts';
import { judgeVolume } from '../../../client/cli/volume-verdict.ts';
import {
  type Scrub,
  type Volume,
  type VolumeReplica,
  VolumeReplicaRole,
} from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { volumeInResync, volumeInSync, volumeReplica } from '../fixtures.ts';

const view = { server: '127.0.0.10:7400', paint: plain };
const textOf = (volume: Volume): string => renderVolume(volume, view);
const onOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

const OUT = { role: VolumeReplicaRole.VOLUME_REPLICA_ROLE_OUT_OF_SYNC, generation: 8n, consistentAt: 8n };

function alone(a: Partial<VolumeReplica>, b: Partial<VolumeReplica>, change: Partial<Volume> = {}): Volume {
  const replicas = [
    volumeReplica('host-a', { state: 'SOLO', leaseLeftMs: undefined, ...a }),
    volumeReplica('host-b', { ...OUT, state: 'STALE', mayLackBytes: 100n << 20n, ...b }),
  ];
  return volumeInSync({ inSync: ['hosts/host-a'], replicas, ...change });
}

t.test('two replicas in sync are a verdict and two lines', async (t) => {
  t.equal(
    textOf(volumeInSync()),
    [
      'IN SYNC: 2 replicas hold every acknowledged write.',
      'orders-b3c1d2e3 of database orders, 10 GiB, generation 9',
      'control 127.0.0.10:7400, 2026-01-02 03:04:06Z',
      '',
      'HOST    ZONE  ROLE       STATE      GEN  LEASE LEFT  MAY LACK    REPORTED',
      'host-a  a     primary    SERVING      9       1.8 s         -  120 ms ago',
      'host-b  b     secondary  SECONDARY    9           -   nothing  120 ms ago',
      '',
      'HOST     USED  DISK LEFT       OF',
      'host-a  3 GiB     40 GiB  100 GiB',
      'host-b  3 GiB     40 GiB  100 GiB',
      '',
      'NBD  nbd://10.0.1.10:10809/orders-b3c1d2e3',
      '',
    ].join('\n'),
  );
});

t.test('a resync is shown with its mode, what is left, its rate, its limit and its time', async (t) => {
  const text = textOf(volumeInResync());
  t.match(text, /^RESYNCING: served from 1 copy, host-b is being brought up to date\./);
  t.match(text, /RESYNC to host-b, QUICK: only what either side changed is sent/);
  t.match(text, /3 % {2}3\.5 MiB of 100 MiB/);
  t.match(text, /24 MiB\/s, held to 40 MiB\/s for the clients, 4\.0 s left; 3\.5 MiB were sent/);
  t.match(text, /host-b +a copy of what it lacks is on its way/);
  const resting = textOf(volumeInResync({ bytesPerSecond: 0n, limitBytesPerSecond: 0n, leftMs: undefined }));
  t.match(resting, /its rate is not known yet; /);
  t.match(onOneLine(textOf(volumeInResync({ phase: 'ASKING' }))), /waits for the consent of control/);
  t.notMatch(textOf(volumeInResync({ phase: 'DONE' })), /RESYNC/, 'one that ended is not shown as one');
});

t.test('a disk that fills up is told of by its host', (t) => {
  const full = volumeReplica('host-b', { spaceWarning: 'the disk is 91 % full' });
  t.match(
    textOf(volumeInSync({ replicas: [volumeReplica('host-a'), full] })),
    /host-b +the disk is 91 % full/,
  );
  t.end();
});

t.test('in sync is never said of less', async (t) => {
  const cases: readonly (readonly [string, Volume, string, RegExp])[] = [
    [
      'silent',
      volumeInSync({ replicas: [volumeReplica('host-a'), volumeReplica('host-b', { reachable: false })] }),
      'warning',
      /host-b is silent/,
    ],
    [
      'of an older generation',
      volumeInSync({ replicas: [volumeReplica('host-a'), volumeReplica('host-b', { generation: 8n })] }),
      'warning',
      /DEGRADED/,
    ],
    [
      'no secondary by its own word',
      volumeInSync({ replicas: [volumeReplica('host-a'), volumeReplica('host-b', { state: 'STALE' })] }),
      'warning',
      /host-b is STALE/,
    ],
    ['out of the set', alone({}, {}), 'warning', /served from 1 copy; host-b is STALE/],
    ['without a replica', alone({}, { state: '' }), 'warning', /host-b has no replica/],
    [
      'primary silent',
      alone({ reachable: false }, {}),
      'danger',
      /NOT SERVED: the host of its primary, host-a, is silent/,
    ],
    ['primary holding', alone({ state: 'HOLDING' }, {}), 'warning', /WAITING.*host-a, holds writes/],
    ['primary promoting', alone({ state: 'PROMOTING' }, {}), 'danger', /host-a, is PROMOTING/],
    ['no primary', volumeInSync({ replicas: [] }), 'busy', /no primary/],
  ];
  for (const [what, volume, level, headline] of cases)
    t.match(judgeVolume(volume), { level, headline }, what);
});

t.test('a silent host is shown by its last word, which is said to be old', async (t) => {
  const text = textOf(
    alone(
      { reachable: false, reportAgeMs: 12_300, reason: 'waits' },
      {},
      { waitsFor: 'host-a has to come back' },
    ),
  );
  t.match(text, /host-a.*was SOLO.*12\.3 s ago/);
  t.match(text, /is silent; what is shown of it is its report of 12\.3 s ago/);
  t.match(text, /said last: waits/);
  t.match(text, /control +host-a has to come back/);
  t.match(onOneLine(text), /-> Bring host-a back\. .*lockstep volume force orders-b3c1d2e3 --host host-b/);
  const never = alone({ reachable: false, reportAgeMs: undefined, state: '' }, {});
  t.match(textOf(never), /never heard/);
});

t.test('what nobody knows is called unknown, and what is to be looked at is said', async (t) => {
  const text = textOf(
    alone(
      { repairedRegions: 2n, heldRequests: 3 },
      { mayLackBytes: undefined, machineRestarted: true, mixed: true },
    ),
  );
  t.match(text, /host-b.*unknown/);
  t.match(text, /could not read 2 regions of its disk/);
  t.match(text, /holds 3 requests of clients/);
  t.match(text, /its machine was started anew/);
  t.match(onOneLine(text), /host-b is half of a copy; .* generation 8/);
});

t.test('every line fits 80 columns, whatever it says', async (t) => {
  const long = 'a word and another '.repeat(20);
  const volumes = [
    volumeInResync(),
    alone(
      { reason: long, repairedRegions: 7n },
      { reason: long, machineRestarted: true },
      { waitsFor: long },
    ),
    alone({ reachable: false, reportAgeMs: 3_600_000 }, {}, { waitsFor: long }),
  ];
  for (const volume of volumes)
    t.strictSame(
      textOf(volume)
        .split('\n')
        .filter((line) => line.length > 80),
      [],
    );
});

const scrub: Scrub = {
  alone: false,
  phase: 'RUNNING',
  doneBytes: 5n * 1024n ** 3n,
  totalBytes: 10n * 1024n ** 3n,
  repairedRegions: 2n,
  mismatchedRegions: 12n,
  mismatches: [{ offset: 65_536n, length: 65_536n, differ: ['hosts/host-b'], damaged: [] }],
  limitBytesPerSecond: 1024n * 1024n,
  error: '',
};

t.test('a scrub is shown with how far it is and what it found', async (t) => {
  const text = textOf(alone({ scrub }, {}));
  t.match(text, /SCRUB compares the replicas, held to 1 MiB\/s for the clients/);
  t.match(text, /\] 50 % {2}5 GiB of 10 GiB/);
  t.match(onOneLine(text), /repaired 2 regions and found 12 regions that no checksum decides about/);
  t.match(text, /65536 to 131071: host-b not as the primary has it/);
  t.match(text, /and 11 more/);
});

t.test('a volume in which a scrub found what it cannot repair is not called well', async (t) => {
  const [a, b] = [volumeReplica('host-a', { scrub }), volumeReplica('host-b')];
  t.match(judgeVolume(volumeInSync({ replicas: [a, b] })), {
    level: 'warning',
    headline: /^DAMAGED: a scrub found 12 regions/,
  });
  const { level } = judgeVolume(
    volumeInSync({ replicas: [{ ...a, scrub: { ...scrub, mismatchedRegions: 0n } }, b] }),
  );
  t.equal(level, 'good');
});

t.test('a scrub that broke off says why, and one that found nothing says so', async (t) => {
  const none = { repairedRegions: 0n, mismatchedRegions: 0n, mismatches: [] };
  const failed = textOf(
    alone({ scrub: { ...scrub, ...none, phase: 'FAILED', error: 'the link is down' } }, {}),
  );
  t.match(failed, /SCRUB broke off: the link is down; the next one goes on from there/);
  t.match(failed, /no difference so far/);
});

t.test('a scrub of a single copy speaks of that copy', async (t) => {
  const lone = { ...scrub, alone: true, repairedRegions: 0n };
  const text = textOf(alone({ scrub: lone }, {}));
  t.match(text, /SCRUB holds the copy against its checksums/);
  t.match(onOneLine(text), /found 12 regions damaged, and there is no other copy/);
  t.match(
    textOf(alone({ scrub: { ...lone, mismatchedRegions: 0n, mismatches: [] } }, {})),
    /no damage so far/,
  );
});

t.test('what comes over the network moves no cursor', async (t) => {
  t.notMatch(textOf(alone({ reason: '\u001b[2J' }, {})), '\u001b');
});

t.test('before an old copy is chosen, its age and what is lost are said', async (t) => {
  const volume = alone(
    { reachable: false, reportAgeMs: 12_300 },
    { mixed: true, consistentUntil: new Date('2026-01-02T02:10:20Z') },
  );
  const text = onOneLine(renderOldCopy(volume, 'host-b', plain));
  t.match(text, /up to generation 8 of 9, until 2026-01-02 02:10:20Z, 53 min 46 s ago/);
  t.match(
    text,
    /lost for good: at least 100 MiB had been changed by the last report of its primary, 12\.3 s ago/,
  );
  t.match(text, /what came of that is undone first/);
  const unknown = alone({ reachable: false }, { mayLackBytes: undefined });
  t.match(onOneLine(renderOldCopy(unknown, 'host-b', plain)), /nobody knows how much that is/);
});

t.test('the JSON has every key, null where there is nothing', async (t) => {
  t.match(volumeJson(volumeInResync()), {
    id: 'orders-b3c1d2e3',
    verdict: { level: 'busy' },
    waitsFor: null,
    replicas: [
      { host: 'host-a', leaseLeftMs: null, resync: { target: 'host-b', mode: 'QUICK', leftMs: 4021 } },
      {
        host: 'host-b',
        role: 'OUT_OF_SYNC',
        mayLackBytes: 101_187_584,
        consistentUntil: '2026-01-02T03:03:20.000Z',
      },
    ],
  });
  const text = JSON.stringify(volumeJson(volumeInSync()));
  t.notMatch(text, 'undefined');
  t.match(volumeJson(volumeInSync()), { replicas: [{ resync: null, consistentUntil: null }, {}] });
});
