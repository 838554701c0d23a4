/** What a CreateDatabase or a CreateVolume must say, checked before anything is created. */
import { randomUUID } from 'node:crypto';
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import { type CreateDatabaseRequest, RedundancyMode } from '../../proto/gen/lockstep/v1/database_service.ts';
import type { CreateVolumeRequest } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { checkParameters, engineFacts, majorOf } from '../model/engine-parameters.ts';
import { describeSizes, MAX_SIZE_BYTES, NO_ENGINE, REGION_BYTES, VOLUME_SIZES } from '../model/engines.ts';
import { type DatabaseRecord, databaseRecordOf } from '../model/records.ts';
import { newPassword } from '../password.ts';
import { chooseCopies, type HostRoom } from '../placement/choose.ts';
import { type HostKnowledge, pause } from '../workflow/definitions/surroundings.ts';
import { checkNewDatabaseId } from './fields.ts';
import { checkTags } from './tags.ts';

const VOLUME_SUFFIX_CHARACTERS = 8;
const ADMINISTRATOR = 'admin';
const LISTEN_POLL_MS = 25;

export interface CreateWish {
  readonly id: string;
  readonly engine: string;
  readonly sizeBytes: number;
  readonly zones: readonly string[];
  /** 1 or 2. */
  readonly copies: number;
  /** Empty: the newest that the hosts can have. */
  readonly engineVersion: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly deletionProtection: boolean;
}

/** What can be judged from the request alone. */
export function parseCreate(request: CreateDatabaseRequest): CreateWish {
  const { databaseId: id, engine } = request;
  checkNewDatabaseId(id);
  const { minimumSizeBytes: minimumBytes, ownDatabases } = engineFacts(engine);
  if (ownDatabases.includes(id))
    throw invalidField(
      'database_id',
      id,
      `a name that is not reserved; ${id} is a database of every ${engine}`,
    );
  const sizeBytes = Number(request.sizeBytes);
  if (sizeBytes < minimumBytes || sizeBytes > MAX_SIZE_BYTES || sizeBytes % REGION_BYTES !== 0)
    throw invalidField('size_bytes', request.sizeBytes.toString(), describeSizes(engine, minimumBytes));
  const { zones, engineVersion, deletionProtection } = request;
  if (engineVersion !== '' && majorOf(engine, engineVersion) === '')
    throw invalidField(
      'engine_version',
      engineVersion,
      `a version of ${engine}, such as EngineVersionService lists`,
    );
  const parameters = checkParameters(engine, request.parameters);
  const tags = checkTags(request.tags);
  const copies = copiesOf(request.redundancyMode);
  return { id, engine, sizeBytes, zones, copies, engineVersion, parameters, tags, deletionProtection };
}

export function parseCreateVolume(request: CreateVolumeRequest): CreateWish {
  const { volumeId: id, zones } = request;
  checkNewDatabaseId(id, 'volume_id');
  const sizeBytes = Number(request.sizeBytes);
  if (sizeBytes === 0 || sizeBytes > MAX_SIZE_BYTES || sizeBytes % REGION_BYTES !== 0)
    throw invalidField('size_bytes', request.sizeBytes.toString(), VOLUME_SIZES);
  const none = { engineVersion: '', parameters: {}, tags: {}, deletionProtection: false };
  return { id, engine: NO_ENGINE, sizeBytes, zones, copies: copiesOf(request.redundancyMode), ...none };
}

function copiesOf(mode: RedundancyMode): number {
  switch (mode) {
    case RedundancyMode.REDUNDANCY_MODE_SINGLE:
      return 1;
    case RedundancyMode.REDUNDANCY_MODE_UNSPECIFIED:
    case RedundancyMode.REDUNDANCY_MODE_REPLICATED:
      return 2;
    default:
      throw invalidField('redundancy_mode', String(mode), 'REPLICATED, SINGLE, or nothing for REPLICATED');
  }
}

/**
 * What depends on the hosts there are. Right after its start control has heard nobody: what would be a shortage then is
 * one only if it lasts.
 */
export async function checkRoom(hosts: HostKnowledge, wish: CreateWish, signal: AbortSignal): Promise<void> {
  while (await hosts.awaitsHosts()) {
    try {
      checkPlacement(wish, await hosts.rooms());
      return;
    } catch {
      await pause(LISTEN_POLL_MS, signal);
    }
  }
  checkPlacement(wish, await hosts.rooms());
}

function checkPlacement(wish: CreateWish, rooms: readonly HostRoom[]): void {
  const known = [...new Set(rooms.map((room) => room.zone))].sort();
  const { copies } = wish;
  const wanted = copies === 1 ? 'one zone' : 'two different zones';
  const allowed = `${wanted} of: ${known.join(', ') || 'none, since no host that stores has been heard'}; or none, and control chooses`;
  const unknown = wish.zones.find((zone) => !known.includes(zone));
  if (unknown !== undefined) throw invalidField('zones', unknown, allowed);
  if (wish.zones.length !== 0 && (wish.zones.length !== copies || new Set(wish.zones).size !== copies))
    throw invalidField('zones', wish.zones.join(', '), allowed);
  const placement = chooseCopies(rooms, wish);
  if (!placement.ok)
    throw new LockstepError('FAILED_PRECONDITION', placement.message, {
      reason: placement.reason,
      metadata: { subject: 'zones' },
    });
}

export function nameTaken(field: string, database: DatabaseRecord): LockstepError {
  return new LockstepError(
    'ALREADY_EXISTS',
    `databases/${database.id} exists already; it is ${database.lifecycle}`,
    {
      reason: 'DATABASE_EXISTS',
      violations: [{ field, value: database.id, allowed: 'a name that no database has' }],
      metadata: { subject: `databases/${database.id}` },
    },
  );
}

/** Without an engine there is no port to listen on, and nobody to log in. */
export function newDatabase(
  wish: CreateWish,
  settings: { readonly port: number; readonly nowMs: number },
): DatabaseRecord {
  const hasEngine = wish.engine !== NO_ENGINE;
  const uid = randomUUID();
  return databaseRecordOf({
    id: wish.id,
    uid,
    createTimeMs: settings.nowMs,
    engine: wish.engine,
    engineVersion: wish.engineVersion,
    sizeBytes: wish.sizeBytes,
    lifecycle: 'creating',
    failure: '',
    // Never a name again: what a host that was away kept of an earlier database must not pass for this one's.
    volume: `${wish.id}-${uid.slice(0, VOLUME_SUFFIX_CHARACTERS)}`,
    port: settings.port,
    user: hasEngine ? ADMINISTRATOR : '',
    unclaimedPassword: hasEngine ? newPassword() : '',
    busyWith: '',
    aliasHost: '',
    aliasGeneration: 0,
    parameters: wish.parameters,
    tags: wish.tags,
    deletionProtection: wish.deletionProtection,
    copies: wish.copies,
  });
}
