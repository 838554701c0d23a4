/** Control, put together: the store, the workflows, the monitor, the alias responder, and the services on top. */
import { readFileSync } from 'node:fs';
import type { Server } from '@grpc/grpc-js';
import { channelCredentials } from '../daemon/sys/api-tls.ts';
import type { Clock } from '../daemon/sys/clock.ts';
import type { Config } from '../daemon/sys/config.ts';
import { assert } from '../daemon/sys/errors.ts';
import { addReflection } from '../daemon/sys/grpc-reflection.ts';
import type { Log } from '../daemon/sys/log.ts';
import { OperationsService } from '../proto/gen/google/longrunning/operations.ts';
import { CoordinatorServiceService } from '../proto/gen/lockstep/agent/v1/agent.ts';
import { ClusterServiceService } from '../proto/gen/lockstep/v1/cluster_service.ts';
import { EngineVersionServiceService } from '../proto/gen/lockstep/v1/engine_service.ts';
import { EventServiceService } from '../proto/gen/lockstep/v1/event_service.ts';
import { HostServiceService, ZoneServiceService } from '../proto/gen/lockstep/v1/host_service.ts';
import { DatabaseServiceService } from '../proto/gen/lockstep/v1/database_service.ts';
import { SnapshotServiceService } from '../proto/gen/lockstep/v1/snapshot_service.ts';
import { VolumeServiceService } from '../proto/gen/lockstep/v1/volume_service.ts';
import { WorkflowServiceService } from '../proto/gen/lockstep/v1/workflow_service.ts';
import { Agents, silenceLimitMs } from './agents.ts';
import { DnsServer } from './dns/server.ts';
import { AliasView } from './dns/view.ts';
import { type HostRecord, keys, type VolumeRecord } from './model/records.ts';
import { DroppedCopies } from './monitor/dropped-copies.ts';
import { decide } from './monitor/decide.ts';
import { HostWatch } from './monitor/host-watch.ts';
import { LeftSnapshots } from './monitor/left-snapshots.ts';
import { Monitor } from './monitor/monitor.ts';
import { PlanReader } from './monitor/plan-reader.ts';
import { Observations } from './monitor/observations.ts';
import { Purger } from './monitor/purger.ts';
import { whyBehind } from './monitor/catch-up.ts';
import { Timeline } from './monitor/timeline.ts';
import { offspringOf } from './offspring.ts';
import { roomOf } from './placement/choose.ts';
import { Repository } from './repository.ts';
import { clusterService } from './services/cluster.ts';
import { coordinatorService } from './services/coordinator.ts';
import { databaseService } from './services/databases.ts';
import { engineVersionService } from './services/engine-versions.ts';
import { eventService } from './services/events.ts';
import { STORAGE } from './model/host-view.ts';
import { HostViews } from './services/host-views.ts';
import { hostService, zoneService } from './services/hosts.ts';
import { snapshotService } from './services/snapshots.ts';
import { operationsService } from './services/operations.ts';
import { volumeService } from './services/volumes.ts';
import { workflowService } from './services/workflows.ts';
import { Views } from './services/views.ts';
import { Watchers } from './services/watch.ts';
import { Starter } from './starter.ts';
import { openLevelStore } from './store/level-store.ts';
import type { ControlStore } from './store/store.ts';
import { definitionsOf } from './workflow/definitions/definitions.ts';
import { type HostKnowledge, type Offspring, type Pace, PACE } from './workflow/definitions/surroundings.ts';
import { WorkflowEngine } from './workflow/executor.ts';
import { Retention } from './workflow/retention.ts';
import type { LogEntry, WorkflowRecord } from './workflow/workflow.ts';

export interface ControlOptions {
  /** With a [control] section. */
  readonly config: Config;
  /** `<state_dir>/control`. */
  readonly folder: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly wallClock: () => number;
  /** Runs after each entry of a workflow's log is durable: where tests let the daemon die. */
  readonly afterLog?: (entry: LogEntry, workflow: WorkflowRecord) => void | Promise<void>;
  readonly pace?: Pace;
  /** Default: all of them, as they are. */
  readonly definitions?: typeof definitionsOf;
}

