/**
 * A whole installation of its own for tests and measurements: three daemons as three hosts on loopback addresses
 * 127.0.N.10, .11 and .12, the same code and configuration as the quick start, in a folder that is gone afterwards.
 */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostId } from '../../client/resource-names.ts';
import { LockstepClient } from '../../client/lockstep.ts';
import {
  daemonOf,
  forgetDaemon,
  startDaemon,
  waitUntilServing,
  writeConfig,
} from '../../client/quickstart/daemons.ts';
import { HostNetwork } from './host-network.ts';
import { hostPlan, type HostPlan, type Plan, planOf, settingsText } from '../../client/quickstart/plan.ts';
import { killProcessesOf } from '../../client/quickstart/processes.ts';
import { clear } from '../../client/quickstart/stop.ts';
import { type Database, DatabaseState, Redundancy } from '../../proto/gen/lockstep/v1/database_service.ts';

export interface InstallationOptions {
  /** Third number of the addresses; two installations at a time take two. */
  readonly network: number;
  /** Before the first daemon starts. */
  readonly prepare?: (plan: Plan) => Promise<void>;
  /** Of each daemon, in place of what the product has. */
  readonly nodeFlags?: readonly string[];
  /** Of each daemon at its first start, beside what it has by itself. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Each host has a network of its own (host-network.ts) whose ways can be cut. Needs root. */
  readonly hasNetworks?: boolean;
  /** The zone of a host-c, 127.0.N.13, beside the hosts of the quick start; absent: there is none. */
  readonly thirdStorageHost?: 'a' | 'c';
  /** Keys of the section [storage] of each host that stores. */
  readonly storage?: Readonly<Record<string, string | number>>;
}

const DNS_PORT = 53;
const THIRD_LAST = 13;
const PASSABLE = 0o711;
const POLL_MS = 20;
const MIB = 1024n * 1024n;

export class Installation {
  readonly plan: Plan;
  readonly hosts: readonly HostPlan[];
  readonly client: LockstepClient;
  readonly #never = new AbortController().signal;
  readonly #nodeFlags: readonly string[];
  readonly #network: HostNetwork | undefined;

  static async start(options: InstallationOptions): Promise<Installation> {
    const installation = new Installation(options);
    try {
      installation.#network?.create();
      await options.prepare?.(installation.plan);
      await Promise.all(
        installation.hosts.map((host) => installation.startHost(host.id, options.environment)),
      );
      await installation.hostsReachable();
    } catch (error) {
      await installation.destroy();
      throw error;
    }
    return installation;
  }

  private constructor({
    network,
    nodeFlags = [],
    hasNetworks,
    thirdStorageHost,
    storage = {},
  }: InstallationOptions) {
    this.#nodeFlags = nodeFlags;
    this.#network = hasNetworks === true ? new HostNetwork(network) : undefined;
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-')));
    // Engines run as their own user, who has to get through to the mounted data.
    chmodSync(folder, PASSABLE);
    const plan = planOf({
      stateDir: join(folder, 'q'),
      network: `127.0.${String(network)}`,
      dnsPort: DNS_PORT,
    });
    this.plan = this.#network === undefined ? plan : planOn(plan, this.#network);
    const third = { id: 'host-c', zone: thirdStorageHost, folder: 'c', last: THIRD_LAST } as const;
    const hosts =
      thirdStorageHost === undefined ? this.plan.hosts : [...this.plan.hosts, hostPlan(this.plan, third)];
    this.hosts = hosts.map((host) => (host.zone === undefined ? host : { ...host, storage }));
    mkdirSync(this.plan.stateDir, { mode: PASSABLE });
    this.client = new LockstepClient({ server: this.plan.server });
  }

  host(id: string): HostPlan {
    const found = this.hosts.find((host) => host.id === id);
    if (found === undefined) throw new Error(`no host ${id}`);
    return found;
  }

