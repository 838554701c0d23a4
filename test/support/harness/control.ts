/**
 * The control side of a run: one record changed by compare-and-set, the product's own decisions about it, and the two
 * jobs that follow from them, seeding and a planned move. Hosts reach it late, one way only, or not at all.
 */
import { type HostObservation, observe } from '../../../control/model/observation.ts';
import type { DatabaseRecord, VolumeRecord } from '../../../control/model/records.ts';
import { decide, whyNotPromotable } from '../../../control/monitor/decide.ts';
import { answerProposal } from '../../../control/monitor/propose.ts';
import type { Effect, ReplicaEvent, ReplicaStatus, View } from '../../../daemon/replication/interface.ts';
import type { HeartbeatRequest } from '../../../proto/gen/lockstep/agent/v1/agent.ts';
import { connectReplica, createSnapshot, deleteSnapshot, seedReplica } from './agent.ts';
import type { Host } from './host.ts';
import type { Pace } from './pace.ts';
import type { Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';

export const VOLUME = 'v';
const POLL_MS = 40;
/** How long a planned move waits for the primary to come to rest. */
const STEP_DOWN_MS = 800;

export interface ControlParts {
  readonly scheduler: Scheduler;
  readonly pace: Pace;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly sizeBytes: number;
  readonly silenceMs: number;
  readonly log: (line: string) => void;
  /** `asOfMs`: when what it was decided by was so. */
  readonly recordChanged: (record: VolumeRecord, asOfMs: number) => void;
}

type Proposal = Extract<Effect, { type: 'propose' }>;

export class Control {
  record: VolumeRecord;
  /** The store takes no writes. */
  storeIsDown = false;
  /** Nothing that it decided is missing from its record. */
  isCurrent = true;
  /** It decides by itself; in a story, its author does. */
  decides = true;
  readonly #parts: ControlParts;
  #observed = new Map<string, HostObservation>();
  #upSinceMs = 0;
  /** The workflow that holds the database. */
  #job: object | undefined;
  #lastJob = 0;

  constructor(parts: ControlParts, primary: string) {
    this.#parts = parts;
    this.record = {
      volume: VOLUME,
      database: VOLUME,
      sizeBytes: parts.sizeBytes,
      generation: 1,
      primary,
      inSync: [primary],
      replicas: [...parts.hosts.keys()],
    };
  }

  /** What it observed is lost; a workflow goes on by its log. */
  restart(): void {
    this.#observed = new Map();
    this.#upSinceMs = this.#parts.scheduler.nowMs;
  }

  /** The workflow fails, and undoes what it did: its snapshot goes, and the next one takes another. */
  failWorkflow(): void {
    if (this.#job === undefined) return;
    this.#parts.log('control: the workflow fails');
    this.#job = undefined;
    for (const host of this.#parts.hosts.keys()) this.command(host, deleteSnapshot);
  }

  heartbeat(process: Process): void {
    const { host } = process;
    const said = heartbeatOf(process);
    this.#fromHost(host, () => {
      const nowMs = this.#parts.scheduler.nowMs;
      this.#observed.set(host.name, observe(said, this.#observed.get(host.name), nowMs));
      this.#tell(process, false);
      this.look();
    });
  }

  propose(process: Process, { fromGeneration, inSync, hostRebooted }: Proposal): void {
    const askedAtMs = this.#parts.scheduler.nowMs;
    this.#fromHost(process.host, () => {
      const proposal = { host: process.name, fromGeneration, inSync, hostRebooted };
      const answer = answerProposal(this.record, proposal, () => false);
      if (answer.accepted && this.storeIsDown) {
        this.#toProcess(process, { type: 'proposal-failed', reason: 'the store takes no writes' });
        return;
      }
      if (answer.accepted) this.#write(answer.next, `${process.name} proposed it`, askedAtMs);
      this.#tell(process, false);
      if (!answer.accepted) this.#toProcess(process, { type: 'proposal-failed', reason: answer.reason });
    });
  }

  /** What the monitor does after each heartbeat. */
  look(): void {
    if (!this.decides) return;
    const { scheduler, silenceMs } = this.#parts;
    const decision = decide({
      record: this.record,
      database: databaseOf(this.record, this.#job === undefined ? '' : 'a workflow'),
      hosts: this.#observed,
      silenceMs,
      controlUpSinceMs: this.#upSinceMs,
      nowMs: scheduler.nowMs,
    });
    const primary = this.#observed.get(this.record.primary)?.replicas.get(VOLUME);
    if (decision.kind === 'failover') this.failOver(decision.to, decision.why);
    else if (decision.kind === 'reseed') this.reseed(decision.source, decision.target);
    else if (this.#job === undefined && primary?.state === 'STEPPED_DOWN') this.serveOn(this.record.primary);
  }

  /** A person asks for it. `regret`: it is undone before the generation is raised. */
  move(regret: boolean): void {
    const from = this.record.primary;
    const to = this.record.inSync.find((host) => host !== from);
    if (to === undefined || this.#job !== undefined || this.#whyNot(to) !== undefined) return;
    const { generation } = this.record;
    const { scheduler } = this.#parts;
    const giveUpAtMs = scheduler.nowMs + STEP_DOWN_MS;
    const job = this.#begin(`move to ${to}`);
    this.command(from, (process) => process.deliver({ type: 'step-down' }));
    scheduler.every(POLL_MS, () => {
      if (this.#job !== job) return false;
      const state = this.#parts.hosts.get(from)?.process?.state;
      const isVoid = this.record.generation !== generation;
      if (!isVoid && state !== 'STEPPED_DOWN' && scheduler.nowMs < giveUpAtMs) return true;
      this.#job = undefined;
      if (isVoid) return false;
      if (state !== 'STEPPED_DOWN' || regret || this.#whyNot(to) !== undefined) this.serveOn(from);
      else this.failOver(to, 'a planned move');
      return false;
    });
  }

  #whyNot(host: string): string | undefined {
    const { silenceMs, scheduler } = this.#parts;
    const { record } = this;
    const times = { silenceMs, controlUpSinceMs: this.#upSinceMs, nowMs: scheduler.nowMs };
    return whyNotPromotable({ record, hosts: this.#observed, ...times }, host);
  }

  /** As the undo of control/workflow/definitions/failover.ts and recover-primary do: nobody moves the volume after all. */
  serveOn(primary: string): void {
    this.#parts.log(`control: ${primary} serves on`);
    this.command(primary, (process) =>
      process.deliver({ type: 'view', view: viewOf(this.record), explicit: true }),
    );
  }

  failOver(to: string, why: string): void {
    if (this.storeIsDown) return;
    const generation = this.record.generation + 1;
    const heardMs = this.#observed.get(to)?.lastHeardMs ?? this.#parts.scheduler.nowMs;
    this.#write({ ...this.record, generation, primary: to, inSync: [to] }, why, heardMs);
    for (const host of this.#parts.hosts.keys()) this.command(host, (process) => this.#tell(process, true));
  }

  /** A person chooses a replica that may lack acknowledged writes: what only others hold is given up. */
  force(to: string): void {
    const generation = this.record.generation + 1;
    this.#job = undefined;
    this.#write({ ...this.record, generation, primary: to, inSync: [to] }, 'a person chose it', -Infinity);
    this.command(to, (process) => process.deliver({ type: 'force', view: viewOf(this.record) }));
  }

  /** control/workflow/definitions/copy.ts in small. */
  reseed(source: string, target: string): void {
    const job = this.#begin(`seed ${target} from ${source}`);
    const snapshot = `snapshot-${++this.#lastJob}`;
    let isStarted = false;
    this.command(target, (process) => this.#tell(process, true));
    this.#parts.scheduler.every(POLL_MS, () => {
      if (this.#job !== job) return false;
      const { primary, inSync } = this.record;
      if (primary !== source || inSync.includes(target)) {
        this.#job = undefined;
        return false;
      }
      const process = this.#parts.hosts.get(source)?.process;
      if (process?.alive !== true || process.state !== 'SOLO') return true;
      const join = isStarted && process.status.join?.target === target ? process.status.join : undefined;
      if (join === undefined || join.phase === 'FAILED' || join.phase === 'DONE') {
        isStarted = true;
        this.command(source, (at) => {
          createSnapshot(at, `${snapshot}-${at.incarnation}`);
          seedReplica(at, target);
        });
      } else if (join.phase === 'SEEDED')
        this.command(source, (at) => {
          connectReplica(at, target);
        });
      return true;
    });
  }

  #begin(what: string): object {
    const job = {};
    this.#job = job;
    this.#parts.log(`control: ${what}`);
    return job;
  }

  #write(record: VolumeRecord, why: string, asOfMs: number): void {
    this.record = record;
    const { generation, primary, inSync } = record;
    this.#parts.log(
      `control: generation ${generation}, primary ${primary}, in sync ${inSync.join(' ')}: ${why}`,
    );
    this.#parts.recordChanged(record, asOfMs);
  }

  #tell(process: Process, explicit: boolean): void {
    this.#toProcess(process, { type: 'view', view: viewOf(this.record), explicit });
  }

  #fromHost(host: Host, then: () => void): void {
    if (!host.reachesControl) return;
    this.#parts.scheduler.after(this.#parts.pace.controlMs(), then);
  }

  #toProcess(process: Process, event: ReplicaEvent): void {
    if (!process.host.controlReachesIt) return;
    this.#parts.scheduler.after(this.#parts.pace.controlMs(), () => process.deliver(event));
  }

  /** A call of a workflow: it needs both ways, and carries the generation that it was decided in as its fence. */
  command(name: string, act: (process: Process) => void): void {
    const host = this.#parts.hosts.get(name);
    if (host?.process?.alive !== true || !host.reachesControl || !host.controlReachesIt) return;
    const { generation } = this.record;
    this.#parts.scheduler.after(this.#parts.pace.controlMs(), () => {
      const { process } = host;
      if (process?.isHeard === true && process.view.generation <= generation) act(process);
    });
  }
}

