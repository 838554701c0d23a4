/** Reads what the view of a volume needs, and builds it. */
import type { Volume } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { type DatabaseRecord, type EventRecord, keys, type VolumeRecord } from '../model/records.ts';
import { viewVolume } from '../model/volume-view.ts';
import { decide } from '../monitor/decide.ts';
import type { Observations } from '../monitor/observations.ts';
import type { Knowledge } from '../monitor/successor.ts';
import type { Timeline } from '../monitor/timeline.ts';
import type { Repository } from '../repository.ts';

export interface VolumeViewOptions {
  readonly repository: Repository;
  readonly observations: Observations;
  readonly timeline: Timeline;
  readonly nowMs: () => number;
  readonly wallClock: () => number;
}

/** With their revisions or without: what is not written yet is shown too. */
interface ShownVolume {
  readonly volume: { readonly value: VolumeRecord };
  readonly database: { readonly value: DatabaseRecord } | undefined;
}

export async function showVolume(
  options: VolumeViewOptions,
  { volume, database }: ShownVolume,
): Promise<Volume> {
  const { repository, wallClock } = options;
  const record = volume.value;
  const [hostRecords, events] = await Promise.all([
    repository.hosts(),
    repository.store.list<EventRecord>(keys.events(record.database)),
  ]);
  const { hosts, ...known } = knowledgeOf(options, record);
  return viewVolume({
    ...known,
    observed: hosts,
    hostRecords,
    events: events.map(({ value }) => value),
    waitsFor: database === undefined ? '' : waitsFor(options, record, database.value),
    busyWith: database?.value.busyWith ?? '',
    time: new Date(wallClock()),
  });
}

/** In control's own words: why the monitor does nothing, where something is to be done. */
function waitsFor(options: VolumeViewOptions, record: VolumeRecord, database: DatabaseRecord): string {
  // A workflow that is under way is told of by its own name: what would control do without it?
  if (database.lifecycle === 'creating' || database.lifecycle === 'deleting') return '';
  const isUnconfirmed = options.timeline.isUnconfirmed(record.volume);
  const free = { ...database, busyWith: '' };
  const decision = decide({ ...knowledgeOf(options, record), database: free, isUnconfirmed });
  return decision.kind === 'none' && decision.isWell !== true ? decision.why : '';
}

export function knowledgeOf({ observations, nowMs }: VolumeViewOptions, record: VolumeRecord): Knowledge {
  const { silenceMs, controlUpSinceMs, hosts } = observations;
  return { record, hosts, silenceMs, controlUpSinceMs, nowMs: nowMs() };
}
