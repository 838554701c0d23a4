/** Pages of ListVolumes: of databases, without an engine, and archives. */
import type { ListVolumesRequest, ListVolumesResponse } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { keys, type VolumeRecord } from '../model/records.ts';
import { lastOf, nextOf, pageSizeOf } from './fields.ts';
import { foundOf } from './volume-lookup.ts';
import { showVolume, type VolumeViewOptions } from './volume-views.ts';

export async function listVolumes(
  options: VolumeViewOptions,
  { pageSize: asked, pageToken }: ListVolumesRequest,
): Promise<ListVolumesResponse> {
  const { repository } = options;
  const pageSize = pageSizeOf(asked);
  const last = lastOf(keys.volumes, pageToken);
  const after = last === undefined ? {} : { after: last };
  const entries = await repository.store.list<VolumeRecord>(keys.volumes, { ...after, limit: pageSize + 1 });
  const page = entries.slice(0, pageSize);
  return {
    volumes: await Promise.all(
      page.map(async (entry) => showVolume(options, await foundOf(repository, entry))),
    ),
    nextPageToken: nextOf(keys.volumes, page, entries.length),
  };
}
