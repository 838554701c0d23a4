/**
 * EngineAgentService of a host double. It shares the double's calls, injected errors and passwords, so that a test asks
 * one place what a host was told; what it was told itself it keeps here.
 */
import type { Server } from '@grpc/grpc-js';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import {
  type EngineAgentServiceServer,
  EngineAgentServiceService,
  type EngineOffer,
} from '../../proto/gen/lockstep/agent/v1/engine.ts';
import type { AgentDouble } from './agent-double.ts';
import { quietLog } from './quiet-log.ts';

export class EngineAgentDouble {
  offers: EngineOffer[] = [{ engine: 'postgresql', version: '15', installed: true }];
  /** By volume, as they were configured last. */
  readonly parameters = new Map<string, Readonly<Record<string, string>>>();
  /** What every ConfigureEngine answers. */
  pendingRestart: readonly string[] = [];
  /** By volume, in bytes: as large as the replica was when the file system was made to grow. */
  readonly fileSystemBytes = new Map<string, bigint>();
  readonly #host: AgentDouble;

  constructor(host: AgentDouble) {
    this.#host = host;
  }

  addTo(server: Server): void {
    server.addService(EngineAgentServiceService, this.#service());
  }

  #service(): EngineAgentServiceServer {
    const { mounts, engines, passwords, replicas } = this.#host;
    return {
      listEngines: this.#handle('listEngines', () => ({ engines: [...this.offers] })),
      configureEngine: this.#handle('configureEngine', ({ spec }) => {
        const volume = spec?.volume ?? '';
        if (!mounts.has(volume)) throw refusal('it is not mounted', 'NOT_MOUNTED');
        this.parameters.set(volume, { ...spec?.parameters });
        return { pendingRestart: [...this.pendingRestart] };
      }),
      setEnginePassword: this.#handle('setEnginePassword', ({ spec, password }) => {
        const volume = spec?.volume ?? '';
        if (engines.get(volume) !== 'RUNNING') throw refusal('the engine does not run', 'ENGINE_NOT_RUNNING');
        passwords.set(volume, password);
        return {};
      }),
      checkFileSystemGrowth: this.#handle('checkFileSystemGrowth', ({ volume }) => {
        if (!mounts.has(volume)) throw refusal('it is not mounted', 'NOT_MOUNTED');
        return {};
      }),
      growFileSystem: this.#handle('growFileSystem', ({ volume }) => {
        const replica = replicas.get(volume);
        if (replica === undefined || !mounts.has(volume)) throw refusal('it is not mounted', 'NOT_MOUNTED');
        this.fileSystemBytes.set(volume, replica.sizeBytes);
        return { sizeBytes: replica.sizeBytes };
      }),
    };
  }

  /** Half of it done, then the injected error: a call that failed may have worked. */
  #handle<Request extends object, Response>(
    method: string,
    act: (request: Request) => Response,
  ): ReturnType<typeof unary<Request, Response>> {
    return unary(quietLog, (request: Request) => {
      const { calls, injections } = this.#host;
      calls.push(method);
      const injection = injections.find((one) => one.method === method && one.times > 0);
      const response = act(request);
      if (injection === undefined) return response;
      injection.times--;
      throw injection.error;
    });
  }
}

const refusal = (message: string, reason: string): LockstepError =>
  new LockstepError('FAILED_PRECONDITION', message, { reason });
