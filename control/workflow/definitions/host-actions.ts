/** What a step has a host do for one volume: each call fenced by the record's generation as it is at that instant. */
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { MethodEntry } from '../../../daemon/sys/grpc-unary.ts';
import {
  AgentServiceService as agent,
  type EngineSpec,
  type Fence,
  type ReplicaStatus,
  type VolumeView,
} from '../../../proto/gen/lockstep/agent/v1/agent.ts';
import { EngineAgentServiceService as engines } from '../../../proto/gen/lockstep/agent/v1/engine.ts';
import { SnapshotServiceService as snapshots } from '../../../proto/gen/lockstep/agent/v1/snapshot.ts';
import { majorOf } from '../../model/engine-parameters.ts';
import { NO_ENGINE } from '../../model/engines.ts';
import { observeReplica, type ObservedReplica } from '../../model/observation.ts';
import type { VolumeRecord } from '../../model/records.ts';
import { viewOf } from '../../repository.ts';
import { withoutSecret } from './secret.ts';
import { pause, type StepRun, type Surroundings } from './surroundings.ts';

/** Answers from memory. */
const QUICK_MS = 5000;
/** Mounting replays a journal; taking a device away waits for its I/O. */
const DEVICE_MS = 60_000;
/** The distribution's package manager may have to download. */
const INSTALL_MS = 15 * 60_000;
const INITIALIZE_MS = 3 * 60_000;
/** Crash recovery of the engine. */
const START_MS = 5 * 60_000;
const STOP_MS = 90_000;
/** A statement, and a look at what came of it. */
const CONFIGURE_MS = 30_000;
/** Online, while the engine uses it. */
const GROW_MS = 10 * 60_000;
/** All of a volume may have to be written. */
const REVERT_MS = 24 * 60 * 60_000;

export interface EngineFacts {
  readonly database: string;
  readonly volume: string;
  readonly engine: string;
  readonly port: number;
  readonly user: string;
  /** Of the first database in the engine. */
  readonly engineDatabase: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** As the host that installed it told; empty before. */
  readonly engineVersion: string;
}

export function engineSpec(facts: EngineFacts): EngineSpec {
  const { engine, engineDatabase: database, volume, port, user, parameters, engineVersion } = facts;
  return {
    engine,
    database,
    volume,
    port,
    user,
    parameters: { ...parameters },
    version: majorOf(engine, engineVersion),
  };
}

export class HostActions {
  readonly #around: Surroundings;
  readonly #run: StepRun;
  readonly #volume: string;

  constructor(around: Surroundings, run: StepRun, volume: string) {
    this.#around = around;
    this.#run = run;
    this.#volume = volume;
  }

