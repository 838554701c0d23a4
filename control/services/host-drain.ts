/** DrainHost: judged before anything moves, and begun in one transaction with the cordon. */
import { randomBytes } from 'node:crypto';
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type { DrainHostRequest } from '../../proto/gen/lockstep/v1/host_service.ts';
import { viewHost } from '../model/host-view.ts';
import { whyNotSafe } from '../model/database-view.ts';
import type { HostAdminRecord } from '../model/records.ts';
import { type DrainPlan, type DrainSubject, planDrain } from '../placement/drain-plan.ts';
import { conditionOf } from '../repository.ts';
import { requestWrites } from '../starter.ts';
import type { DrainState } from '../workflow/definitions/drain-host.ts';
import type { HostKnowledge } from '../workflow/definitions/surroundings.ts';
import { hostOf } from './fields.ts';
import { checkHostEtag, type HostsOptions, requireKnown, requireNotDrained } from './host-checks.ts';
import { idempotently } from './idempotent.ts';
import { packHost, type Views } from './views.ts';

export interface DrainOptions extends HostsOptions {
  readonly views: Views;
  readonly hosts: HostKnowledge;
}

const SUFFIX_BYTES = 4;

export async function drainHost(options: DrainOptions, request: DrainHostRequest): Promise<Operation> {
  const host = hostOf('name', request.name);
  const { repository, engine, hostViews } = options;
  return idempotently(options, 'drain', request, async (identity) => {
    const [entry, record] = await Promise.all([repository.hostAdmin(host), repository.host(host)]);
    requireKnown(host, entry.value, record?.value);
    checkHostEtag(entry, request.etag);
    await requireNotDrained(engine, entry.value);
    const subjects = await subjectsOf(options, host);
    checkPlan(host, planDrain(host, subjects, await options.hosts.rooms()));
    const cordoned: HostAdminRecord = {
      ...entry.value,
      cordoned: true,
      cordonReason: entry.value.cordonReason === '' ? 'it is drained' : entry.value.cordonReason,
    };
    if (request.validateOnly) {
      const facts = await hostViews.facts();
      const admins = new Map([...facts.admins, [host, { ...entry, value: cordoned }]]);
      return packHost(viewHost({ ...facts, admins }, host));
    }
    const id = `drain-${host}-${randomBytes(SUFFIX_BYTES).toString('hex')}`;
    const state: DrainState = { workflow: id, host, databases: subjects.map(({ database }) => database) };
    const message = `${String(subjects.length)} databases are to be moved`;
    const started = { reason: 'HOST_DRAIN_STARTED' as const, message, generation: 0, workflow: id };
    const events = await repository.eventWrites({ host }, [started]);
    const asked = requestWrites(identity, id);
    // The host's own record too, unchanged: a copy that is being placed there is placed anew.
    const placing = record === undefined ? [] : [{ key: record.key, value: record.value }];
    return engine.start('drain-host', `hosts/${host}`, state, {
      id,
      conditions: [
        conditionOf(entry),
        ...(record === undefined ? [] : [conditionOf(record)]),
        ...events.conditions,
        ...asked.conditions,
      ],
      mutations: [
        { key: entry.key, value: { ...cordoned, busyWith: id } },
        ...placing,
        ...events.mutations,
        ...asked.mutations,
      ],
    });
  });
}

async function subjectsOf(
  { repository, views }: DrainOptions,
  host: string,
): Promise<readonly DrainSubject[]> {
  const [volumes, databases, dropped] = await Promise.all([
    repository.volumes(),
    repository.databases(),
    repository.droppedCopies(),
  ]);
  const placed = volumes.filter(({ value }) => value.replicas.includes(host));
  const subjects = placed.map(async ({ value: record }): Promise<DrainSubject> => {
    const entry = databases.find(({ value }) => value.id === record.database);
    const facts = entry === undefined ? undefined : await views.facts(entry);
    const isToFollow = record.primary === host && record.replicas.length > 1;
    const lifecycle = entry?.value.lifecycle ?? 'kept for its snapshots';
    const unsafe = facts !== undefined && isToFollow ? whyNotSafe(facts) : undefined;
    return {
      database: record.database,
      record,
      copies: entry?.value.copies ?? 1,
      refusal: lifecycle === 'active' ? unsafe : `it is ${lifecycle}; only what is in service is moved`,
      droppedFrom: dropped
        .filter(({ value }) => value.volume === record.volume)
        .map(({ value }) => value.host),
    };
  });
  return Promise.all(subjects);
}

function checkPlan(host: string, { refusals }: DrainPlan): void {
  if (refusals.length === 0) return;
  const why = refusals.map((one) => `${one.name}: ${one.why}`).join('; ');
  throw new LockstepError('FAILED_PRECONDITION', `not everything on ${host} can be moved: ${why}`, {
    reason: 'DRAIN_IMPOSSIBLE',
    metadata: {
      subject: `hosts/${host}`,
      next: 'mend what the message names: make room, add a host, start or delete what is not in service',
    },
  });
}
