/**
 * A host as control sees it: AgentService with a memory, over a real gRPC server, with real heartbeats. It keeps what
 * it was told to make, so that a test can ask what was left behind; it can be made to fail any call, and to die.
 */
import { type handleUnaryCall, Server, credentials } from '@grpc/grpc-js';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { callUnary, unary } from '../../daemon/sys/grpc-unary.ts';
import {
  AgentServiceService,
  type AgentServiceServer,
  type CopyProgress,
  CoordinatorServiceClient,
  type DirtyMap,
  type EngineSpec,
  type Fence,
  HeartbeatRequest,
  ReplicaStatus,
  ScrubProgress,
  type StorePosition,
  type VolumeView,
} from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { bindServer, ownPort } from './own-port.ts';
import { addInventory } from './inventory-double.ts';
import { quietLog } from './quiet-log.ts';

const MIB = 1024n * 1024n;
const CALL_MS = 2000;

interface Replica {
  readonly volume: string;
  sizeBytes: bigint;
  state: string;
  view: VolumeView;
  copy: CopyProgress | undefined;
  hostRebooted: boolean;
  consistentAt: bigint;
  scrub?: ScrubProgress;
}

export interface Injection {
  readonly method: string;
  readonly error: LockstepError;
  /** How many calls fail. */
  times: number;
}

interface FencedRequest {
  readonly fence?: Fence | undefined;
  readonly volume?: string;
  readonly spec?: EngineSpec | undefined;
}

export class AgentDouble {
  readonly host: string;
  readonly zone: string;
  readonly replicas = new Map<string, Replica>();
  readonly snapshots = new Map<string, string>();
  /** Name and volume of the snapshots that are kept. */
  kept: () => Iterable<readonly [string, string]> = () => [];
  readonly devices = new Set<string>();
  readonly fileSystems = new Set<string>();
  readonly mounts = new Set<string>();
  /** Volume to state. */
  readonly engines = new Map<string, string>();
  readonly passwords = new Map<string, string>();
  /** Every call, in order. */
  readonly calls: string[] = [];
  injections: Injection[] = [];
  capacityBytes = 10n * 1024n * MIB;
  engineVersion = '15.14';
  /** The double's peers, by host name: a link is there while both live. */
  peers: readonly AgentDouble[] = [];
  promotionMs = 5;
  /** What else it serves, from its next start on. */
  addServices: (server: Server) => void = () => undefined;
  /** How often a copy breaks off, the daemon having been restarted. */
  restartsDuringSeed = 0;
  /** A copy that it makes stays where it began. */
  holdsSeed = false;
  /** What it says that others may lack, of each of its volumes. */
  dirty: DirtyMap[] = [];
  isAlive = false;
  #incarnation = 1n;
  #server: Server | undefined;
  #port = 0;
  #coordinator: CoordinatorServiceClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When each peer was last there. */
  readonly #peerMs = new Map<string, number>();
  #isBeating = false;
  /** Outlives its death, as the daemon's does. */
  #position: StorePosition | undefined;
  readonly #heartbeatMs: number;
  readonly #coordinatorAt: () => string;

  constructor(options: {
    readonly host: string;
    readonly zone: string;
    readonly heartbeatMs: number;
    readonly coordinator: () => string;
  }) {
    this.host = options.host;
    this.zone = options.zone;
    this.#heartbeatMs = options.heartbeatMs;
    this.#coordinatorAt = options.coordinator;
  }