  /** The same, whose calls also end when that signal is aborted. */
  cutOffBy(signal: AbortSignal): HostActions {
    const { workflowId, step, signal: own } = this.#run;
    const run = { workflowId, step, signal: AbortSignal.any([own, signal]) };
    return new HostActions(this.#around, run, this.#volume);
  }

  async createReplica(host: string): Promise<void> {
    const request = await this.#withView();
    await this.#call(host, agent.createReplica, request, DEVICE_MS);
  }

  /** Of a replicated volume every other replica has to be grown before the primary. */
  async growReplica(host: string, sizeBytes: number): Promise<void> {
    const request = { ...(await this.#withVolume()), sizeBytes: BigInt(sizeBytes) };
    await this.#call(host, agent.growReplica, request, DEVICE_MS);
  }

  /** Of a replicated volume the primary has to be shrunk before every other replica. */
  async shrinkReplica(host: string, sizeBytes: number): Promise<void> {
    const request = { ...(await this.#withVolume()), sizeBytes: BigInt(sizeBytes) };
    await this.#call(host, agent.shrinkReplica, request, DEVICE_MS);
  }

  async deleteReplica(host: string): Promise<void> {
    await this.#cleanUp(host, agent.deleteReplica, await this.#withVolume(), DEVICE_MS);
    this.#around.hosts.replicaDeleted(host, this.#volume);
  }

  async setView(host: string): Promise<void> {
    await this.#call(host, agent.setView, await this.#withView(), QUICK_MS);
  }

  async replica(host: string): Promise<ObservedReplica> {
    return observeReplica(await this.#status(host), undefined, this.#around.nowMs());
  }

  async #status(host: string): Promise<ReplicaStatus> {
    const { replica } = await this.#call(host, agent.getReplica, { volume: this.#volume }, QUICK_MS);
    if (replica !== undefined) return replica;
    throw new LockstepError('NOT_FOUND', `host ${host} has no replica of ${this.#volume}`);
  }

  /** Its heartbeats may not have it yet: what is shown from then on does. */
  async noteReplica(host: string): Promise<void> {
    this.#around.hosts.replicaTold(host, await this.#status(host));
  }

  /** Waits until the replica is primary and can do I/O at the record's generation, or a later one. */
  async untilServing(host: string, generation: number): Promise<void> {
    for (;;) {
      const replica = await this.replica(host);
      const isCurrent = replica.generation >= generation;
      if (isCurrent && (replica.state === 'SOLO' || replica.state === 'SERVING')) return;
      if (isCurrent && (replica.state === 'FENCED' || replica.state === 'STEPPED_DOWN'))
        throw new LockstepError('FAILED_PRECONDITION', `the replica on ${host} is ${replica.state}`, {
          reason: 'NOT_PRIMARY',
        });
      await pause(this.#around.pace.promotionPollMs, this.#run.signal);
    }
  }

  async stepDown(host: string): Promise<void> {
    await this.#call(host, agent.stepDown, await this.#withVolume(), DEVICE_MS);
  }

  async createSnapshot(host: string, snapshot: string): Promise<void> {
    await this.#call(host, agent.createSnapshot, { ...(await this.#withVolume()), snapshot }, DEVICE_MS);
  }

  async deleteSnapshot(host: string, snapshot: string): Promise<void> {
    await this.#cleanUp(host, agent.deleteSnapshot, { ...(await this.#withVolume()), snapshot }, DEVICE_MS);
  }

  async seedReplica(source: string, snapshot: string, target: string): Promise<void> {
    const request = { ...(await this.#withVolume()), snapshot, target };
    await this.#call(source, agent.seedReplica, request, QUICK_MS);
  }

  async connectReplica(source: string, target: string): Promise<void> {
    await this.#call(source, agent.connectReplica, { ...(await this.#withVolume()), target }, QUICK_MS);
  }

  /** Answers how many bytes were other than in the snapshot. */
  async revertReplica(host: string, snapshot: string): Promise<bigint> {
    const request = { ...(await this.#withVolume()), snapshot };
    return (await this.#call(host, snapshots.revertReplica, request, REVERT_MS)).changedBytes;
  }

  /** The snapshot that a revert, which has not ended, goes back to; empty: there is none. */
  async revertingTo(host: string): Promise<string> {
    const { revertingTo } = await this.#call(
      host,
      snapshots.listSnapshots,
      { volume: this.#volume },
      QUICK_MS,
    );
    return revertingTo;
  }

  async attach(host: string): Promise<void> {
    await this.#call(host, agent.attachVolume, await this.#withVolume(), DEVICE_MS);
  }

  async makeFileSystem(host: string): Promise<void> {
    await this.#call(host, agent.makeFileSystem, { ...(await this.#withVolume()), type: 'ext4' }, DEVICE_MS);
  }

  async mount(host: string): Promise<void> {
    await this.#call(host, agent.mountFileSystem, await this.#withVolume(), DEVICE_MS);
  }

  async unmount(host: string): Promise<void> {
    await this.#cleanUp(host, agent.unmountFileSystem, await this.#withVolume(), DEVICE_MS);
  }

  async detach(host: string): Promise<void> {
    await this.#cleanUp(host, agent.detachVolume, await this.#withVolume(), DEVICE_MS);
  }

  /** Of that major version, or the newest of the host. Answers the version. */
  async installEngine(host: string, engine: string, version: string): Promise<string> {
    const request = { fence: await this.#fence(), engine, version: majorOf(engine, version) };
    return (await this.#call(host, agent.installEngine, request, INSTALL_MS)).version;
  }

  async initializeEngine(host: string, facts: EngineFacts, password: string): Promise<void> {
    const request = { ...(await this.#withSpec(facts)), password };
    const call = this.#call(host, agent.initializeEngine, request, INITIALIZE_MS);
    await call.catch(withoutSecret(password));
  }

  async startEngine(host: string, facts: EngineFacts): Promise<void> {
    if (facts.engine === NO_ENGINE) return;
    await this.#call(host, agent.startEngine, await this.#withSpec(facts), START_MS);
    this.#around.hosts.engineStarted(host, this.#volume);
  }

  async stopEngine(host: string, facts: EngineFacts, options: { readonly kill: boolean }): Promise<void> {
    const request = { ...(await this.#withSpec(facts)), kill: options.kill };
    await this.#cleanUp(host, agent.stopEngine, request, STOP_MS);
  }

  /** With the parameters of the facts. Answers those that wait for the next start. */
  async configureEngine(host: string, facts: EngineFacts): Promise<readonly string[]> {
    const request = await this.#withSpec(facts);
    return (await this.#call(host, engines.configureEngine, request, CONFIGURE_MS)).pendingRestart;
  }

  async setEnginePassword(host: string, facts: EngineFacts, password: string): Promise<void> {
    const request = { ...(await this.#withSpec(facts)), password };
    await this.#call(host, engines.setEnginePassword, request, CONFIGURE_MS).catch(withoutSecret(password));
  }

  async checkFileSystemGrowth(host: string): Promise<void> {
    await this.#call(host, engines.checkFileSystemGrowth, await this.#withVolume(), QUICK_MS);
  }

  /** The device takes the size of its replica, and the file system that of the device. */
  async growFileSystem(host: string): Promise<void> {
    await this.#call(host, engines.growFileSystem, await this.#withVolume(), GROW_MS);
  }

  /** Engine, file system, device: in this order, since each is used by the one before. */
  async release(host: string, facts: EngineFacts, options: { readonly kill: boolean }): Promise<void> {
    if (facts.engine === NO_ENGINE) return;
    await this.stopEngine(host, facts, options);
    await this.unmount(host);
    await this.detach(host);
  }

  #call<Request, Response>(
    host: string,
    method: MethodEntry<Request, Response>,
    request: Request,
    deadlineMs: number,
  ): Promise<Response> {
    return this.#around.agents.call(host, method, request, { deadlineMs, signal: this.#run.signal });
  }

  /** What is not there is already gone. */
  async #cleanUp<Request, Response>(
    host: string,
    method: MethodEntry<Request, Response>,
    request: Request,
    deadlineMs: number,
  ): Promise<void> {
    try {
      await this.#call(host, method, request, deadlineMs);
    } catch (error) {
      if (!(error instanceof LockstepError && error.code === 'NOT_FOUND')) throw error;
    }
  }

  async #record(): Promise<VolumeRecord | undefined> {
    return (await this.#around.repository.volume(this.#volume))?.value;
  }

  async #fence(): Promise<Fence> {
    // A cleanup may run after the record is gone: hosts then know no newer generation that would refuse it.
    const generation = BigInt((await this.#record())?.generation ?? 0);
    return { generation, workflow: this.#run.workflowId, step: this.#run.step };
  }

  async #withVolume(): Promise<{ fence: Fence; volume: string }> {
    return { fence: await this.#fence(), volume: this.#volume };
  }

  async #withSpec(facts: EngineFacts): Promise<{ fence: Fence; spec: EngineSpec }> {
    return { fence: await this.#fence(), spec: engineSpec(facts) };
  }

  async #withView(): Promise<{ fence: Fence; view: VolumeView }> {
    const { value } = await this.#around.repository.requireVolume(this.#volume);
    const hosts = await this.#around.repository.hosts();
    return { fence: await this.#fence(), view: viewOf(value, hosts) };
  }
}
