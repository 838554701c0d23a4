/** A failover that a person asks for: refused unless nothing acknowledged would be lost. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import { safeSuccessor, whyNotSafe } from '../model/database-view.ts';
import type { DatabaseRecord, VolumeRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { FailoverDecision } from '../starter.ts';
import type { Entry } from '../store/store.ts';
import type { Views } from './views.ts';

export interface RequestedFailoverOptions {
  readonly repository: Repository;
  readonly views: Views;
  readonly nowMs: () => number;
}

export async function requestedFailover(
  options: RequestedFailoverOptions,
  entry: Entry<DatabaseRecord>,
): Promise<{ readonly volume: Entry<VolumeRecord>; readonly decision: FailoverDecision }> {
  const { id, busyWith, failure } = entry.value;
  const facts = await options.views.facts(entry);
  const refusal = whyNotSafe(facts);
  const to = safeSuccessor(facts);
  const volume = await options.repository.volume(entry.value.volume);
  if (busyWith !== '' || refusal !== undefined || volume === undefined || to === undefined)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `a failover of ${id} is not safe now: ${refusal ?? failure}`,
      { reason: 'NOT_SAFE_TO_FAIL_OVER', metadata: { subject: `databases/${id}` } },
    );
  const nowMs = options.nowMs();
  const why = 'a person asked for it';
  return { volume, decision: { to, why, requested: true, lastHeardMs: nowMs, decidedAtMs: nowMs } };
}
