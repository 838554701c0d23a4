/** What a failover knows from the start and finds out on its way; the log keeps it. */
import type { DatabaseWork } from './steps.ts';

/**
 * - `monitor`: the old primary was lost, and nobody asks it anything.
 * - `forced`: a person wants the other one, whatever the old one is like: its engine is killed.
 * - `switchover`: both are well, and the old one is shut down in good order.
 */
export type FailoverMode = 'monitor' | 'forced' | 'switchover';

export type FailoverState = DatabaseWork & {
  readonly from: string;
  readonly to: string;
  /** The record's generation when it was decided: any change since makes the decision void. */
  readonly fromGeneration: number;
  readonly mode: FailoverMode;
  readonly why: string;
  /** When the primary was last heard, and when that was judged; the same where a person asked. */
  readonly lastHeardMs: number;
  readonly decidedAtMs: number;
  readonly preparedAtMs: number;
  readonly releasedAtMs: number;
  readonly raisedAtMs: number;
  readonly promotedAtMs: number;
  readonly mountedAtMs: number;
  readonly startedAtMs: number;
  readonly movedAtMs: number;
} & Readonly<Record<string, unknown>>;

const NOT_STARTED = {
  preparedAtMs: 0,
  releasedAtMs: 0,
  raisedAtMs: 0,
  promotedAtMs: 0,
  mountedAtMs: 0,
  startedAtMs: 0,
  movedAtMs: 0,
};

export function failoverState(
  work: DatabaseWork,
  decision: Pick<
    FailoverState,
    'from' | 'to' | 'fromGeneration' | 'mode' | 'why' | 'lastHeardMs' | 'decidedAtMs'
  >,
): FailoverState {
  return { ...work, ...decision, ...NOT_STARTED };
}
