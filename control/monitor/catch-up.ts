/**
 * A control store that comes back older than what it had said: an old backup was restored, or its disk lost the end.
 * Pure.
 *
 * Two signs of it are used. A replica that holds a newer view on stable storage than the record: the store committed
 * that view once, since nobody else makes views, so the record takes it over before anything is decided. And a host
 * that was told a position of the store which this store never went through: then any record may be old, also one
 * whose newest replica has not been heard. So nothing is decided about a volume until those that could know better
 * have reported.
 *
 * A position is a run of the store (it is opened once in each) and a revision. The store keeps a list of its runs, each
 * with the revision that it began at: commits of the restored store, which raise its revision past the lost ones, do
 * not hide that the host knows a part of a run that is not in the list.
 *
 * Not found out: a store that came back older while nobody who was told of anything newer is heard. The same holds
 * for its newer record: see docs/replication.md.
 */
import { copyRuns, type Observed, type ObservedReplica } from '../model/observation.ts';
import type { StoreRun, VolumeRecord } from '../model/records.ts';

export interface StorePosition {
  /** Empty: nothing was told yet. */
  readonly run: string;
  readonly revision: number;
}

/** Whether this store went through the position. `revision`: where it stands now. */
export function isOwnPast(runs: readonly StoreRun[], revision: number, position: StorePosition): boolean {
  if (position.run === '') return true;
  const index = runs.findIndex((run) => run.id === position.run);
  if (index < 0) return false;
  const end = runs[index + 1]?.from ?? revision;
  return position.revision <= end;
}

export type Newest =
  | { readonly kind: 'current' }
  /** `next`: the record as it has to become. */
  | { readonly kind: 'newer'; readonly host: string; readonly next: VolumeRecord }
  /** What is reported cannot all have been decided by one store. */
  | { readonly kind: 'unclear'; readonly why: string };

type View = Pick<VolumeRecord, 'generation' | 'primary' | 'inSync'>;

interface Claim {
  readonly by: string;
  readonly view: View;
}

/** What the replicas of the volume have on stable storage, against the record. Hosts that are no replica do not count. */
export function newestView(record: VolumeRecord, hosts: Observed): Newest {
  const reports: Claim[] = [];
  for (const host of record.replicas) {
    const replica = hosts.get(host)?.replicas.get(record.volume);
    // Without a set it has no view yet.
    if (replica !== undefined && replica.inSync.length > 0) reports.push({ by: host, view: replica });
  }
  const unreadable = record.replicas.find((host) => holdsUnreadable(record, hosts, host));
  if (unreadable !== undefined)
    return unclear(`${unreadable} holds a newer generation in a replica that it cannot open`);
  // An older view may name hosts whose copies were dropped since.
  const strange = reports.find(({ view }) => view.generation >= record.generation && !isOf(record, view));
  if (strange !== undefined)
    return unclear(
      `${strange.by} holds generation ${String(strange.view.generation)}, with hosts that are no replicas of the volume`,
    );
  const generation = Math.max(record.generation, ...reports.map(({ view }) => view.generation));
  const newest = reports.filter(({ view }) => view.generation === generation);
  const isNewer = generation > record.generation;
  const claim = isNewer ? newest[0] : { by: 'the record', view: record };
  if (claim === undefined) return { kind: 'current' };
  const other = newest.find(({ view }) => !isSameView(view, claim.view));
  if (other !== undefined)
    return unclear(
      `there are two decisions of generation ${String(generation)}: ${described(claim)}, and ${described(other)}`,
    );
  if (!isNewer) return { kind: 'current' };
  const { primary, inSync } = claim.view;
  return { kind: 'newer', host: claim.by, next: { ...record, generation, primary, inSync } };
}

/**
 * Why nothing may be decided about the volume, and no proposal granted; undefined when its record is as new as
 * anything. `isUnconfirmed`: some host knows the store to have been further.
 */
export function whyBehind(record: VolumeRecord, hosts: Observed, isUnconfirmed: boolean): string | undefined {
  const newest = newestView(record, hosts);
  if (newest.kind === 'newer')
    return `${newest.host} holds generation ${String(newest.next.generation)}, newer than the record's ${String(record.generation)}`;
  if (newest.kind === 'unclear') return newest.why;
  if (!isUnconfirmed || isConfirmed(record, hosts)) return undefined;
  const unheard = record.replicas.filter((host) => !hosts.has(host));
  return `the control store is older than what hosts were told; ${unheard.join(', ')} may know a newer decision and has not been heard yet`;
}

/**
 * Just started, so that a host which knows better may not have spoken yet: the store may be older, and those that were
 * heard be none the wiser.
 */
export function whyTooEarly(
  record: VolumeRecord,
  hosts: Observed,
  { silenceMs, listenedMs }: { readonly silenceMs: number; readonly listenedMs: number },
): string | undefined {
  if (listenedMs >= silenceMs) return undefined;
  const unheard = record.replicas.find((host) => !hosts.has(host));
  return unheard === undefined ? undefined : `control has not listened for long enough to hear ${unheard}`;
}

/**
 * Whether the record cannot be older than what some host holds. All of its replicas have reported; or its primary
 * serves, and every member of its set reports the same generation: a newer decision that anybody acted upon would
 * have been acted upon by one of them. Not where the primary copies to another: it may have asked for that one to be
 * taken in, and not know yet that the store said yes and then chose that one in its place.
 */
export function isConfirmed(record: VolumeRecord, hosts: Observed): boolean {
  if (newestView(record, hosts).kind !== 'current') return false;
  if (record.replicas.every((host) => hosts.has(host))) return true;
  const of = (host: string): ObservedReplica | undefined => hosts.get(host)?.replicas.get(record.volume);
  const primary = of(record.primary);
  return (
    (primary?.state === 'SOLO' || primary?.state === 'SERVING') &&
    !copyRuns(primary.copy) &&
    record.inSync.every((host) => of(host)?.generation === record.generation)
  );
}

/** It says which generation that is, and not what was decided in it. */
function holdsUnreadable(record: VolumeRecord, hosts: Observed, host: string): boolean {
  const replica = hosts.get(host)?.replicas.get(record.volume);
  return replica?.state === 'UNREADABLE' && replica.generation > record.generation;
}

function isOf({ replicas }: VolumeRecord, { generation, primary, inSync }: View): boolean {
  const areReplicas = replicas.includes(primary) && inSync.every((host) => replicas.includes(host));
  return areReplicas && Number.isSafeInteger(generation);
}

function isSameView(a: View, b: View): boolean {
  return (
    a.primary === b.primary &&
    a.inSync.length === b.inSync.length &&
    a.inSync.every((host) => b.inSync.includes(host))
  );
}

const described = ({ by, view: { primary, inSync } }: Claim): string =>
  `${by} has ${primary} as its primary and ${inSync.join(', ')} in sync`;

const unclear = (why: string): Newest => ({
  kind: 'unclear',
  why: `${why}; a person has to choose the copy that is to go on: lockstep volume force`,
});
