/** A host that stores volumes and runs engines: its volumes, its servers, its drivers and its line to control. */
import { mkdirSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from '@grpc/grpc-js';
import {
  AgentServiceService,
  type HeartbeatRequest,
  type SpaceReport,
  type StorePosition,
  type VolumeView,
} from '../proto/gen/lockstep/agent/v1/agent.ts';
import { EngineAgentServiceService } from '../proto/gen/lockstep/agent/v1/engine.ts';
import { InventoryServiceService } from '../proto/gen/lockstep/agent/v1/inventory.ts';
import { FaultServiceService } from '../proto/gen/lockstep/agent/v1/fault.ts';
import { CheckServiceService } from '../proto/gen/lockstep/agent/v1/check.ts';
import { SnapshotServiceService } from '../proto/gen/lockstep/agent/v1/snapshot.ts';
import { checkService } from './agent/check-service.ts';
import { agentService, viewOf } from './agent/agent-service.ts';
import { Coordinator } from './agent/coordinator.ts';
import { engineAgentService } from './agent/engine-service.ts';
import { faultService } from './agent/fault-service.ts';
import { inventoryService } from './agent/inventory-service.ts';
import { ReplicaReporter } from './agent/report.ts';
import { snapshotService } from './agent/snapshot-service.ts';
import { EngineGuard } from './host/engine-guard.ts';
import { HostDrivers } from './host/host.ts';
import { type HostAddress, HostMeta } from './meta/host-meta.ts';
import { NbdServer } from './nbd/server.ts';
import { loadTls } from './nbd/tls.ts';
import type { ReplicaState } from './replication/states.ts';
import type { DiskFaults } from './store/fault-layer.ts';
import type { SpaceStatus } from './store/space.ts';
import { takePassedSockets } from './sys/activation.ts';
import { channelCredentials } from './sys/api-tls.ts';
import { bootClock } from './sys/clock.ts';
import type { Config } from './sys/config.ts';
import { assert, LockstepError, messageOf } from './sys/errors.ts';
import type { Log } from './sys/log.ts';
import { loneScrubStatus } from './volume/lone-scrub.ts';
import type { Volume } from './volume/volume.ts';
import { VolumeChecks } from './volume/volume-checks.ts';
import { VolumeSnapshots } from './volume/volume-snapshots.ts';
import { Volumes } from './volume/volumes.ts';
import { dial, type Link } from './wire/link.ts';
import { ReplicationServer } from './wire/replication-server.ts';

const RELEASE_AGAIN_MS = 1000;
const BYTES_PER_MIB = 1024 ** 2;
/** FileDescriptorName= in systemd/lockstep-nbd.socket. */
const PASSED_NBD_SOCKET = 'nbd';

/** What an earlier life of the process left. */
interface Kept {
  readonly addresses: Map<string, HostAddress>;
  readonly position: StorePosition | undefined;
}

export interface StorageHostOptions {
  readonly config: Config;
  readonly log: Log;
  readonly incarnation: number;
  readonly bootId: string;
  readonly version: string;
  /** For tests alone: what the disks of this host suffer, and that it can be told so. */
  readonly faults: DiskFaults | undefined;
}

export class StorageHost {
  readonly volumes: Volumes;
  readonly #options: StorageHostOptions;
  readonly #meta: HostMeta;
  readonly #checks: VolumeChecks;
  readonly #drivers: HostDrivers;
  readonly #guard: EngineGuard;
  readonly #reporter: ReplicaReporter;
  readonly #coordinator: Coordinator;
  readonly #nbd: NbdServer;
  readonly #replication: ReplicationServer;
  /** host → where its primary's peers listen; learned from views. */
  readonly #addresses: Map<string, HostAddress>;
  readonly #recovered = Promise.withResolvers<void>();
  #releasing = false;
  /** Being written, or to be written next. */
  #newestPosition: StorePosition | undefined;
  #closed = false;

  /**
   * With its volumes open: before that a call of control's would take a volume for one that is not there, make it anew
   * and by that destroy it.
   */
  static async open(options: StorageHostOptions): Promise<StorageHost> {
    const meta = await HostMeta.open(join(options.config.host.state_dir, 'meta'));
    const kept = { addresses: new Map(await meta.addresses()), position: await meta.storePosition() };
    const host = new StorageHost(options, meta, kept);
    await host.volumes.openAll();
    return host;
  }

  private constructor(options: StorageHostOptions, meta: HostMeta, kept: Kept) {
    const { config, log } = options;
    const { host, coordinator, timing } = config;
    assert(coordinator !== undefined, 'the configuration of a storage host names control');
    this.#options = options;
    this.#meta = meta;
    this.#addresses = kept.addresses;
    this.#guard = new EngineGuard({ stateDir: host.state_dir, leaseMs: timing.lease_ms, log });
    this.volumes = this.#makeVolumes();
    this.#checks = new VolumeChecks({ store: () => this.volumes.store, log });
    this.#drivers = new HostDrivers({
      stateDir: host.state_dir,
      host: host.name,
      address: host.address,
      nbdSocket: this.#nbdSocket,
      guard: this.#guard,
      ...(config.storage === undefined ? {} : { fileSystem: config.storage.file_system }),
      log,
    });
    this.#reporter = new ReplicaReporter(this.#drivers, log, (volume) =>
      loneScrubStatus(this.volumes.store, volume, host.name),
    );
    this.#coordinator = new Coordinator({
      server: coordinator.server,
      credentials: channelCredentials(config),
      heartbeatMs: timing.heartbeat_ms,
      silenceMs: timing.silence_ms,
      describe: () => this.#describe(),
      learn: (view) => {
        this.#learn(view);
        this.volumes.tell(view.volume, viewOf(view), { explicit: false });
      },
      position: kept.position,
      keepPosition: (position) => {
        this.#keepPosition(position);
      },
      log,
    });
    this.#nbd = new NbdServer({
      exports: this.volumes.exports,
      tls: loadTls(config.nbd.tls),
      log: (message, facts) => {
        log.info(facts, message);
      },
    });
    this.#replication = new ReplicationServer((link, first) => {
      this.volumes.accept(link, first);
    }, log);
  }

  addServices(server: Server): void {
    server.addService(
      AgentServiceService,
      agentService({
        volumes: this.volumes,
        drivers: this.#drivers,
        reporter: this.#reporter,
        learnAddresses: (view) => {
          this.#learn(view);
        },
        recovered: this.#recovered.promise,
        isReleasing: () => this.#releasing,
        log: this.#options.log,
      }),
    );
    const { faults, log } = this.#options;
    server.addService(CheckServiceService, checkService(this.#checks, this.#options.log));
    server.addService(
      EngineAgentServiceService,
      engineAgentService({
        volumes: this.volumes,
        drivers: this.#drivers,
        recovered: this.#recovered.promise,
        isReleasing: () => this.#releasing,
        log,
      }),
    );
    server.addService(
      SnapshotServiceService,
      snapshotService({
        volumes: this.volumes,
        snapshots: new VolumeSnapshots(this.volumes, (volume, work) =>
          this.#drivers.whileQuiet(volume, work),
        ),
        recovered: this.#recovered.promise,
        log,
      }),
    );
    server.addService(
      InventoryServiceService,
      inventoryService({
        volumes: this.volumes,
        drivers: this.#drivers,
        recovered: this.#recovered.promise,
        log,
      }),
    );
    if (faults !== undefined) server.addService(FaultServiceService, faultService(faults, log));
  }

  /** Where clients and peers connect. */
  async listen(): Promise<void> {
    const { host, ports } = this.#options.config;
    // Whoever can open the socket can write the volumes: the folder keeps everybody else out.
    mkdirSync(dirname(this.#nbdSocket), { recursive: true, mode: 0o700 });
    await this.#nbd.listenUnix(this.#nbdSocket);
    // Where the service manager listens for NBD, clients that come while the daemon restarts wait for it.
    const passed = takePassedSockets().filter(({ name }) => name === PASSED_NBD_SOCKET);
    for (const { fd } of passed) await this.#nbd.listenDescriptor(fd);
    if (passed.length === 0) await this.#nbd.listenTcp(host.address, ports.nbd);
    await this.#replication.listen(host.address, ports.replication);
  }

  /** Heartbeats first: what a crash left on the host may take long to clear, and is no reason to count as gone. */
  async start(): Promise<void> {
    this.#coordinator.start();
    try {
      await this.#guard.ready();
      await this.#drivers.recover();
    } catch (error) {
      // One volume's remains: the others serve on, and whatever is asked of this one says by itself what is wrong.
      this.#options.log.error({ error: messageOf(error) }, 'cannot clear what a crash left on this host');
    }
    this.#recovered.resolve();
    for (const volume of this.volumes.all()) if (!volume.serves) void this.#release(volume);
  }

  async releaseAll(): Promise<void> {
    this.#releasing = true;
    await this.#drivers.releaseAll({ force: false });
  }

  /** Clients first, while what they wait for can still be answered; heartbeats go on until then. */
  async close(): Promise<void> {
    await this.#nbd.close();
    this.#closed = true;
    this.#coordinator.close();
    await this.#guard.close();
    this.#replication.close();
    await this.#checks.close();
    await this.volumes.closeAll();
    await this.#meta.close();
  }

  get #nbdSocket(): string {
    return join(this.#options.config.host.state_dir, 'sockets', 'nbd.sock');
  }

  #makeVolumes(): Volumes {
    const { config, log, incarnation, bootId, faults } = this.#options;
    const { host, timing, store } = config;
    return new Volumes({
      space: {
        reserveBytes: store.reserve_mib * BYTES_PER_MIB,
        warnPercent: store.warn_percent,
        whenFull: store.when_full,
      },
      stateDir: host.state_dir,
      host: host.name,
      incarnation,
      bootId,
      leaseMs: timing.lease_ms,
      heartbeatMs: timing.heartbeat_ms,
      silenceMs: timing.silence_ms,
      stallMs: timing.stall_ms,
      stateChanged: (volume, to) => {
        this.#stateChanged(volume, to);
      },
      answersUntil: (volume, untilMs) => {
        this.#guard.leaseUntil(volume.name, untilMs);
      },
      ...(faults === undefined ? {} : { layer: (_volume, store) => faults.over(store) }),
      world: {
        clock: bootClock,
        log,
        meta: this.#meta,
        dial: (peer) => this.#dial(peer),
        propose: (proposal) => this.#coordinator.propose(host.name, proposal),
        fatal: (why) => {
          log.error({ why }, 'cannot go on');
          process.exit(1);
        },
      },
    });
  }

  /** Whoever was primary and is so no more has an engine that must not say another word. */
  #stateChanged(volume: Volume, to: ReplicaState): void {
    if (to === 'FENCED') void this.#release(volume);
  }

  /** Tried until it is done, or until the replica may serve again: an engine that lives on could still answer reads. */
  async #release(volume: Volume): Promise<void> {
    let told = '';
    while (this.#mustRelease(volume)) {
      try {
        await this.#drivers.release(volume.name, { force: true });
        return;
      } catch (error) {
        const why = messageOf(error);
        const facts = { volume: volume.name, error: why };
        if (why !== told) this.#options.log.error(facts, 'cannot release a volume that is not served here');
        told = why;
      }
      await sleep(RELEASE_AGAIN_MS);
    }
  }

  #mustRelease(volume: Volume): boolean {
    return !this.#closed && !volume.serves && this.volumes.get(volume.name) === volume;
  }

  #learn(view: VolumeView): void {
    for (const { host, address, replicationPort: port } of view.replicas) {
      const known = this.#addresses.get(host);
      if (address === '' || (known?.host === address && known.port === port)) continue;
      this.#addresses.set(host, { host: address, port });
      // Only for a restart while control is away; a write that fails costs no more than that.
      this.#meta.putAddress(host, { host: address, port }).catch((error: unknown) => {
        this.#options.log.warn({ host, error: messageOf(error) }, 'cannot keep the address of a peer');
      });
    }
  }

  /** One write at a time, of the newest: a store that changes all the time must not make a queue of them. */
  #keepPosition(position: StorePosition): void {
    const isAtWork = this.#newestPosition !== undefined;
    this.#newestPosition = position;
    if (!isAtWork) void this.#writePositions();
  }

  async #writePositions(): Promise<void> {
    while (this.#newestPosition !== undefined && !this.#closed) {
      const position = this.#newestPosition;
      try {
        await this.#meta.putStorePosition(position);
      } catch (error) {
        // The one before still stands; a control store that comes back older is found out by a little less.
        this.#options.log.warn({ error: messageOf(error) }, 'cannot keep how far the control store was');
      }
      if (this.#newestPosition === position) this.#newestPosition = undefined;
    }
  }

  /** Only that long: the machine dials again by itself, and a link that comes late is of no use. */
  async #dial(peer: string): Promise<Link> {
    const address = this.#addresses.get(peer);
    if (address === undefined)
      throw new LockstepError(
        'UNAVAILABLE',
        `the address of ${peer} is not known before control was reached once`,
      );
    const localAddress = this.#options.config.host.address;
    return dial({ ...address, localAddress }, this.#options.config.timing.silence_ms);
  }

  async #describe(): Promise<Omit<HeartbeatRequest, 'store'>> {
    const { config, incarnation, version } = this.#options;
    const { totalBytes, availableBytes } = this.#space();
    return {
      host: config.host.name,
      zone: config.host.zone ?? '',
      address: config.host.advertised_address ?? config.host.address,
      agentPort: config.ports.api,
      replicationPort: config.ports.replication,
      metricsPort: config.ports.metrics,
      nbd: { port: config.ports.nbd, socket: this.#nbdSocket, tls: config.nbd.tls.mode },
      incarnation: BigInt(incarnation),
      version,
      capacityBytes: BigInt(Math.min(config.storage?.capacity_bytes ?? totalBytes, totalBytes)),
      availableBytes: BigInt(availableBytes),
      replicas: [
        ...this.volumes.all().map((volume) => this.#reporter.replica(volume)),
        ...this.volumes.unopened().map((replica) => this.#reporter.unreadable(replica)),
      ],
      engines: await this.#reporter.engines(),
      space: spaceOf(this.volumes.space.status),
      roles: config.control === undefined ? ['storage'] : ['storage', 'control'],
    };
  }

  /** A disk that does not even tell its size has no room for anything new; the host is there all the same. */
  #space(): { readonly totalBytes: number; readonly availableBytes: number } {
    try {
      const { blocks, bavail, bsize } = statfsSync(this.#options.config.host.state_dir);
      return { totalBytes: blocks * bsize, availableBytes: bavail * bsize };
    } catch {
      return { totalBytes: 0, availableBytes: 0 };
    }
  }
}

function spaceOf({ totalBytes, availableBytes, warning }: SpaceStatus): SpaceReport {
  return { totalBytes: BigInt(totalBytes), availableBytes: BigInt(availableBytes), warning };
}