export function viewOf({ generation, primary, inSync }: VolumeRecord): View {
  return { generation, primary, inSync };
}

function heartbeatOf(process: Process): HeartbeatRequest {
  const { status, name, incarnation } = process;
  return {
    host: name,
    zone: name,
    address: name,
    agentPort: 0,
    replicationPort: 0,
    metricsPort: 0,
    incarnation: BigInt(incarnation),
    version: '',
    capacityBytes: 0n,
    availableBytes: 0n,
    replicas: [replicaStatus(status)],
    engines: [{ database: VOLUME, volume: VOLUME, state: 'RUNNING', version: '', logTail: [] }],
    roles: [],
  };
}

function replicaStatus(status: ReplicaStatus): HeartbeatRequest['replicas'][number] {
  return {
    volume: VOLUME,
    state: status.state,
    generation: BigInt(status.view.generation),
    reason: status.reason,
    peerSilenceMs: status.peerSilenceMs,
    peerConnected: status.peerConnected,
    candidateFor: BigInt(status.candidateFor),
    hostRebooted: status.hostRebooted,
    leaseLeftMs: status.leaseLeftMs,
    lagBytes: BigInt(status.lagBytes),
    copy: undefined,
    sizeBytes: 0n,
    allocatedBytes: 0n,
    primary: status.view.primary,
    inSync: [...status.view.inSync],
  };
}

/** An engine runs wherever the primary is, and the alias names it: only the replicas matter here. */
function databaseOf(record: VolumeRecord, busyWith: string): DatabaseRecord {
  return {
    id: VOLUME,
    uid: '',
    createTimeMs: 0,
    engine: '',
    engineVersion: '',
    sizeBytes: record.sizeBytes,
    lifecycle: 'active',
    failure: '',
    volume: VOLUME,
    port: 0,
    user: '',
    unclaimedPassword: '',
    busyWith,
    aliasHost: record.primary,
    aliasGeneration: record.generation,
  };
}