  async start(): Promise<void> {
    if (this.#port === 0) this.#port = await ownPort();
    const server = new Server();
    server.addService(AgentServiceService, this.#service());
    addInventory(server, this);
    this.addServices(server);
    await bindServer(server, this.#port);
    this.#server = server;
    this.isAlive = true;
    this.#coordinator = new CoordinatorServiceClient(this.#coordinatorAt(), credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 10,
      'grpc.min_reconnect_backoff_ms': 10,
      'grpc.max_reconnect_backoff_ms': 50,
    });
    this.#timer = setInterval(() => void this.#beat().catch(() => undefined), this.#heartbeatMs);
    await this.#beat().catch(() => undefined);
  }

  /** As SIGKILL of every process: engines, mounts and devices are gone, the volumes stay. */
  die(): void {
    this.isAlive = false;
    clearInterval(this.#timer);
    this.#coordinator?.close();
    this.#server?.forceShutdown();
    this.#server = undefined;
    this.engines.clear();
    this.mounts.clear();
    this.devices.clear();
    this.snapshots.clear();
  }

  /** The daemon comes back and learns from the first heartbeat whether it still is what it was. */
  async comeBack(): Promise<void> {
    this.#incarnation += 1n;
    for (const replica of this.replicas.values()) {
      replica.copy = undefined;
      replica.state = replica.view.primary === this.host ? 'RECOVERING' : 'STALE';
    }
    await this.start();
  }

  injectOnce(method: string, error: LockstepError, times = 1): void {
    this.injections.push({ method, error, times });
  }

  /** What a workflow that undid everything must not leave. */
  leftovers(): readonly string[] {
    return [
      ...[...this.replicas.keys()].map((volume) => `replica ${volume}`),
      ...[...this.snapshots.keys()].map((snapshot) => `snapshot ${snapshot}`),
      ...[...this.devices].map((volume) => `device ${volume}`),
      ...[...this.mounts].map((volume) => `mount ${volume}`),
      ...[...this.engines].filter(([, state]) => state === 'RUNNING').map(([volume]) => `engine ${volume}`),
    ];
  }

  /** One at a time, as the daemon's. */
  async #beat(): Promise<void> {
    if (this.#isBeating) return;
    this.#isBeating = true;
    try {
      await this.#tell();
    } finally {
      this.#isBeating = false;
    }
  }

  async #tell(): Promise<void> {
    const client = this.#coordinator;
    if (client === undefined || !this.isAlive) return;
    for (const peer of this.peers) if (peer.isAlive) this.#peerMs.set(peer.host, performance.now());
    const request = HeartbeatRequest.fromPartial({
      ...(this.#position === undefined ? {} : { store: this.#position }),
      host: this.host,
      zone: this.zone,
      address: '127.0.0.1',
      agentPort: this.#port,
      replicationPort: this.#port + 1,
      metricsPort: 9,
      nbd: { port: 10_809, socket: `/run/${this.host}/nbd.sock`, tls: 'off' },
      incarnation: this.#incarnation,
      version: 'test',
      capacityBytes: this.capacityBytes,
      availableBytes: this.capacityBytes,
      roles: ['storage'],
      replicas: [...this.replicas.values()].map((replica) => this.#status(replica)),
      engines: [...this.engines].map(([volume, state]) => ({
        volume,
        state,
        database: '',
        version: '',
        logTail: [],
      })),
    });
    const { views, store } = await callUnary(client.heartbeat.bind(client), request, { deadlineMs: CALL_MS });
    this.#position = store;
    for (const view of views) this.#learn(view);
    await this.#notePeers();
    await this.#askForMembers();
  }

  #learn(view: VolumeView): void {
    const replica = this.replicas.get(view.volume);
    if (replica === undefined || view.generation < replica.view.generation) return;
    const isNew = view.generation > replica.view.generation;
    const wasPrimary = replica.view.primary === this.host;
    replica.view = view;
    const { copy } = replica;
    if (isNew && copy !== undefined && !view.inSync.includes(copy.target))
      replica.copy = copyOf(copy.target, 'FAILED', copy.doneBytes, copy.leftBytes);
    if (view.primary === this.host && (isNew || replica.state === 'RECOVERING')) {
      if (replica.state === 'SOLO' || replica.state === 'SERVING') replica.state = this.#servingState(view);
      else this.#promote(replica);
    } else if (view.primary !== this.host && view.primary !== '') {
      if (wasPrimary && isNew) this.#fence(replica);
      else if (view.inSync.includes(this.host)) replica.state = 'SECONDARY';
      else if (replica.state === 'SECONDARY') replica.state = 'STALE';
    }
  }

  #promote(replica: Replica): void {
    replica.state = 'PROMOTING';
    const { view } = replica;
    setTimeout(() => {
      if (replica.state === 'PROMOTING') replica.state = this.#servingState(view);
    }, this.promotionMs);
  }

  #servingState(view: VolumeView): string {
    return view.inSync.length > 1 ? 'SERVING' : 'SOLO';
  }