const MS_PER_HOUR = 3_600_000;
/** For how many minimum silences a host that is known is waited for where its room is needed. */
const RECONNECT_SILENCES = 4;

/** Full names, for reflection and health. */
const SERVICES = [
  'lockstep.v1.DatabaseService',
  'lockstep.v1.VolumeService',
  'lockstep.v1.SnapshotService',
  'lockstep.v1.HostService',
  'lockstep.v1.ZoneService',
  'lockstep.v1.EngineVersionService',
  'lockstep.v1.ClusterService',
  'lockstep.v1.EventService',
  'lockstep.v1.WorkflowService',
  'google.longrunning.Operations',
  'grpc.health.v1.Health',
  'lockstep.agent.v1.CoordinatorService',
];

const MS_PER_SECOND = 1000;

export class Control {
  readonly #options: ControlOptions;
  readonly #parts: Parts;
  readonly #monitor: Monitor;

  private constructor(options: ControlOptions, parts: Parts, monitor: Monitor) {
    this.#options = options;
    this.#parts = parts;
    this.#monitor = monitor;
  }

  static async open(options: ControlOptions): Promise<Control> {
    const store = await openLevelStore(options.folder);
    let parts: Parts | undefined;
    try {
      const { dns } = controlSection(options.config);
      const { address } = options.config.host;
      const view = await AliasView.open({ store, clock: options.wallClock, log: options.log });
      const settings = { zone: dns.zone, ttlSeconds: dns.ttl_seconds };
      const server = new DnsServer({ address, port: dns.port, settings, view, log: options.log });
      const observations = observationsOf(options);
      const timeline = await Timeline.open({ store, hosts: () => observations.hosts, log: options.log });
      parts = assemble(options, store, { dns: { view, server }, observations, timeline });
      await server.listen();
      await registerOwnHost(options, parts.repository);
      // After the responder: what a workflow publishes must be answered from the first moment.
      await parts.engine.resumeAll();
      parts.retention.start();
      parts.purger.start();
      return new Control(options, parts, startMonitor(options, parts));
    } catch (error) {
      if (parts !== undefined) await closeParts(parts);
      else await store.close();
      throw error;
    }
  }

  /** By their full names. */
  get services(): readonly string[] {
    return SERVICES;
  }

  /** Everything but health, which is the daemon's to say. */
  addServices(server: Server): void {
    const { config, log, wallClock, clock } = this.#options;
    const { repository, engine, observations, timeline, agents, starter, views, hosts, watchers } =
      this.#parts;
    const { hostViews } = this.#parts;
    const nowMs = (): number => clock.nowMs();
    const { engine_port: enginePort, delete_grace_hours: graceHours } = controlSection(config);
    const deleteGraceMs = graceHours * MS_PER_HOUR;
    const shared = { repository, engine, views, log, wallClock, starter, hosts };
    server.addService(
      DatabaseServiceService,
      databaseService({ ...shared, agents, watchers, enginePort, deleteGraceMs, nowMs }),
    );
    server.addService(OperationsService, operationsService({ engine, views, log }));
    server.addService(
      VolumeServiceService,
      volumeService({ ...shared, observations, timeline, agents, nowMs }),
    );
    server.addService(SnapshotServiceService, snapshotService({ ...shared, agents, enginePort }));
    server.addService(ClusterServiceService, clusterService({ ...shared, observations, agents, hostViews }));
    server.addService(HostServiceService, hostService({ ...shared, observations, hostViews }));
    server.addService(
      EngineVersionServiceService,
      engineVersionService({ ...shared, observations, agents, nowMs }),
    );
    server.addService(ZoneServiceService, zoneService({ hostViews, log }));
    server.addService(WorkflowServiceService, workflowService(shared));
    server.addService(EventServiceService, eventService({ repository, watchers, log }));
    server.addService(
      CoordinatorServiceService,
      coordinatorService({ repository, observations, timeline, wallClock, log }),
    );
    addReflection(
      server,
      config.storage === undefined
        ? SERVICES
        : [...SERVICES, 'lockstep.agent.v1.AgentService', 'lockstep.agent.v1.SnapshotService'],
    );
  }

