/** EventService: what happened to databases and hosts (docs/events.md). */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type {
  EventServiceServer,
  ListEventsRequest,
  ListEventsResponse,
} from '../../proto/gen/lockstep/v1/event_service.ts';
import type { Repository } from '../repository.ts';
import { cursorOf, newestOf, prefixesOf } from './event-feed.ts';
import { checkParent, eventOf, filterOf } from './event-view.ts';
import { lastOf, pageSizeOf, pageToken } from './fields.ts';
import { watchEvents, type WatchEventsOptions } from './watch-events.ts';

export function eventService(options: WatchEventsOptions): EventServiceServer & UntypedServiceImplementation {
  return {
    listEvents: unary(options.log, (request: ListEventsRequest) => list(options.repository, request)),
    watchEvents: watchEvents(options),
  };
}

async function list(repository: Repository, request: ListEventsRequest): Promise<ListEventsResponse> {
  const { parent, reasons } = request;
  await checkParent(repository, parent);
  const isWanted = filterOf(reasons);
  const limit = pageSizeOf(request.pageSize);
  const name = `events of ${parent} ${[...new Set(reasons)].sort().join(' ')}`;
  const before = lastOf(name, request.pageToken);
  const prefixes = await prefixesOf(repository.store, parent);
  const found = await newestOf(repository.store, prefixes, { limit: limit + 1, before, isWanted });
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    events: page.map(eventOf),
    nextPageToken: last === undefined || found.length === page.length ? '' : pageToken(name, cursorOf(last)),
  };
}
