/** What lists and watches of events share: whose they are, which are wanted, and how one is shown. */
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import type { Event } from '../../proto/gen/lockstep/v1/event_service.ts';
import { EVENT_REASONS, isEventReason } from '../model/event-reasons.ts';
import { operationName } from '../model/operation-view.ts';
import { type EventRecord, keys } from '../model/records.ts';
import { type Repository, sequenceOf } from '../repository.ts';
import type { EventEntry } from './event-feed.ts';
import { databaseIdOf, hostOf } from './fields.ts';

/** One that is named has to be there; of all of a kind there may be none. */
export async function checkParent(repository: Repository, parent: string): Promise<void> {
  if (parent === '' || parent === 'databases/-' || parent === 'hosts/-') return;
  if (parent.startsWith('hosts/')) {
    const host = hostOf('parent', parent);
    if ((await repository.host(host)) === undefined)
      throw new LockstepError('NOT_FOUND', `there is no host ${host}`, {
        reason: 'HOST_NOT_FOUND',
        metadata: { subject: parent, next: 'lockstep host list' },
      });
    return;
  }
  if (!parent.startsWith('databases/'))
    throw invalidField(
      'parent',
      parent,
      'databases/{database}, hosts/{host}, databases/-, hosts/-, or nothing',
    );
  await repository.requireDatabase(databaseIdOf('parent', parent));
}

export function filterOf(reasons: readonly string[]): (event: EventRecord) => boolean {
  const stranger = reasons.find((reason) => !isEventReason(reason));
  if (stranger !== undefined) throw invalidField('reasons', stranger, Object.keys(EVENT_REASONS).join(', '));
  const wanted = new Set<string>(reasons);
  return ({ reason }) => wanted.size === 0 || wanted.has(reason);
}

export function eventOf({ key, value }: EventEntry): Event {
  const [root, subject = ''] = key.split('/');
  const kind = `${root ?? ''}/` === keys.allHostEvents ? 'hosts' : 'databases';
  return {
    name: `${kind}/${subject}/events/${String(sequenceOf(key))}`,
    time: new Date(value.timeMs),
    reason: value.reason,
    message: value.message,
    generation: BigInt(value.generation),
    phases: value.phases.map((phase) => ({ ...phase })),
    operation: value.workflow === '' ? '' : operationName(value.workflow),
  };
}
