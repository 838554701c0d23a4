/** ConvertRedundancy and ReseedDatabase: what has to be so before a copy is made, or dropped, on a person's word. */
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import {
  type ConvertRedundancyRequest,
  RedundancyMode,
  type ReseedDatabaseRequest,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { CopyStarter, type Held } from '../copy-starter.ts';
import { type DatabaseFacts, whyNotServed } from '../model/database-view.ts';
import type { VolumeRecord } from '../model/records.ts';
import { chooseHost, type HostRoom, type Place } from '../placement/choose.ts';
import type { RequestIdentity, Starter } from '../starter.ts';
import type { HostKnowledge } from '../workflow/definitions/surroundings.ts';
import type { StartResult } from '../workflow/executor.ts';
import { checkNotBusy } from './busy.ts';
import { checkEtag } from './etag.ts';
import { databaseIdOf, DNS_LABEL, hostOf } from './fields.ts';
import { idempotently, type IdempotentOptions } from './idempotent.ts';
import { packDatabase } from './views.ts';

export interface RedundancyOptions extends IdempotentOptions {
  readonly starter: Starter;
  readonly hosts: HostKnowledge;
  readonly log: Log;
}

const WHY = 'a person asked for it';

export function redundancyMethods(options: RedundancyOptions) {
  return {
    convertRedundancy: unary(options.log, (request: ConvertRedundancyRequest) => convert(options, request)),
    reseedDatabase: unary(options.log, (request: ReseedDatabaseRequest) => reseed(options, request)),
  };
}

async function convert(options: RedundancyOptions, request: ConvertRedundancyRequest): Promise<Operation> {
  const { redundancyMode: mode } = request;
  if (mode !== RedundancyMode.REDUNDANCY_MODE_REPLICATED && mode !== RedundancyMode.REDUNDANCY_MODE_SINGLE)
    throw invalidField('redundancy_mode', String(mode), 'REPLICATED or SINGLE');
  const copies = mode === RedundancyMode.REDUNDANCY_MODE_SINGLE ? 1 : 2;
  return idempotently(options, 'convert', request, async (identity) => {
    const held = await idle(options, request);
    const starter = new CopyStarter(options.starter);
    const cause = { why: WHY, request: identity };
    const { entry, volume } = held;
    const facts = await options.views.facts(entry);
    const start =
      copies === 1
        ? beforeSingle(facts, volume.value, request.place, () => starter.toSingle(held, cause))
        : volume.value.replicas.length > 1
          ? beforeKept(facts, volume.value, request.place, () => keepSecond(options, held, identity))
          : await beforeReplicated(options, facts, volume.value, request.place, (place) =>
              starter.convert(held, { place, copies }, cause),
            );
    if (!request.validateOnly) return start();
    return packDatabase(await options.views.database({ ...entry, value: { ...entry.value, copies } }));
  });
}

/** The database and its volume as they are, if nothing holds them and a change may begin. */
export async function idle(
  options: RedundancyOptions,
  request: { readonly name: string; readonly etag: string },
): Promise<Held> {
  const { repository, engine } = options;
  const id = databaseIdOf('name', request.name);
  const entry = await repository.requireDatabase(id);
  await checkEtag(repository, entry, request.etag);
  await checkNotBusy(engine, entry.value);
  const { lifecycle, busyWith } = entry.value;
  if (lifecycle !== 'active' || busyWith !== '')
    throw refusal('NOT_ACTIVE', id, `${id} is ${lifecycle}: its copies are changed while it is in service`, {
      next: `see how it is: lockstep database get ${id}`,
    });
  return { entry, volume: await repository.requireVolume(entry.value.volume) };
}

function beforeSingle<Result>(
  facts: DatabaseFacts,
  { primary, replicas }: VolumeRecord,
  place: string,
  start: () => Result,
): () => Result {
  const { id } = facts.database;
  if (replicas.length === 1 && facts.database.copies === 1)
    throw refusal('ALREADY_SINGLE', id, `${id} has one copy, on ${primary}`, { next: 'nothing' });
  const stays = place === '' ? primary : hostOf('place', place);
  if (!replicas.includes(stays))
    throw invalidField(
      'place',
      place,
      `hosts/{host} of ${replicas.join(' or ')}, or nothing for the primary`,
    );
  if (stays !== primary)
    throw refusal('NOT_PRIMARY', id, `the copy on ${stays} is not the primary's`, {
      next: `make it the primary first: lockstep database switchover ${id}`,
    });
  checkServed(facts);
  return start;
}

/**
 * A single copy that has a second one for a while, as in a drain that broke off: to keep it is all that is asked for, and
 * the monitor brings it in sync.
 */
function beforeKept<Result>(
  facts: DatabaseFacts,
  { primary, replicas }: VolumeRecord,
  place: string,
  start: () => Result,
): () => Result {
  const { database, hostRecords } = facts;
  if (database.copies > 1)
    throw refusal(
      'ALREADY_REPLICATED',
      database.id,
      `${database.id} has copies on ${replicas.join(' and ')}`,
      {
        next: `to have one copied anew: lockstep database reseed ${database.id} --anew`,
      },
    );
  checkServed(facts);
  const places = replicas
    .filter((host) => host !== primary)
    .flatMap((host) => [`hosts/${host}`, `zones/${hostRecords.get(host)?.zone ?? ''}`]);
  if (place !== '' && !places.includes(place))
    throw invalidField('place', place, `${places.join(' or ')}, where there is a second copy; or nothing`);
  return start;
}

/** Held for the moment, so that the second copy is not dropped meanwhile. */
function keepSecond(
  { starter }: RedundancyOptions,
  { entry, volume }: Held,
  request: RequestIdentity | undefined,
): Promise<StartResult> {
  const state = { primary: volume.value.primary, wish: { copies: 2 }, isRunning: true };
  const conditions = [{ key: volume.key, revision: volume.revision }];
  return starter.work('update-database', entry, state, { conditions, request });
}

async function beforeReplicated<Result>(
  { hosts }: RedundancyOptions,
  facts: DatabaseFacts,
  volume: VolumeRecord,
  place: string,
  start: (place: Place) => Result,
): Promise<() => Result> {
  const { database, hostRecords } = facts;
  const { replicas, sizeBytes } = volume;
  checkServed(facts);
  const rooms = await hosts.rooms();
  const wish = {
    sizeBytes,
    place: placeOf(place, rooms),
    zonesTaken: replicas.map((host) => hostRecords.get(host)?.zone ?? ''),
    hostsTaken: replicas,
  };
  const choice = chooseHost(rooms, wish);
  if (!choice.ok)
    throw refusal(choice.reason, database.id, choice.message, {
      next: 'make room, lift a cordon, or add a host in another zone',
    });
  return () => start(wish.place);
}

/** Without waiting for the monitor, which does the same for a replica that is back. */
async function reseed(options: RedundancyOptions, request: ReseedDatabaseRequest): Promise<Operation> {
  return idempotently(options, 'reseed', request, async (identity) => {
    const { entry, volume } = await idle(options, request);
    const { views, hosts, starter } = options;
    const { id } = entry.value;
    const { primary, inSync } = volume.value;
    const target = targetOf(id, volume.value, request.host);
    if (inSync.includes(target) && !request.anew)
      throw refusal('ALREADY_IN_SYNC', id, `${target} holds every acknowledged write`, {
        next: `to have all of it copied again, with one copy only meanwhile: lockstep database reseed ${id} --anew`,
      });
    checkServed(await views.facts(entry));
    if (hosts.isGone(target))
      throw refusal('HOST_UNREACHABLE', id, `host ${target} cannot be reached`, {
        next: `bring ${target} back: it is then brought up to date by itself`,
      });
    if (request.validateOnly) return packDatabase(await views.database(entry));
    const why = request.anew ? `${WHY}, anew` : WHY;
    return starter.reseed(entry, volume, { source: primary, target, why, anew: request.anew }, identity);
  });
}

function targetOf(id: string, { primary, replicas }: VolumeRecord, host: string): string {
  const others = replicas.filter((one) => one !== primary);
  const [only] = others;
  if (only === undefined)
    throw refusal('ONE_COPY', id, `${id} has one copy, on ${primary}`, {
      next: `to have a second one: lockstep database convert ${id} --to replicated`,
    });
  const target = host === '' && others.length === 1 ? only : host === '' ? '' : hostOf('host', host);
  if (others.includes(target)) return target;
  throw invalidField('host', host, others.map((one) => `hosts/${one}`).join(' or '));
}

/** zones/{zone} or hosts/{host}, of those there are. */
export function placeOf(place: string, rooms: readonly HostRoom[]): Place {
  if (place === '') return {};
  const [, kind, name = ''] = /^(zones|hosts)\/([^/]+)$/.exec(place) ?? [];
  const known =
    kind === 'zones' ? rooms.some(({ zone }) => zone === name) : rooms.some(({ host }) => host === name);
  if (kind === undefined || !DNS_LABEL.test(name) || !known) {
    const names = [
      ...new Set(rooms.map(({ zone }) => `zones/${zone}`)),
      ...rooms.map(({ host }) => `hosts/${host}`),
    ];
    throw invalidField('place', place, `one of ${names.join(', ') || 'no host that stores'}; or nothing`);
  }
  return kind === 'zones' ? { zone: name } : { host: name };
}

export function checkServed(facts: DatabaseFacts): void {
  const why = whyNotServed(facts);
  if (why === undefined) return;
  const { id } = facts.database;
  throw refusal('NOT_SERVED', id, `${id} is not served now: ${why}`, {
    next: 'wait until it is ACTIVE; its status says what is missing',
  });
}

export function refusal(
  reason: string,
  id: string,
  message: string,
  { next }: { readonly next: string },
): LockstepError {
  return new LockstepError('FAILED_PRECONDITION', message, {
    reason,
    metadata: { subject: `databases/${id}`, next },
  });
}