  get network(): HostNetwork {
    if (this.#network === undefined) throw new Error('the hosts have no networks of their own');
    return this.#network;
  }

  async startHost(id: string, environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const host = this.host(id);
    writeConfig(this.plan, host);
    writeFileSync(this.plan.settingsFile, settingsText(this.plan));
    const launcher = this.#network?.launcher(host.id) ?? [];
    const options = { environment, nodeFlags: this.#nodeFlags, launcher };
    const daemon = await startDaemon(host, options);
    await waitUntilServing(host, daemon, this.#never);
  }

  async isRunning(id: string): Promise<boolean> {
    return (await daemonOf(this.host(id))) !== undefined;
  }

  /** SIGKILL to every process of the host: daemon, device, engine. What its kernel still held is cleared away. */
  async killHost(id: string): Promise<void> {
    await killProcessesOf(this.host(id).folder);
    forgetDaemon(this.host(id));
  }

  /** SIGKILL to the daemon alone: engine and device are left as they are. */
  async killDaemon(id: string): Promise<void> {
    const daemon = await daemonOf(this.host(id));
    if (daemon === undefined) throw new Error(`no daemon of ${id} runs`);
    process.kill(daemon.pid, 'SIGKILL');
    await this.until(`the daemon of ${id} is gone`, async () => !(await this.isRunning(id)));
    forgetDaemon(this.host(id));
  }

  /** The host after its loss: nothing of it is mounted or attached any more. */
  async clearHost(id: string): Promise<void> {
    await clear(this.host(id));
  }

  async hostsReachable(): Promise<void> {
    const stores = this.hosts.filter((host) => host.zone !== undefined).length;
    await this.until('every storage host is heard by control', async () => {
      const { hosts } = await this.client.status();
      return hosts.filter((host) => host.reachable && host.zone !== '').length === stores;
    });
  }

  async createDatabase(
    id: string,
    options: { readonly sizeMiB: number; readonly engine?: string },
  ): Promise<Database> {
    const operation = await this.client.databases.create({
      id,
      engine: options.engine ?? 'postgresql',
      sizeBytes: BigInt(options.sizeMiB) * MIB,
      zones: ['a', 'b'],
    });
    const database = await this.client.operations.wait(operation.name);
    if (database === undefined) throw new Error(`${operation.name} answered no database`);
    return database;
  }

  async inSync(id: string, limitMs = 60_000): Promise<Database> {
    let database = await this.client.databases.get(id);
    await this.until(
      `${id} is active and in sync`,
      async () => {
        database = await this.client.databases.get(id);
        const { state, redundancy } = database;
        return state === DatabaseState.DATABASE_STATE_ACTIVE && redundancy === Redundancy.REDUNDANCY_IN_SYNC;
      },
      limitMs,
    );
    return database;
  }

  primaryOf(database: Database): string {
    return hostId(database.primary?.host ?? '');
  }

  async until(what: string, condition: () => Promise<boolean>, limitMs = 30_000): Promise<void> {
    const endMs = performance.now() + limitMs;
    while (!(await condition())) {
      if (performance.now() > endMs) throw new Error(`not within ${String(limitMs)} ms: ${what}`);
      await sleep(POLL_MS);
    }
  }

  /** Processes, mounts, loop devices and files; also from a half state. */
  async destroy(): Promise<void> {
    this.client.close();
    for (const host of this.hosts) await clear(host);
    this.#network?.destroy();
    rmSync(join(this.plan.stateDir, '..'), { recursive: true, force: true });
  }
}

/** The same hosts, at the addresses of their networks. */
function planOn(plan: Plan, network: HostNetwork): Plan {
  const moved = <Host extends HostPlan>(host: Host): Host => ({ ...host, address: network.address(host.id) });
  const [control, a, b] = plan.hosts;
  return {
    ...plan,
    network: network.prefix,
    hosts: [moved(control), moved(a), moved(b)],
    server: plan.server.replace(control.address, network.address('control')),
  };
}
