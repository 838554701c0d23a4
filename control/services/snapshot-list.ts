/** GetSnapshot and pages of ListSnapshots: each host is asked for what it keeps. */
import type {
  GetSnapshotRequest,
  ListSnapshotsRequest,
  ListSnapshotsResponse,
  Snapshot,
} from '../../proto/gen/lockstep/v1/snapshot_service.ts';
import type { Snapshot as HostSnapshot } from '../../proto/gen/lockstep/agent/v1/snapshot.ts';
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { Agents } from '../agents.ts';
import { finalSnapshotHosts } from '../model/final-snapshot.ts';
import { keys, type VolumeRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { Entry } from '../store/store.ts';
import { lastOf, pageSizeOf, pageToken } from './fields.ts';
import { keptBy, type Kept, locate } from './snapshot-hosts.ts';
import { findVolume, foundOf, type FoundVolume } from './volume-lookup.ts';

interface ListOptions {
  readonly repository: Repository;
  readonly agents: Agents;
}

/** Read at once while a page is filled. */
const VOLUMES_AT_ONCE = 50;
/** Volumes without snapshots fill no page: a request ends all the same, and its token goes on. */
const MAX_VOLUMES_ASKED = 500;
const LIST = 'snapshots/';

export function viewOf(
  { volume, database, archive }: FoundVolume,
  host: string,
  snapshot: HostSnapshot,
): Snapshot {
  const { name, sizeBytes, createTimeMs, quiesced, parent, volumes, ownBytes, sharedBytes } = snapshot;
  const [parentVolume, parentSnapshot] = parent.split('@');
  const of = database?.value ?? archive?.value;
  return {
    name: `volumes/${volume.value.volume}/snapshots/${name}`,
    host: `hosts/${host}`,
    sizeBytes,
    createTime: new Date(Number(createTimeMs)),
    quiesced,
    parent: parentSnapshot === undefined ? '' : `volumes/${parentVolume ?? ''}/snapshots/${parentSnapshot}`,
    volumes: volumes.map((standing) => `volumes/${standing}`),
    ownBytes,
    sharedBytes,
    engine: of?.engine ?? '',
    engineVersion: of?.engineVersion ?? '',
    final:
      (database?.value.finalSnapshot ?? archive?.value.snapshot) === name &&
      finalSnapshotHosts(volume.value, name).includes(host),
  };
}

export async function getSnapshot(options: ListOptions, request: GetSnapshotRequest): Promise<Snapshot> {
  const { found, snapshot, host } = await locate(options, request);
  const { snapshots } = await keptBy(options, found, host);
  const kept = snapshots.find(({ name }) => name === snapshot);
  if (kept !== undefined) return viewOf(found, host, kept);
  throw new LockstepError('NOT_FOUND', `snapshot ${snapshot} was deleted meanwhile`, {
    reason: 'SNAPSHOT_NOT_FOUND',
    metadata: { subject: request.name },
  });
}

/** Where a page ended; without a host: the whole volume was shown. Times are of hosts' clocks: they only find the place of one that was deleted since. */
interface Cursor {
  readonly volume: string;
  readonly host: string;
  readonly name: string;
  readonly timeMs: number;
}

interface Row {
  readonly cursor: Cursor;
  readonly snapshot: Snapshot;
}

export async function listSnapshots(
  options: ListOptions,
  { parent, pageSize: asked, pageToken: token }: ListSnapshotsRequest,
): Promise<ListSnapshotsResponse> {
  const pageSize = pageSizeOf(asked);
  const list = LIST + parent;
  const cursor = cursorOf(lastOf(list, token));
  if (parent === '') return listAll(options, { list, pageSize, cursor });
  const found = await findVolume(options.repository, parent, 'parent');
  const kept = await askAll(options, found, new Set());
  const rows = after(rowsOf(found, kept), cursor);
  const reverting = kept.flatMap((one) => one.revertingTo || [])[0];
  const volume = `volumes/${found.volume.value.volume}`;
  return {
    ...pageOf(list, rows, pageSize),
    unreachable: unreachableOf(kept),
    volume,
    revertingTo: reverting === undefined ? '' : `${volume}/snapshots/${reverting}`,
  };
}

/** By volume, and then as of one. A host that could not be asked is asked once in a request. */
async function listAll(
  options: ListOptions,
  page: { readonly list: string; readonly pageSize: number; readonly cursor: Cursor | undefined },
): Promise<ListSnapshotsResponse> {
  const { list, pageSize, cursor } = page;
  const rows: Row[] = [];
  const unreachable = new Set<string>();
  let asked = 0;
  let stoppedAt: Cursor | undefined;
  for await (const entry of volumesFrom(options.repository, cursor)) {
    const found = await foundOf(options.repository, entry);
    rows.push(...after(rowsOf(found, await askAll(options, found, unreachable)), cursor));
    if (rows.length > pageSize) break;
    if (++asked < MAX_VOLUMES_ASKED) continue;
    stoppedAt = { volume: entry.value.volume, host: '', name: '', timeMs: 0 };
    break;
  }
  const shown = pageOf(list, rows, pageSize);
  const nextPageToken = stoppedAt === undefined ? shown.nextPageToken : pageToken(list, textOf(stoppedAt));
  return {
    snapshots: shown.snapshots,
    nextPageToken,
    unreachable: [...unreachable].sort().map(hostName),
    volume: '',
    revertingTo: '',
  };
}

/** In the order of their names. The one that the last page ended in comes again, unless all of it was shown. */
async function* volumesFrom(
  repository: Repository,
  cursor: Cursor | undefined,
): AsyncGenerator<Entry<VolumeRecord>> {
  const again =
    cursor === undefined || cursor.host === '' ? undefined : await repository.volume(cursor.volume);
  if (again !== undefined) yield again;
  let last = cursor === undefined ? undefined : keys.volume(cursor.volume);
  for (;;) {
    const entries = await repository.store.list<VolumeRecord>(keys.volumes, {
      limit: VOLUMES_AT_ONCE,
      ...(last === undefined ? {} : { after: last }),
    });
    yield* entries;
    last = entries.at(-1)?.key;
    if (last === undefined || entries.length < VOLUMES_AT_ONCE) return;
  }
}

async function askAll(
  options: ListOptions,
  found: FoundVolume,
  unreachable: Set<string>,
): Promise<readonly Kept[]> {
  const { replicas } = found.volume.value;
  const hosts = [...replicas].sort();
  const none = { snapshots: [], revertingTo: '', isReachable: false };
  const kept = await Promise.all(
    hosts.map(async (host) =>
      unreachable.has(host) ? { host, ...none } : await keptBy(options, found, host),
    ),
  );
  for (const { host, isReachable } of kept) if (!isReachable) unreachable.add(host);
  return kept;
}

function rowsOf(found: FoundVolume, kept: readonly Kept[]): readonly Row[] {
  const { volume } = found.volume.value;
  return kept.flatMap(({ host, snapshots }) =>
    snapshots.map((one) => ({
      cursor: { volume, host, name: one.name, timeMs: Number(one.createTimeMs) },
      snapshot: viewOf(found, host, one),
    })),
  );
}

/** What follows the cursor; where its snapshot was deleted since, what was taken later on its host. */
function after(rows: readonly Row[], cursor: Cursor | undefined): readonly Row[] {
  if (cursor === undefined || rows[0]?.cursor.volume !== cursor.volume) return rows;
  const index = rows.findIndex((row) => row.cursor.host === cursor.host && row.cursor.name === cursor.name);
  if (index >= 0) return rows.slice(index + 1);
  return rows.filter(
    (row) =>
      row.cursor.host > cursor.host || (row.cursor.host === cursor.host && row.cursor.timeMs > cursor.timeMs),
  );
}

function pageOf(
  list: string,
  rows: readonly Row[],
  pageSize: number,
): Pick<ListSnapshotsResponse, 'snapshots' | 'nextPageToken'> {
  const page = rows.slice(0, pageSize);
  const end = page.at(-1);
  return {
    snapshots: page.map(({ snapshot }) => snapshot),
    nextPageToken:
      end === undefined || rows.length === page.length ? '' : pageToken(list, textOf(end.cursor)),
  };
}

const textOf = ({ volume, host, name, timeMs }: Cursor): string =>
  [volume, host, String(timeMs), name].join(' ');

function cursorOf(text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined;
  const [volume = '', host = '', timeMs = '', name = ''] = text.split(' ');
  return { volume, host, name, timeMs: Number(timeMs) };
}

const hostName = (host: string): string => `hosts/${host}`;
const unreachableOf = (kept: readonly Kept[]): string[] =>
  kept.filter(({ isReachable }) => !isReachable).map(({ host }) => hostName(host));
