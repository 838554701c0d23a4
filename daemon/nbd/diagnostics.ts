/** What the NBD server tells whoever listens; metrics subscribe. Nothing is measured while nobody does. */
import { channel } from 'node:diagnostics_channel';

export interface RequestReport {
  readonly kind: 'read' | 'write' | 'trim' | 'zero' | 'flush' | 'status';
  readonly length: number;
  /** From the decoded request to the backend's answer. */
  readonly durationMs: number;
  readonly failure?: string;
}

export interface ConnectionReport {
  readonly open: boolean;
}

const requestChannel = channel('lockstep:nbd:request');
const connectionChannel = channel('lockstep:nbd:connection');

export function requestsAreObserved(): boolean {
  return requestChannel.hasSubscribers;
}

export function reportRequest(report: RequestReport): void {
  requestChannel.publish(report);
}

export function reportConnection(report: ConnectionReport): void {
  if (connectionChannel.hasSubscribers) connectionChannel.publish(report);
}
