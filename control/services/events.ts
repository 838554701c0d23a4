/** EventService: what happened to the databases. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type {
  Event,
  EventServiceServer,
  ListEventsRequest,
  ListEventsResponse,
} from '../../proto/gen/lockstep/v1/event_service.ts';
import { operationName } from '../model/operation-view.ts';
import { type EventRecord, keys } from '../model/records.ts';
import { type Repository, sequenceOf } from '../repository.ts';
import type { Entry } from '../store/store.ts';
import { databaseIdOf, lastOf, nextOf, pageSizeOf } from './fields.ts';

export interface EventsOptions {
  readonly repository: Repository;
  readonly log: Log;
}

export function eventService(
  options: EventsOptions,
): Partial<EventServiceServer> & UntypedServiceImplementation {
  return { listEvents: unary(options.log, (request: ListEventsRequest) => list(options, request)) };
}

async function list({ repository }: EventsOptions, request: ListEventsRequest): Promise<ListEventsResponse> {
  const id = databaseIdOf('parent', request.parent);
  await repository.requireDatabase(id);
  const pageSize = pageSizeOf(request.pageSize);
  const prefix = keys.events(id);
  const last = lastOf(prefix, request.pageToken);
  const after = last === undefined ? {} : { after: last };
  const entries = await repository.store.list<EventRecord>(prefix, {
    ...after,
    limit: pageSize + 1,
    reverse: true,
  });
  const page = entries.slice(0, pageSize);
  return {
    events: page.map((entry) => viewOf(request.parent, entry)),
    nextPageToken: nextOf(prefix, page, entries.length),
  };
}

function viewOf(parent: string, { key, value }: Entry<EventRecord>): Event {
  return {
    name: `${parent}/events/${String(sequenceOf(key))}`,
    time: new Date(value.timeMs),
    reason: value.reason,
    message: value.message,
    generation: BigInt(value.generation),
    phases: value.phases.map((phase) => ({ ...phase })),
    operation: value.workflow === '' ? '' : operationName(value.workflow),
  };
}
