/** Control as the daemon mounts it, over a real gRPC server and store, with doubles for the hosts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, type Server } from '@grpc/grpc-js';
import type { Test } from 'tap';
import { Control, type ControlOptions } from '../../control/control.ts';
import { bootClock } from '../../daemon/sys/clock.ts';
import { parseConfig } from '../../daemon/sys/config.ts';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { ApiServer } from '../../daemon/sys/grpc-server.ts';
import { callUnary, type MethodEntry, methodOf, requestOf } from '../../daemon/sys/grpc-unary.ts';
import { type Operation, OperationsService } from '../../proto/gen/google/longrunning/operations.ts';
import { type Event, EventServiceService } from '../../proto/gen/lockstep/v1/event_service.ts';
import { ClusterServiceService } from '../../proto/gen/lockstep/v1/cluster_service.ts';
import {
  type Database,
  DatabaseServiceService,
  DatabaseState,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { AgentDouble } from './agent-double.ts';
import { EngineAgentDouble } from './engine-agent-double.ts';
import { bindServer, ownPort } from './own-port.ts';
import { quietLog } from './quiet-log.ts';
import { SnapshotDouble } from './snapshot-double.ts';

const HEARTBEAT_MS = 20;
/** Also what a machine under load may take to reconnect two hosts to a control that has just started. */
const SILENCE_MS = 500;
const CALL_MS = 20_000;
const POLL_MS = 5;
const PACE = {
  promotionPollMs: 2,
  copyPollMs: 5,
  undoPatienceMs: 100,
  backoffMs: 5,
  purge: { everyMs: 20, againMs: 100 },
};

/** Not the connection of the control before, which is in its backoff. */
const OWN_CHANNEL = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 10,
  'grpc.min_reconnect_backoff_ms': 10,
  'grpc.max_reconnect_backoff_ms': 50,
};

export const MIB = 1024 * 1024;

export class ControlHarness {
  readonly folder: string;
  readonly a: AgentDouble;
  readonly b: AgentDouble;
  readonly #hosts: AgentDouble[];
  readonly #heartbeatMs: number;
  readonly enginesOfA: EngineAgentDouble;
  readonly enginesOfB: EngineAgentDouble;
  readonly snapshotsOfA: SnapshotDouble;
  readonly snapshotsOfB: SnapshotDouble;
  readonly #graceHours: number;
  readonly #silenceMs: number;
  /** As of the next start of control. */
  replaceAfterSeconds = 900;
  readonly #dnsPort: number;
  #control: Control | undefined;
  #server: Server | undefined;
  #client: Client | undefined;
  readonly #port: number;

  private constructor(
    folder: string,
    dnsPort: number,
    port: number,
    {
      heartbeatMs,
      graceHours,
      silenceMs,
    }: { readonly heartbeatMs: number; readonly graceHours: number; readonly silenceMs: number },
  ) {
    this.#graceHours = graceHours;
    this.#silenceMs = silenceMs;
    this.folder = folder;
    this.#dnsPort = dnsPort;
    this.#port = port;
    this.#heartbeatMs = heartbeatMs;
    this.#hosts = [];
    this.a = this.newHost('host-a', 'a');
    this.b = this.newHost('host-b', 'b');
    [this.enginesOfA, this.snapshotsOfA] = doublesOf(this.a);
    [this.enginesOfB, this.snapshotsOfB] = doublesOf(this.b);
  }

