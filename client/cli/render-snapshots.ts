/** `lockstep volume snapshot list`: a tree for each host, with what each snapshot takes up. Pure. */
import type { ListSnapshotsResponse, Snapshot } from '../../proto/gen/lockstep/v1/snapshot_service.ts';
import { hostId, snapshotId, volumeId } from '../lockstep.ts';
import { integer, type Json, orNull, time } from './json.ts';
import { formatSize } from './size.ts';
import { factSheet, formatDuration, formatTime, listed, type Paint, printable, table } from './text.ts';

const COLUMNS = [
  { title: 'SNAPSHOT' },
  { title: 'HOST' },
  { title: 'TAKEN' },
  { title: 'AGE', align: 'right' },
  { title: 'OWN', align: 'right' },
  { title: 'SHARED', align: 'right' },
  { title: 'QUIESCED' },
  { title: 'STANDS ON IT' },
] as const;

export function renderSnapshots(
  answer: ListSnapshotsResponse,
  view: { readonly paint: Paint; readonly now: Date },
): string {
  const { paint } = view;
  const lines = answer.snapshots.length === 0 ? ['There is no snapshot.'] : [];
  if (answer.snapshots.length > 0)
    lines.push(
      ...table(
        COLUMNS,
        rowsOf(answer.snapshots).map(({ snapshot, depth }) => rowOf(snapshot, depth, view)),
        paint,
      ),
    );
  if (answer.unreachable.length > 0)
    lines.push(
      paint('warning', `not asked, since it cannot be reached: ${listed(answer.unreachable.map(hostId))}`),
    );
  if (answer.revertingTo !== '')
    lines.push(
      paint(
        'danger',
        `a revert to ${printable(snapshotId(answer.revertingTo))} has not ended: see lockstep operation list`,
      ),
    );
  return `${lines.join('\n')}\n`;
}

interface Row {
  readonly snapshot: Snapshot;
  readonly depth: number;
}

/** Each below what it stands on; a chain of them is one column, as it would else be a staircase. */
function rowsOf(snapshots: readonly Snapshot[]): Row[] {
  const key = ({ host, name }: Pick<Snapshot, 'host' | 'name'>): string => `${host} ${name}`;
  const here = new Set(snapshots.map(key));
  const children = new Map<string, Snapshot[]>();
  const tops: Snapshot[] = [];
  for (const snapshot of snapshots) {
    const parent = key({ host: snapshot.host, name: snapshot.parent });
    if (here.has(parent)) children.set(parent, [...(children.get(parent) ?? []), snapshot]);
    else tops.push(snapshot);
  }
  const rows: Row[] = [];
  const waiting = tops.map((snapshot) => ({ snapshot, depth: 0 })).reverse();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    rows.push(next);
    const below = children.get(key(next.snapshot)) ?? [];
    const depth = below.length > 1 ? next.depth + 1 : next.depth;
    waiting.push(...below.map((snapshot) => ({ snapshot, depth })).reverse());
  }
  return rows;
}

function rowOf(
  snapshot: Snapshot,
  depth: number,
  { paint, now }: { readonly paint: Paint; readonly now: Date },
): string[] {
  const { name, host, createTime, ownBytes, sharedBytes, quiesced, parent, volumes } = snapshot;
  const ageMs = createTime === undefined ? 0 : Math.max(0, now.getTime() - createTime.getTime());
  const isOfAnother = parent !== '' && volumeOf(parent) !== volumeOf(name);
  const from = isOfAnother ? ` (of ${printable(snapshotId(parent))})` : '';
  return [
    `${'  '.repeat(depth)}${paint('heading', printable(snapshotId(name).split('@')[1] ?? ''))}${from}`,
    printable(hostId(host)),
    formatTime(createTime),
    formatDuration(ageMs),
    formatSize(ownBytes),
    formatSize(sharedBytes),
    quiesced ? 'yes' : 'no',
    volumes.map((volume) => printable(volumeId(volume))).join(', ') || '-',
  ];
}

const volumeOf = (name: string): string => snapshotId(name).split('@')[0] ?? '';

/** `lockstep snapshot get` */
export function renderSnapshot(snapshot: Snapshot, paint: Paint): string {
  const engine = snapshot.engine === '' || snapshot.engine === 'none' ? '' : snapshot.engine;
  return factSheet(
    snapshotId(snapshot.name),
    [
      ['host', printable(hostId(snapshot.host))],
      ['taken', formatTime(snapshot.createTime)],
      ['size', formatSize(snapshot.sizeBytes)],
      ['own', formatSize(snapshot.ownBytes)],
      ['shared', formatSize(snapshot.sharedBytes)],
      ['quiesced', snapshot.quiesced ? 'yes' : 'no'],
      ['stands on', snapshot.parent === '' ? '' : printable(snapshotId(snapshot.parent))],
      ['stand on it', printable(snapshot.volumes.map(volumeId).join(', '))],
      ['of', printable(`${engine} ${snapshot.engineVersion}`.trim())],
      ['kept because', snapshot.final ? 'it is the final snapshot of a deleted database' : ''],
    ],
    paint,
  );
}

export function snapshotJson(snapshot: Snapshot): Json {
  return {
    name: snapshot.name,
    id: snapshotId(snapshot.name),
    host: hostId(snapshot.host),
    sizeBytes: integer(snapshot.sizeBytes),
    createTime: time(snapshot.createTime),
    quiesced: snapshot.quiesced,
    parent: snapshot.parent === '' ? null : snapshotId(snapshot.parent),
    volumes: snapshot.volumes.map(volumeId),
    ownBytes: integer(snapshot.ownBytes),
    sharedBytes: integer(snapshot.sharedBytes),
    engine: orNull(snapshot.engine),
    engineVersion: orNull(snapshot.engineVersion),
    final: snapshot.final,
  };
}

export function snapshotsJson({ snapshots, unreachable, volume, revertingTo }: ListSnapshotsResponse): Json {
  return {
    volume: volume === '' ? null : volumeId(volume),
    snapshots: snapshots.map(snapshotJson),
    unreachable: unreachable.map(hostId),
    revertingTo: revertingTo === '' ? null : snapshotId(revertingTo),
  };
}
