/** What the metrics are made of; costs nothing where nobody subscribes. */
import { channel } from 'node:diagnostics_channel';
import type { PhaseRecord } from '../../model/records.ts';

/** {phase, durationMs} for each phase of a failover. */
const failoverChannel = channel('lockstep:control:failover');
/** {type, outcome, durationMs} for each workflow that ended. */
const workflowChannel = channel('lockstep:control:workflow');

export function publishFailoverPhases(phases: readonly PhaseRecord[]): void {
  if (failoverChannel.hasSubscribers) for (const phase of phases) failoverChannel.publish({ ...phase });
}

export function publishWorkflow(ended: {
  readonly type: string;
  readonly outcome: string;
  readonly durationMs: number;
}): void {
  if (workflowChannel.hasSubscribers) workflowChannel.publish({ ...ended });
}
