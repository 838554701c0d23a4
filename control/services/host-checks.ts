/** What has to be so before anything is decided about a host. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { hostEtag, hostNames, STORAGE } from '../model/host-view.ts';
import type { HostAdminRecord, HostRecord } from '../model/records.ts';
import type { Observations } from '../monitor/observations.ts';
import type { Repository } from '../repository.ts';
import type { Entry } from '../store/store.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import { type HostViews, hostUnknown } from './host-views.ts';

export interface HostsOptions {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly observations: Observations;
  readonly hostViews: HostViews;
  readonly wallClock: () => number;
  readonly log: Log;
}

export function checkHostEtag({ value, revision }: Entry<HostAdminRecord>, etag: string): void {
  const current = hostEtag(revision);
  if (etag === '' || etag === current) return;
  throw new LockstepError(
    'ABORTED',
    `the host has changed: its etag is ${current}, not ${etag}; read it again`,
    { reason: 'ETAG_MISMATCH', metadata: { subject: `hosts/${value.host}`, etag: current } },
  );
}

/** Storage hosts that report or are awaited. */
export function requireKnown(host: string, admin: HostAdminRecord, record: HostRecord | undefined): void {
  if (
    !hostNames({ hosts: mapOf(host, record), admins: mapOf(host, { value: admin, revision: 0 }) }).includes(
      host,
    )
  )
    throw hostUnknown(host);
  if (record !== undefined && !record.roles.includes(STORAGE))
    throw refused('HOST_STORES_NOTHING', host, `hosts/${host} takes part in control only: it has no copies`, {
      next: 'nothing has to be moved away from it',
    });
}

const mapOf = <Value>(host: string, value: Value | undefined): ReadonlyMap<string, Value> =>
  new Map(value === undefined ? [] : [[host, value]]);

export async function requireNotDrained(engine: WorkflowEngine, admin: HostAdminRecord): Promise<void> {
  const holder = admin.busyWith === '' ? undefined : await engine.get(admin.busyWith);
  if (holder === undefined || holder.standing.kind === 'finished') return;
  const operation = `operations/${admin.busyWith}`;
  throw new LockstepError('ABORTED', `${operation} drains hosts/${admin.host}`, {
    reason: 'HOST_BUSY',
    metadata: {
      subject: `hosts/${admin.host}`,
      operation,
      next: `wait for it: lockstep operation watch ${admin.busyWith}`,
    },
  });
}

export function refused(
  reason: string,
  host: string,
  message: string,
  { next }: { readonly next: string },
): LockstepError {
  return new LockstepError('FAILED_PRECONDITION', message, {
    reason,
    metadata: { subject: `hosts/${host}`, next },
  });
}