  #fence(replica: Replica): void {
    replica.state = 'FENCED';
    this.engines.delete(replica.volume);
    this.mounts.delete(replica.volume);
    this.devices.delete(replica.volume);
  }

  /** A primary that lost a member of its set asks to go on without it. */
  async #notePeers(): Promise<void> {
    for (const replica of this.replicas.values()) {
      const left = replica.view.inSync.filter((host) => host === this.host || this.#peer(host)?.isAlive);
      if (replica.state === 'SERVING' && left.length < replica.view.inSync.length)
        await this.#propose(replica, left, 'a peer is gone');
    }
  }

  #peer(host: string): AgentDouble | undefined {
    return this.peers.find((peer) => peer.host === host);
  }

  /** A primary's are its members, everybody else's is the primary. */
  #linked({ view }: Replica): readonly string[] {
    return view.primary === this.host ? view.inSync.filter((host) => host !== this.host) : [view.primary];
  }

  /** A copy that has caught up asks to be taken into the set, again until there is an answer. */
  async #askForMembers(): Promise<void> {
    for (const replica of this.replicas.values()) {
      const { copy } = replica;
      if (copy?.phase !== 'CATCHING_UP') continue;
      await this.#propose(replica, [...new Set([...replica.view.inSync, copy.target])], 'caught up');
      replica.copy = copyOf(copy.target, 'DONE', copy.doneBytes, 0n);
    }
  }

  async #propose(replica: Replica, inSync: string[], reason: string): Promise<void> {
    const client = this.#coordinator;
    if (client === undefined) return;
    const request = {
      host: this.host,
      volume: replica.volume,
      fromGeneration: replica.view.generation,
      inSync,
      hostRebooted: replica.hostRebooted,
      reason,
      store: this.#position,
    };
    const { accepted, view } = await callUnary(client.proposeView.bind(client), request, {
      deadlineMs: CALL_MS,
    });
    if (!accepted || view === undefined) return;
    replica.view = view;
    replica.state = this.#servingState(view);
    for (const peer of this.peers) if (peer.isAlive) peer.#learn(view);
  }

  #status(replica: Replica): ReplicaStatus {
    const linked = this.#linked(replica);
    const isConnected = linked.some((host) => {
      const peer = this.#peer(host);
      return peer?.isAlive === true && peer.replicas.has(replica.volume);
    });
    const heardMs = Math.max(0, ...linked.map((host) => this.#peerMs.get(host) ?? 0));
    return ReplicaStatus.fromPartial({
      volume: replica.volume,
      state: replica.state,
      generation: replica.view.generation,
      peerConnected: isConnected,
      peerSilenceMs: isConnected ? 0 : Math.round(performance.now() - heardMs),
      hostRebooted: replica.hostRebooted,
      consistentAt: replica.consistentAt,
      sizeBytes: replica.sizeBytes,
      primary: replica.view.primary,
      inSync: replica.view.inSync,
      dirty: this.dirty,
      ...(replica.copy === undefined ? {} : { copy: replica.copy }),
      ...(replica.scrub === undefined ? {} : { scrub: replica.scrub }),
    });
  }

  #handle<Request extends object, Response>(
    method: string,
    act: (request: Request) => Response | Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return unary(quietLog, async (request: Request) => {
      this.calls.push(method);
      const injection = this.injections.find((one) => one.method === method && one.times > 0);
      this.#checkFence(request);
      // Half of it done, then the error: a step that failed may have worked.
      if (injection !== undefined) {
        injection.times--;
        await act(request);
        throw injection.error;
      }
      return act(request);
    });
  }

  #checkFence(request: FencedRequest): void {
    const replica = this.replicas.get(request.volume ?? request.spec?.volume ?? '');
    const given = request.fence?.generation ?? replica?.view.generation ?? 0n;
    if (replica !== undefined && given < replica.view.generation)
      throw new LockstepError('FAILED_PRECONDITION', 'older than what this host has seen', {
        reason: 'STALE_FENCE',
      });
  }

  #require(volume: string): Replica {
    const replica = this.replicas.get(volume);
    if (replica === undefined) throw new LockstepError('NOT_FOUND', `no replica of ${volume}`);
    return replica;
  }

  #requireServing(volume: string): void {
    const { state } = this.#require(volume);
    if (state !== 'SERVING' && state !== 'SOLO')
      throw new LockstepError('FAILED_PRECONDITION', `the replica is ${state}`, { reason: 'NOT_SERVING' });
  }

  #service(): AgentServiceServer {
    return {
      ...this.#replicaMethods(),
      ...this.#copyMethods(),
      ...this.#deviceMethods(),
      ...this.#engineMethods(),
    };
  }

  #replicaMethods(): Pick<
    AgentServiceServer,
    | 'createReplica'
    | 'growReplica'
    | 'shrinkReplica'
    | 'deleteReplica'
    | 'getReplica'
    | 'setView'
    | 'forcePrimary'
    | 'stepDown'
  > {
    return {
      createReplica: this.#handle('createReplica', ({ view }) => {
        if (view !== undefined && !this.replicas.has(view.volume)) {
          const { volume, sizeBytes } = view;
          const blank = { ...view, generation: 0n, primary: '', inSync: [] };
          this.replicas.set(volume, {
            volume,
            sizeBytes,
            state: 'BLANK',
            view: blank,
            copy: undefined,
            hostRebooted: false,
            consistentAt: 0n,
          });
        }
        return {};
      }),
      growReplica: this.#handle('growReplica', ({ volume, sizeBytes }) => {
        this.#require(volume).sizeBytes = sizeBytes;
        return {};
      }),
      shrinkReplica: this.#handle('shrinkReplica', ({ volume, sizeBytes }) => {
        this.#require(volume).sizeBytes = sizeBytes;
        return {};
      }),
      deleteReplica: this.#handle('deleteReplica', ({ volume }) => {
        this.engines.delete(volume);
        this.mounts.delete(volume);
        this.devices.delete(volume);
        this.fileSystems.delete(volume);
        for (const [name, of] of this.snapshots) if (of === volume) this.snapshots.delete(name);
        this.replicas.delete(volume);
        return {};
      }),
      getReplica: this.#handle('getReplica', ({ volume }) => ({
        replica: this.#status(this.#require(volume)),
      })),
      setView: this.#handle('setView', ({ view }) => {
        if (view !== undefined) {
          const replica = this.#require(view.volume);
          // Nobody else was chosen after all.
          if (replica.state === 'STEPPED_DOWN' && view.generation === replica.view.generation)
            replica.state = this.#servingState(view);
          this.#learn(view);
        }
        return { replica: undefined };
      }),
      forcePrimary: this.#handle('forcePrimary', ({ view }) => {
        const replica = this.#require(view?.volume ?? '');
        if (view !== undefined) replica.view = view;
        this.#promote(replica);
        return { replica: this.#status(replica) };
      }),
      stepDown: this.#handle('stepDown', ({ volume }) => {
        this.#require(volume).state = 'STEPPED_DOWN';
        return {};
      }),
    };
  }

  #copyMethods(): Pick<
    AgentServiceServer,
    'createSnapshot' | 'deleteSnapshot' | 'seedReplica' | 'connectReplica' | 'startScrub' | 'stopScrub'
  > {
    return {
      createSnapshot: this.#handle('createSnapshot', ({ volume, snapshot }) => {
        this.#require(volume);
        this.snapshots.set(snapshot, volume);
        return { allocatedBytes: MIB };
      }),
      deleteSnapshot: this.#handle('deleteSnapshot', ({ snapshot }) => {
        this.snapshots.delete(snapshot);
        return {};
      }),
      seedReplica: this.#handle('seedReplica', ({ volume, snapshot, target }) => {
        const replica = this.#require(volume);
        this.snapshots.set(snapshot, volume);
        const peer = this.#peer(target)?.replicas.get(volume);
        if (peer === undefined) throw new LockstepError('FAILED_PRECONDITION', `${target} has no replica`);
        peer.state = 'JOINING';
        replica.copy = copyOf(target, 'SEEDING', 4n * MIB, 8n * MIB);
        setTimeout(() => this.#seeded(replica, target), 10);
        return {};
      }),
      connectReplica: this.#handle('connectReplica', ({ volume, target }) => {
        const replica = this.#require(volume);
        replica.copy = copyOf(target, 'CATCHING_UP', 8n * MIB, 0n);
        return {};
      }),
      startScrub: this.#handle('startScrub', ({ volume }) => {
        const replica = this.#require(volume);
        if (replica.state !== 'SERVING')
          throw new LockstepError('FAILED_PRECONDITION', 'it is not scrubbed: none is in sync');
        replica.scrub = ScrubProgress.fromPartial({
          phase: 'RUNNING',
          doneBytes: 3n * 65_536n,
          totalBytes: 16n * 65_536n,
        });
        return { replica: this.#status(replica) };
      }),
      stopScrub: this.#handle('stopScrub', ({ volume }) => {
        const replica = this.#require(volume);
        if (replica.scrub !== undefined) replica.scrub = { ...replica.scrub, phase: 'STOPPED' };
        return { replica: this.#status(replica) };
      }),
    };
  }

  #seeded(replica: Replica, target: string): void {
    if (replica.copy?.phase !== 'SEEDING' || this.holdsSeed) return;
    if (this.restartsDuringSeed === 0) {
      replica.copy = copyOf(target, 'SEEDED', 12n * MIB, 0n);
      return;
    }
    this.restartsDuringSeed--;
    this.#incarnation += 1n;
    this.snapshots.clear();
    replica.copy = undefined;
  }

  #deviceMethods(): Pick<
    AgentServiceServer,
    'attachVolume' | 'detachVolume' | 'makeFileSystem' | 'mountFileSystem' | 'unmountFileSystem'
  > {
    return {
      attachVolume: this.#handle('attachVolume', ({ volume }) => {
        this.#requireServing(volume);
        this.devices.add(volume);
        return { device: '/dev/loop0', durationMs: 1 };
      }),
      detachVolume: this.#handle('detachVolume', ({ volume }) => {
        if (this.mounts.has(volume)) throw new LockstepError('FAILED_PRECONDITION', 'it is mounted');
        this.devices.delete(volume);
        return {};
      }),
      makeFileSystem: this.#handle('makeFileSystem', ({ volume }) => {
        if (!this.devices.has(volume)) throw new LockstepError('FAILED_PRECONDITION', 'it is not attached');
        this.fileSystems.add(volume);
        return {};
      }),
      mountFileSystem: this.#handle('mountFileSystem', ({ volume }) => {
        if (!this.devices.has(volume)) throw new LockstepError('FAILED_PRECONDITION', 'it is not attached');
        this.mounts.add(volume);
        return { mountPoint: `/mnt/${volume}` };
      }),
      unmountFileSystem: this.#handle('unmountFileSystem', ({ volume }) => {
        if (this.engines.get(volume) === 'RUNNING')
          throw new LockstepError('FAILED_PRECONDITION', 'it is in use');
        this.mounts.delete(volume);
        return {};
      }),
    };
  }

  #engineMethods(): Pick<
    AgentServiceServer,
    'installEngine' | 'initializeEngine' | 'startEngine' | 'stopEngine' | 'getEngine'
  > {
    return {
      installEngine: this.#handle('installEngine', () => ({
        version: this.engineVersion,
        installedPackages: [],
      })),
      initializeEngine: this.#handle('initializeEngine', ({ spec, password }) => {
        this.passwords.set(spec?.volume ?? '', password);
        return {};
      }),
      startEngine: this.#handle('startEngine', ({ spec }) => {
        const volume = spec?.volume ?? '';
        if (!this.mounts.has(volume)) throw new LockstepError('FAILED_PRECONDITION', 'it is not mounted');
        this.engines.set(volume, 'RUNNING');
        return { recoveryMs: 1 };
      }),
      stopEngine: this.#handle('stopEngine', ({ spec }) => {
        this.engines.delete(spec?.volume ?? '');
        return {};
      }),
      getEngine: this.#handle('getEngine', () => ({ engine: undefined })),
    };
  }
}

function copyOf(target: string, phase: string, doneBytes: bigint, leftBytes: bigint): CopyProgress {
  return {
    target,
    phase,
    doneBytes,
    leftBytes,
    bytesPerSecond: 210n * MIB,
    error: '',
    sentBytes: doneBytes,
    mode: 'SEED',
    limitBytesPerSecond: 0n,
  };
}
