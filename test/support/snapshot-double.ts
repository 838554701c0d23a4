/**
 * The snapshots of a host double: names, and a revert that can be made to fail on its way or before it. With that it
 * shares its calls and injected errors, and clones become replicas there.
 */
import type { Server } from '@grpc/grpc-js';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import {
  type Snapshot,
  type SnapshotServiceServer,
  SnapshotServiceService,
} from '../../proto/gen/lockstep/agent/v1/snapshot.ts';
import type { AgentDouble } from './agent-double.ts';
import { quietLog } from './quiet-log.ts';

const MIB = 1024n * 1024n;

export class SnapshotDouble {
  /** One that a test adds is of every volume. */
  readonly names = new Set<string>();
  /** Of those that were taken. */
  readonly volumeOf = new Map<string, string>();
  readonly clones: string[] = [];
  revertingTo = '';
  /** How reverts fail until this is undefined again. */
  failing: 'before' | 'midway' | undefined;
  cloneError: LockstepError | undefined;
  /** Of every snapshot, and so of its clones. Undefined: that of the volume. */
  snapshotBytes: bigint | undefined;
  /** Before a clone is made. */
  beforeClone: () => Promise<void> = async () => undefined;
  readonly #host: AgentDouble;

  constructor(host: AgentDouble) {
    this.#host = host;
    host.kept = () => [...this.volumeOf].filter(([name]) => this.names.has(name));
  }

  addTo(server: Server): void {
    server.addService(SnapshotServiceService, this.#service());
  }

  #service(): SnapshotServiceServer {
    return {
      takeSnapshot: this.#handle('takeSnapshot', ({ volume, snapshot }) => {
        if (this.names.has(snapshot))
          throw new LockstepError('ALREADY_EXISTS', `snapshot ${snapshot} exists`);
        this.names.add(snapshot);
        this.volumeOf.set(snapshot, volume);
        return { snapshot: snapshotOf(snapshot, this.#sizeOf(volume)) };
      }),
      listSnapshots: this.#handle('listSnapshots', ({ volume }) => ({
        snapshots: this.#of(volume).map((name) => snapshotOf(name, this.#sizeOf(volume))),
        revertingTo: this.revertingTo,
      })),
      removeSnapshot: this.#handle('removeSnapshot', ({ snapshot }) => {
        this.names.delete(snapshot);
        return {};
      }),
      cloneSnapshot: this.#handle('cloneSnapshot', async ({ volume, clone }) => {
        await this.beforeClone();
        if (this.cloneError !== undefined) throw this.cloneError;
        this.clones.push(clone);
        const sizeBytes = this.#sizeOf(volume);
        this.#serveClone(clone, sizeBytes);
        return { sizeBytes };
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

  #of(volume: string): readonly string[] {
    if (!this.#host.replicas.has(volume)) throw new LockstepError('NOT_FOUND', `no replica of ${volume}`);
    return [...this.names].filter((name) => (this.volumeOf.get(name) ?? volume) === volume);
  }

  #sizeOf(volume: string): bigint {
    return this.snapshotBytes ?? this.#host.replicas.get(volume)?.sizeBytes ?? MIB;
  }

  #serveClone(volume: string, sizeBytes: bigint): void {
    if (this.#host.replicas.has(volume)) return;
    const { host } = this.#host;
    const view = { volume, sizeBytes, generation: 1n, primary: host, inSync: [host], replicas: [] };
    const standing = { copy: undefined, hostRebooted: false, consistentAt: 1n };
    this.#host.replicas.set(volume, { volume, sizeBytes, state: 'SOLO', view, ...standing });
  }

  /** Done, then the injected error: a call that failed may have worked. */
  #handle<Request extends object, Response>(
    method: string,
    act: (request: Request) => Response | Promise<Response>,
  ): ReturnType<typeof unary<Request, Response>> {
    return unary(quietLog, async (request: Request) => {
      this.#host.calls.push(method);
      const injection = this.#host.injections.find((one) => one.method === method && one.times > 0);
      const response = await act(request);
      if (injection === undefined) return response;
      injection.times--;
      throw injection.error;
    });
  }
}

function snapshotOf(name: string, sizeBytes: bigint): Snapshot {
  const sizes = { sizeBytes, ownBytes: 1n, sharedBytes: 0n };
  return { name, createTimeMs: 1n, quiesced: false, parent: '', volumes: [], ...sizes };
}
