import t from 'tap';
import { renderSnapshots, snapshotsJson } from '../../../client/cli/render-snapshots.ts';
import { plain } from '../../../client/cli/text.ts';
import type { ListSnapshotsResponse, Snapshot } from '../../../proto/gen/lockstep/v1/snapshot_service.ts';

const now = new Date('2026-03-02T12:00:00Z');
const name = (snapshot: string, volume = 'orders-1'): string => `volumes/${volume}/snapshots/${snapshot}`;

function snapshot(id: string, change: Partial<Snapshot> = {}): Snapshot {
  return {
    name: name(id),
    host: 'hosts/host-a',
    sizeBytes: 1n << 30n,
    createTime: new Date('2026-03-02T11:00:00Z'),
    quiesced: false,
    parent: '',
    volumes: [],
    ownBytes: 65_536n,
    sharedBytes: 0n,
    engine: 'none',
    engineVersion: '',
    final: false,
    ...change,
  };
}

function answer(change: Partial<ListSnapshotsResponse>): ListSnapshotsResponse {
  return {
    snapshots: [],
    unreachable: [],
    volume: 'volumes/orders-1',
    revertingTo: '',
    nextPageToken: '',
    ...change,
  };
}

const render = (change: Partial<ListSnapshotsResponse>): string =>
  renderSnapshots(answer(change), { paint: plain, now });

t.test('a chain is one column, and what branches off is below what it stands on', (t) => {
  const shown = render({
    snapshots: [
      snapshot('monday', { volumes: ['volumes/rehearsal-1'] }),
      snapshot('tuesday', { parent: name('monday'), sharedBytes: 65_536n, quiesced: true }),
      snapshot('left', { parent: name('tuesday') }),
      snapshot('right', { parent: name('tuesday'), volumes: ['volumes/orders-1'] }),
    ],
  });
  t.equal(
    shown,
    [
      'SNAPSHOT  HOST    TAKEN                       AGE     OWN  SHARED  QUIESCED  STANDS ON IT',
      'monday    host-a  2026-03-02 11:00:00Z  1 h 0 min  64 KiB     0 B  no        rehearsal-1',
      'tuesday   host-a  2026-03-02 11:00:00Z  1 h 0 min  64 KiB  64 KiB  yes       -',
      '  left    host-a  2026-03-02 11:00:00Z  1 h 0 min  64 KiB     0 B  no        -',
      '  right   host-a  2026-03-02 11:00:00Z  1 h 0 min  64 KiB     0 B  no        orders-1',
      '',
    ].join('\n'),
  );
  t.end();
});

t.test('snapshots of two hosts are two trees', (t) => {
  const b = { host: 'hosts/host-b' };
  const shown = render({
    snapshots: [snapshot('one'), snapshot('one', b), snapshot('two', { ...b, parent: name('one') })],
  });
  t.strictSame(
    shown
      .split('\n')
      .slice(1, 4)
      .map((line) => line.split(/\s+/).slice(0, 2)),
    [
      ['one', 'host-a'],
      ['one', 'host-b'],
      ['two', 'host-b'],
    ],
  );
  t.end();
});

t.test('a clone says whose snapshot it stands on', (t) => {
  t.match(
    render({ snapshots: [snapshot('own', { parent: name('monday', 'other-1') })] }),
    'own (of other-1@monday)',
  );
  t.end();
});

t.test('what is not known is said: hosts that are away, and a revert that has not ended', (t) => {
  const shown = render({ unreachable: ['hosts/host-b'], revertingTo: name('monday') });
  t.match(shown, 'There is no snapshot.');
  t.match(shown, 'cannot be reached: host-b');
  t.match(shown, 'a revert to orders-1@monday has not ended');
  t.end();
});

t.test('names that came over the network cannot move the cursor', (t) => {
  t.notMatch(render({ snapshots: [snapshot('\u001b[2J')] }), '\u001b');
  t.end();
});

t.test('the JSON has every key, and null where there is nothing', (t) => {
  t.strictSame(snapshotsJson(answer({ snapshots: [snapshot('monday')] })), {
    volume: 'orders-1',
    snapshots: [
      {
        name: name('monday'),
        id: 'orders-1@monday',
        host: 'host-a',
        sizeBytes: 1_073_741_824,
        createTime: '2026-03-02T11:00:00.000Z',
        quiesced: false,
        parent: null,
        volumes: [],
        ownBytes: 65_536,
        sharedBytes: 0,
        engine: 'none',
        engineVersion: null,
        final: false,
      },
    ],
    unreachable: [],
    revertingTo: null,
  });
  t.end();
});
