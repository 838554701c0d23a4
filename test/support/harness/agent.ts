/** What daemon/agent/agent-service.ts does with snapshots and copies, on a virtual disk. */
import type { Process } from './process.ts';

export function createSnapshot(process: Process, id: string): void {
  const { disk } = process.host;
  if (disk.snapshotId === id) return;
  process.deliver({ type: 'snapshot-gone' });
  disk.takeSnapshot(id);
}

export function seedReplica(process: Process, snapshot: string, target: string): void {
  const join = process.status.join;
  if (join?.target === target && join.phase !== 'FAILED' && join.phase !== 'DONE') return;
  if (process.state !== 'SOLO' && process.state !== 'SERVING') return;
  process.deliver({ type: 'seed', target, snapshot });
}

export function connectReplica(process: Process, target: string): void {
  const join = process.status.join;
  if (join?.target === target && join.phase === 'SEEDED') process.deliver({ type: 'connect', target });
}

export function deleteSnapshot(process: Process): void {
  process.deliver({ type: 'snapshot-gone' });
  process.host.disk.dropSnapshot();
}