  async close(): Promise<void> {
    await this.#monitor.close();
    await closeParts(this.#parts);
  }
}

interface Parts {
  readonly store: ControlStore;
  readonly dns: { readonly view: AliasView; readonly server: DnsServer };
  readonly repository: Repository;
  readonly observations: Observations;
  readonly timeline: Timeline;
  readonly agents: Agents;
  readonly engine: WorkflowEngine;
  readonly starter: Starter;
  readonly hosts: HostKnowledge;
  readonly views: Views;
  readonly watchers: Watchers;
  readonly retention: Retention;
  readonly purger: Purger;
  readonly droppedCopies: DroppedCopies;
  readonly leftSnapshots: LeftSnapshots;
  readonly plans: PlanReader;
  readonly hostViews: HostViews;
}

function observationsOf({ config, clock }: ControlOptions): Observations {
  return new Observations({ nowMs: () => clock.nowMs(), silenceMs: config.timing.silence_ms });
}

function assemble(
  options: ControlOptions,
  store: ControlStore,
  given: Pick<Parts, 'dns' | 'observations' | 'timeline'>,
): Parts {
  const { observations, timeline } = given;
  const { config, log, clock, wallClock, afterLog, pace = PACE } = options;
  const nowMs = (): number => clock.nowMs();
  const repository = new Repository(store, wallClock);
  const limitMs = silenceLimitMs(config.timing.silence_ms);
  const isLongSilent = (host: string): boolean => observations.silence(host) >= limitMs;
  const agents = new Agents(repository, isLongSilent, channelCredentials(config));
  const replaceAfterMs = controlSection(config).replace_after_seconds * MS_PER_SECOND;
  const hosts = hostKnowledge(repository, { observations, timeline, nowMs, replaceAfterMs });
  const define = options.definitions ?? definitionsOf;
  const later: { offspring?: Offspring } = {};
  const offspring = (): Offspring => {
    assert(later.offspring !== undefined, 'nothing runs before everything is put together');
    return later.offspring;
  };
  const around = { repository, agents, hosts, log, nowMs, wallClock, pace, offspring };
  const definitions = define(around);
  const hook = afterLog === undefined ? {} : { afterLog };
  const engine = new WorkflowEngine({
    store,
    definitions,
    clock: wallClock,
    log,
    nowMs,
    daemon: config.host.name,
    ...hook,
  });
  const starter = new Starter(engine, repository);
  const settings = controlSection(config).dns;
  const dnsNames = { zone: settings.zone, server: `${config.host.address}:${String(settings.port)}` };
  const plans = new PlanReader({ repository, rooms: () => hosts.rooms(), replaceAfterMs });
  const hostViews = new HostViews({ repository, engine, observations, nowMs, ownHost: config.host.name });
  const views = new Views({
    repository,
    plans,
    hostViews,
    engine,
    observations,
    timeline,
    nowMs,
    wallClock,
    dns: dnsNames,
  });
  later.offspring = offspringOf({ engine, starter, views, nowMs });
  const watchers = new Watchers(repository, engine, observations);
  const retention = new Retention(store, log);
  const purger = new Purger({ repository, starter, hosts, wallClock, nowMs, log, pace: pace.purge });
  const toReach = { repository, agents, observations, nowMs, log };
  return {
    ...given,
    store,
    repository,
    agents,
    engine,
    starter,
    hosts,
    views,
    watchers,
    retention,
    purger,
    droppedCopies: new DroppedCopies({ ...toReach, replaceAfterMs }),
    leftSnapshots: new LeftSnapshots(toReach),
    plans,
    hostViews,
  };
}

function startMonitor(options: ControlOptions, parts: Parts): Monitor {
  const { config, log, clock, wallClock } = options;
  const { repository, observations } = parts;
  return new Monitor({
    repository,
    starter: parts.starter,
    observations,
    timeline: parts.timeline,
    nowMs: () => clock.nowMs(),
    heartbeatMs: config.timing.heartbeat_ms,
    plans: parts.plans,
    chores: [
      new HostWatch({ repository, observations, wallClock }),
      parts.droppedCopies,
      parts.leftSnapshots,
    ],
    log,
  });
}

/** What uses a thing is closed before it. */
async function closeParts(parts: Parts): Promise<void> {
  parts.watchers.close();
  await parts.purger.close();
  await parts.retention.close();
  await parts.engine.close();
  parts.agents.close();
  await parts.droppedCopies.close();
  await parts.leftSnapshots.close();
  await parts.dns.server.close();
  await parts.dns.view.close();
  await parts.store.close();
}

function hostKnowledge(
  repository: Repository,
  {
    observations,
    timeline,
    nowMs,
    replaceAfterMs,
  }: Pick<Parts, 'observations' | 'timeline'> & {
    readonly nowMs: () => number;
    readonly replaceAfterMs: number;
  },
): HostKnowledge {
  const behind = (record: VolumeRecord): string | undefined =>
    whyBehind(record, observations.hosts, timeline.isUnconfirmed(record.volume));
  return {
    successor(database, record) {
      const { hosts, silenceMs, controlUpSinceMs } = observations;
      const isUnconfirmed = timeline.isUnconfirmed(record.volume);
      const inUse = { ...database, lifecycle: 'active', busyWith: '' } as const;
      const known = { record, hosts, silenceMs, controlUpSinceMs, nowMs: nowMs(), isUnconfirmed };
      const decision = decide({ ...known, database: inUse });
      return decision.kind === 'failover' ? decision : undefined;
    },
    behind,
    mayBeUsed(record) {
      const unheard = record.inSync.find((host) => observations.incarnation(host) === undefined);
      if (unheard === undefined || observations.listenedMs >= replaceAfterMs) return behind(record);
      return `${unheard} has not been heard since control started, and may know of an undelete`;
    },
    isGone: (host) => observations.silence(host) >= observations.silenceMs,
    hasListened: () => observations.hasListened,
    async awaitsHosts() {
      if (!observations.hasListened) return true;
      if (observations.listenedMs >= observations.silenceMs * RECONNECT_SILENCES) return false;
      const hosts = [...(await repository.hosts()).values()];
      return hosts.some(({ host, roles }) => roles.includes(STORAGE) && !observations.hosts.has(host));
    },
    incarnation: (host) => observations.incarnation(host),
    engineStarted: (host, volume) => observations.engineStarted(host, volume),
    replicaTold: (host, status) => observations.replicaTold(host, status),
    replicaDeleted: (host, volume) => observations.replicaDeleted(host, volume),
    holds: (host, volume) =>
      observations.isReachable(host) && observations.hosts.get(host)?.replicas.has(volume) === true,
    async rooms() {
      const [hosts, volumes, admins] = await Promise.all([
        repository.hosts(),
        repository.volumes(),
        repository.hostAdmins(),
      ]);
      const records = volumes.map((entry) => entry.value);
      const cordoned = new Set(admins.filter(({ value }) => value.cordoned).map(({ value }) => value.host));
      return [...hosts.values()]
        .filter((host) => host.roles.includes(STORAGE))
        .map((host) => ({
          host: host.host,
          zone: host.zone,
          reachable: observations.isReachable(host.host),
          cordoned: cordoned.has(host.host),
          roomBytes: roomOf(host, records, observations.hosts),
        }));
    },
  };
}

/** A host that only takes part in control sends no heartbeats, and is shown all the same. */
async function registerOwnHost({ config }: ControlOptions, repository: Repository): Promise<void> {
  if (config.storage !== undefined) return;
  const { host, ports } = config;
  const record: HostRecord = {
    host: host.name,
    zone: host.zone ?? '',
    address: host.address,
    agentPort: ports.api,
    replicationPort: ports.replication,
    metricsPort: ports.metrics,
    roles: ['control'],
    capacityBytes: 0,
    version: ownVersion(),
  };
  await repository.store.transact([], [{ key: keys.host(record.host), value: record }]);
}

function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

function controlSection(config: Config): NonNullable<Config['control']> {
  assert(config.control !== undefined, 'control runs where the configuration has a [control] section');
  return config.control;
}