  /** Not heard before its start. */
  newHost(host: string, zone: string): AgentDouble {
    const coordinator = (): string => this.address;
    const double = new AgentDouble({ host, zone, heartbeatMs: this.#heartbeatMs, coordinator });
    this.#hosts.push(double);
    for (const one of this.#hosts) one.peers = this.#hosts.filter((other) => other !== one);
    return double;
  }

  async addHost(host: string, zone: string): Promise<AgentDouble> {
    const double = this.newHost(host, zone);
    doublesOf(double);
    await double.start();
    return double;
  }

  /** On all hosts together. */
  leftovers(): readonly string[] {
    return this.#hosts.flatMap((host) => host.leftovers().map((left) => `${host.host}: ${left}`));
  }

  /** With both hosts heard; everything ends with the test. */
  static async open(
    t: Pick<Test, 'teardown'>,
    options: {
      readonly hosts?: boolean;
      readonly heartbeatMs?: number;
      readonly graceHours?: number;
      readonly silenceMs?: number;
    } = {},
  ): Promise<ControlHarness> {
    const folder = await mkdtemp(join(tmpdir(), 'lockstep-control-'));
    const harness = new ControlHarness(folder, await ownPort(), await ownPort(), {
      heartbeatMs: HEARTBEAT_MS,
      graceHours: 24,
      silenceMs: SILENCE_MS,
      ...options,
    });
    t.teardown(async () => {
      for (const host of harness.#hosts) host.die();
      await harness.stopControl();
      await rm(folder, { recursive: true, force: true });
    });
    await harness.startControl();
    if (options.hosts !== false) await Promise.all([harness.a.start(), harness.b.start()]);
    return harness;
  }

  get address(): string {
    return `127.0.0.1:${String(this.#port)}`;
  }

  get control(): Control {
    if (this.#control === undefined) throw new Error('control is not running');
    return this.#control;
  }

  async startControl(extra: Partial<ControlOptions> = {}): Promise<void> {
    const config = parseConfig(
      `[host]
       name = "control"
       address = "127.0.0.1"
       state_dir = "${this.folder}"
       [control]
       delete_grace_hours = ${String(this.#graceHours)}
       replace_after_seconds = ${String(this.replaceAfterSeconds)}
       [control.dns]
       port = ${String(this.#dnsPort)}
       [timing]
       lease_ms = 200
       heartbeat_ms = ${String(HEARTBEAT_MS)}
       silence_ms = ${String(this.#silenceMs)}`,
      'test',
    );
    const folder = join(this.folder, 'control');
    const fixed = { config, folder, log: quietLog, clock: bootClock, wallClock: Date.now, pace: PACE };
    this.#control = await Control.open({ ...fixed, ...extra });
    this.#server = new ApiServer();
    this.#control.addServices(this.#server);
    await bindServer(this.#server, this.#port);
    this.#client = new Client(this.address, credentials.createInsecure(), OWN_CHANNEL);
  }

  /** In the daemon's order. */
  async stopControl(): Promise<void> {
    this.#client?.close();
    await this.#control?.close();
    this.#server?.forceShutdown();
    this.#control = undefined;
    this.#server = undefined;
  }

  get client(): Client {
    if (this.#client === undefined) throw new Error('control is not running');
    return this.#client;
  }

  /** What is not given of the request is as by default. */
  call<Request, Response>(
    method: MethodEntry<Request, Response>,
    request: Partial<Request>,
  ): Promise<Response> {
    return callUnary(methodOf(this.client, method), requestOf(method, request), { deadlineMs: CALL_MS });
  }

  /** Newest first. */
  async events(parent = 'databases/orders'): Promise<readonly Event[]> {
    return (await this.call(EventServiceService.listEvents, { parent })).events;
  }

  async hostsHeard(count = 2): Promise<void> {
    for (;;) {
      const { hosts } = await this.call(ClusterServiceService.getClusterStatus, {});
      if (hosts.filter((host) => host.reachable && host.roles.includes('storage')).length === count) return;
      await sleep(POLL_MS);
    }
  }

  create(
    overrides: Partial<Parameters<typeof DatabaseServiceService.createDatabase.requestSerialize>[0]> = {},
  ): Promise<Operation> {
    return this.call(DatabaseServiceService.createDatabase, {
      databaseId: 'orders',
      engine: 'postgresql',
      sizeBytes: BigInt(256 * MIB),
      zones: ['a', 'b'],
      requestId: '',
      validateOnly: false,
      ...overrides,
    });
  }

  get(name = 'databases/orders'): Promise<Database> {
    return this.call(DatabaseServiceService.getDatabase, { name });
  }

  /** On a machine under load a host may be late with a heartbeat at any moment, and be shown as silent. */
  active(): Promise<Database> {
    return this.until(({ state }) => state === DatabaseState.DATABASE_STATE_ACTIVE);
  }

  async finished(operation: Operation): Promise<Operation> {
    const { name } = operation;
    const timeout = { seconds: 15n, nanos: 0 };
    const last = await this.call(OperationsService.waitOperation, { name, timeout });
    if (!last.done) throw new Error(`${name} is not done`);
    return last;
  }

  /** Created and in sync, or an error that says why not. */
  async createOrders(): Promise<Database> {
    const done = await this.finished(await this.create());
    if (done.error !== undefined) throw new Error(done.error.message);
    return this.until((database) => database.state === 2 && database.redundancy === 3);
  }

  async until(isSo: (database: Database) => boolean, limitMs = 8000): Promise<Database> {
    const endMs = performance.now() + limitMs;
    for (;;) {
      const database = await this.get();
      if (isSo(database)) return database;
      if (performance.now() > endMs) throw new Error(`still ${JSON.stringify(database, plain)}`);
      await sleep(POLL_MS);
    }
  }
}

/** What engines have of their own on that host, from its next start on. */
function doublesOf(double: AgentDouble): readonly [EngineAgentDouble, SnapshotDouble] {
  const [engines, snapshots] = [new EngineAgentDouble(double), new SnapshotDouble(double)];
  double.addServices = (server) => {
    engines.addTo(server);
    snapshots.addTo(server);
  };
  return [engines, snapshots];
}

/** The error that the work is refused with, for a close look. */
export async function refusal(work: Promise<unknown>): Promise<LockstepError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const plain = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;
