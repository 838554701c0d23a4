/** The snapshots of a host double: names, and a revert that can be made to fail on its way or before it. */
import type { Server } from '@grpc/grpc-js';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import {
  type Snapshot,
  type SnapshotServiceServer,
  SnapshotServiceService,
} from '../../proto/gen/lockstep/agent/v1/snapshot.ts';
import { quietLog } from './quiet-log.ts';

export class SnapshotDouble {
  readonly names = new Set<string>();
  readonly clones: string[] = [];
  revertingTo = '';
  /** How reverts fail until this is undefined again. */
  failing: 'before' | 'midway' | undefined;
  cloneError: LockstepError | undefined;
  cloneBytes = 1024n * 1024n;

  addTo(server: Server): void {
    server.addService(SnapshotServiceService, this.#service());
  }

  #service(): SnapshotServiceServer {
    return {
      takeSnapshot: unary(quietLog, ({ snapshot }) => {
        this.names.add(snapshot);
        return { snapshot: snapshotOf(snapshot) };
      }),
      listSnapshots: unary(quietLog, () => ({
        snapshots: [...this.names].map(snapshotOf),
        revertingTo: this.revertingTo,
      })),
      removeSnapshot: unary(quietLog, ({ snapshot }) => {
        this.names.delete(snapshot);
        return {};
      }),
      cloneSnapshot: unary(quietLog, ({ clone }) => {
        if (this.cloneError !== undefined) throw this.cloneError;
        this.clones.push(clone);
        return { sizeBytes: this.cloneBytes };
      }),
      revertReplica: unary(quietLog, ({ snapshot }) => {
        if (this.failing === 'before')
          throw new LockstepError('FAILED_PRECONDITION', 'clients would see it', {
            reason: 'CLIENTS_CONNECTED',
          });
        this.revertingTo = this.failing === 'midway' ? snapshot : '';
        if (this.failing === 'midway')
          throw new LockstepError('INTERNAL', 'cut off', { reason: 'REVERT_CUT_OFF' });
        return { changedBytes: 65_536n };
      }),
      diffSnapshots: unary(quietLog, () => ({ extents: [], nextOffset: 0n })),
    };
  }
}

function snapshotOf(name: string): Snapshot {
  const sizes = { sizeBytes: 1n, ownBytes: 1n, sharedBytes: 0n };
  return { name, createTimeMs: 1n, quiesced: false, parent: '', volumes: [], ...sizes };
}
