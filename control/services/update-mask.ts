/** What an UpdateDatabase asks for: the fields that its mask names, as the record is to say them. */
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import type { Database, UpdateDatabaseRequest } from '../../proto/gen/lockstep/v1/database_service.ts';
import { checkParameters } from '../model/engine-parameters.ts';
import { MAX_SIZE_BYTES, NO_ENGINE, REGION_BYTES } from '../model/engines.ts';
import type { DatabaseRecord, VolumeRecord } from '../model/records.ts';
import type { UpdateWish } from '../workflow/definitions/update-database.ts';
import { checkHasEngine } from './database-change.ts';
import { checkTags } from './tags.ts';

const MASK = 'update_mask';
const ALLOWED = 'size_bytes, parameters, parameters.{name}, deletion_protection, tags, tags.{key}';
const ENTRY = /^(parameters|tags)\.(.+)$/;

type Maps = Pick<DatabaseRecord, 'parameters' | 'tags'>;

/** Throws INVALID_ARGUMENT where a path or a value is none that there can be. */
export function wishOf(record: DatabaseRecord, request: UpdateDatabaseRequest): UpdateWish {
  const { database } = request;
  if (database === undefined) throw invalidField('database', '', 'a database with its name');
  const paths = request.updateMask?.length ? request.updateMask : pathsWithValue(database);
  if (paths.length === 0) throw invalidField(MASK, '', `something to change: ${ALLOWED}`);
  let wish: UpdateWish = {};
  for (const path of paths) wish = { ...wish, ...changeOf(record, wish, database, path) };
  return checked(record, wish);
}

function pathsWithValue({ sizeBytes, parameters, tags, deletionProtection }: Database): readonly string[] {
  return [
    ...(sizeBytes > 0n ? ['size_bytes'] : []),
    ...(Object.keys(parameters).length > 0 ? ['parameters'] : []),
    ...(Object.keys(tags).length > 0 ? ['tags'] : []),
    ...(deletionProtection ? ['deletion_protection'] : []),
  ];
}

function changeOf(record: DatabaseRecord, wish: UpdateWish, given: Database, path: string): UpdateWish {
  switch (path) {
    case 'size_bytes':
      return { sizeBytes: Number(given.sizeBytes) };
    case 'deletion_protection':
      return { deletionProtection: given.deletionProtection };
    case 'parameters':
      return { parameters: { ...given.parameters } };
    case 'tags':
      return { tags: { ...given.tags } };
    default:
      return entryOf(record, wish, given, path);
  }
}

/** An entry that the mask names and the request has not is taken out. */
function entryOf(record: DatabaseRecord, wish: UpdateWish, given: Database, path: string): UpdateWish {
  const [, map, quoted = ''] = ENTRY.exec(path) ?? [];
  if (map === undefined) throw invalidField(MASK, path, ALLOWED);
  const field = map as keyof Maps;
  const key = /^`(.+)`$/.exec(quoted)?.[1] ?? quoted;
  const { [key]: _before, ...others } = wish[field] ?? record[field];
  const value = given[field][key];
  return { [field]: value === undefined ? others : { ...others, [key]: value } };
}

function checked(record: DatabaseRecord, wish: UpdateWish): UpdateWish {
  const { parameters, tags } = wish;
  if (parameters !== undefined) checkHasEngine(record);
  return {
    ...wish,
    ...(tags === undefined ? {} : { tags: checkTags(tags) }),
    ...(parameters === undefined ? {} : { parameters: checkParameters(record.engine, parameters) }),
  };
}

/** Throws where the volume cannot become as large: by its own size, whatever its hosts have room for. */
export function checkGrowth(database: DatabaseRecord, volume: VolumeRecord, sizeBytes: number): void {
  const subject = `databases/${database.id}`;
  if (database.engine === NO_ENGINE)
    throw new LockstepError('FAILED_PRECONDITION', `${subject} is a volume without an engine`, {
      reason: 'NO_ENGINE',
      metadata: { subject, next: `lockstep volume grow ${volume.volume} ${String(sizeBytes)}` },
    });
  if (sizeBytes <= 0 || sizeBytes % REGION_BYTES !== 0 || sizeBytes > MAX_SIZE_BYTES)
    throw invalidField(
      'size_bytes',
      String(sizeBytes),
      `a multiple of ${String(REGION_BYTES)} bytes (64 KiB), at least ${String(volume.sizeBytes)} as it is, at most ${String(MAX_SIZE_BYTES)} (8 TiB)`,
    );
  if (sizeBytes < volume.sizeBytes)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `${subject} has a volume of ${mib(volume.sizeBytes)} already, and nothing is made smaller`,
      {
        reason: 'LARGER_ALREADY',
        metadata: { subject, next: `ask for at least ${mib(volume.sizeBytes)}` },
      },
    );
}

/** Volumes are multiples of 64 KiB. */
const mib = (bytes: number): string => `${String(bytes / (1024 * 1024))} MiB`;
