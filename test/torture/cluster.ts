/**
 * Two storage daemons and control as real processes on loopback, with a proxy on each way between them:
 *
 *   127.0.N.10        control                    127.0.N.31, .32   control, as hosts a and b reach it
 *   127.0.N.11, .12   hosts a and b              127.0.N.21, .22   a and b, as control and each other reach them
 *
 * Clients go to .11 and .12 themselves. The volume's record is written into control's store before its first start: a
 * database whose engine is `none`, so that control's own monitor decides about it as about any other.
 */
import { mkdirSync, openSync, readSync, closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import { stringify } from 'smol-toml';
import { layerFile } from '../../bench/lib/layer-file.ts';
import { NO_ENGINE } from '../../control/model/engines.ts';
import { type StoredDatabase, keys, type VolumeRecord } from '../../control/model/records.ts';
import { openLevelStore } from '../../control/store/level-store.ts';
import { callUnary, type MethodEntry, methodOf } from '../../daemon/sys/grpc-unary.ts';
import { AgentServiceService, type ReplicaStatus } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { type DiskFault, FaultServiceService } from '../../proto/gen/lockstep/agent/v1/fault.ts';
import { DatabaseServiceService } from '../../proto/gen/lockstep/v1/database_service.ts';
import { Daemon } from './daemon.ts';
import { Proxy } from './proxy.ts';

export const HOSTS = ['a', 'b'] as const;
export type HostName = (typeof HOSTS)[number];
export type ProcessName = HostName | 'control';
export const LINKS = [
  'a to b',
  'b to a',
  'a to control',
  'b to control',
  'control to a',
  'control to b',
] as const;
export type LinkName = (typeof LINKS)[number];

export interface ClusterOptions {
  readonly folder: string;
  /** Third number of the addresses. */
  readonly network: number;
  readonly sizeBytes: number;
}

export const VOLUME = 'torture-volume';
const DATABASE = 'torture';
const PORTS = { api: 7400, replication: 7401, metrics: 7402, nbd: 10_809 } as const;
const DNS_PORT = 7453;
/**
 * Short, so that minutes see many failovers; long enough for a busy machine of two cores. The lease is the longer: a
 * replica that did not wait for its end would serve beside the old primary for a second.
 */
const TIMING = { lease_ms: 1500, heartbeat_ms: 100, silence_ms: 500, stall_ms: 1500 } as const;
const LAST_NUMBER: Readonly<Record<ProcessName, number>> = { control: 10, a: 11, b: 12 };
const CALL_MS = 2000;
const POLL_MS = 100;
const COMPARED_BYTES = 1024 * 1024;

/** Another connection each time a process is another: what an old one backs off from would be waited for. */
const CHANNEL = { 'grpc.initial_reconnect_backoff_ms': 50, 'grpc.max_reconnect_backoff_ms': 200 };

export class Cluster {
  readonly daemons: ReadonlyMap<ProcessName, Daemon>;
  readonly links: ReadonlyMap<LinkName, Proxy>;
  /** How copies that were seen to end were made, by the generation that they ended in: SEED, QUICK or COMPARE. */
  readonly copies = new Map<bigint, string>();
  readonly #options: ClusterOptions;
  readonly #clients = new Map<ProcessName, Client>();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.daemons = new Map(
      (['control', ...HOSTS] as const).map((name) => {
        const folder = join(options.folder, name);
        const files = { config: join(folder, 'config.toml'), log: join(folder, 'daemon.log') };
        return [name, new Daemon({ name, address: this.address(name), apiPort: PORTS.api, ...files })];
      }),
    );
    this.links = new Map(LINKS.map((name) => [name, this.#proxy(name)]));
  }

  /** With both copies in sync. */
  async start(): Promise<void> {
    for (const name of this.daemons.keys()) this.#writeConfig(name);
    await this.#writeRecords();
    await Promise.all([...this.links.values()].map((link) => link.listen()));
    for (const daemon of this.daemons.values()) daemon.start();
    await Promise.all([...this.daemons.values()].map((daemon) => daemon.serving()));
    const fence = { generation: 1n, workflow: 'torture', step: 'create' };
    const view = {
      volume: VOLUME,
      sizeBytes: BigInt(this.#options.sizeBytes),
      generation: 1n,
      primary: 'a',
      inSync: ['a'],
      replicas: [],
    };
    await this.#call('a', AgentServiceService.createReplica, { fence, view });
    await this.#call('a', AgentServiceService.setView, { fence, view });
  }

  address(name: ProcessName): string {
    return `127.0.${this.#options.network}.${LAST_NUMBER[name]}`;
  }

  get nbdPort(): number {
    return PORTS.nbd;
  }

  daemon(name: ProcessName): Daemon {
    const found = this.daemons.get(name);
    if (found === undefined) throw new Error(`there is no process ${name}`);
    return found;
  }

  link(name: LinkName): Proxy {
    const found = this.links.get(name);
    if (found === undefined) throw new Error(`there is no link ${name}`);
    return found;
  }

  async replica(host: HostName): Promise<ReplicaStatus | undefined> {
    const { replica } = await this.#call(host, AgentServiceService.getReplica, { volume: VOLUME });
    return replica;
  }

  async setFaults(host: HostName, faults: readonly DiskFault[]): Promise<void> {
    await this.#call(host, FaultServiceService.setFaults, { faults: [...faults] });
  }

  /** Half of what it has not flushed is gone, and its process too. */
  async losePower(host: HostName, seed: number): Promise<void> {
    await this.daemon(host).losePower(() => {
      this.#call(host, FaultServiceService.losePower, { seed }).catch(() => undefined);
    });
  }

  /** A planned one; control may well refuse it. */
  async failOver(): Promise<void> {
    const request = { name: `databases/${DATABASE}`, requestId: '', etag: '', validateOnly: false };
    await this.#call('control', DatabaseServiceService.failoverDatabase, request);
  }

  /** Why the volume is not redundant and quiet; undefined when it is. */
  async whyNotRedundant(): Promise<string | undefined> {
    const replicas: ReplicaStatus[] = [];
    for (const host of HOSTS) {
      const replica = await this.replica(host).catch((error: unknown) => String(error));
      if (typeof replica !== 'object') return `${host}: ${replica ?? 'no replica'}`;
      replicas.push(replica);
      const { state, generation, copy } = replica;
      if (state === 'SERVING' && copy?.phase === 'DONE') this.copies.set(generation, copy.mode);
    }
    const told = replicas.map(({ state, generation, reason }) => `${state} ${String(generation)} ${reason}`);
    const states = replicas.map((replica) => replica.state).sort();
    const [first, second] = replicas;
    const isWell =
      states.join(' ') === 'SECONDARY SERVING' &&
      first?.generation === second?.generation &&
      replicas.every((replica) => replica.inSync.length === HOSTS.length && replica.peerConnected);
    return isWell ? undefined : told.map((text, index) => `${HOSTS[index] ?? ''} ${text}`).join('; ');
  }

  async redundant(limitMs: number, signal: AbortSignal): Promise<void> {
    const endMs = performance.now() + limitMs;
    for (;;) {
      signal.throwIfAborted();
      const why = await this.whyNotRedundant();
      if (why === undefined) return;
      if (performance.now() > endMs) throw new Error(`not redundant within ${limitMs} ms: ${why}`);
      await sleep(POLL_MS);
    }
  }

  /** Offset of the first byte in which the two files differ, while nothing writes to them; undefined: none. */
  async firstDifference(): Promise<number | undefined> {
    const paths = await Promise.all(HOSTS.map((host) => this.#dataFile(host)));
    const files = paths.map((path) => openSync(path, 'r'));
    const [a, b] = [Buffer.alloc(COMPARED_BYTES), Buffer.alloc(COMPARED_BYTES)];
    try {
      for (let at = 0; at < this.#options.sizeBytes; at += COMPARED_BYTES) {
        const [ofA, ofB] = [
          readSync(files[0] ?? -1, a, { position: at }),
          readSync(files[1] ?? -1, b, { position: at }),
        ];
        if (ofA !== ofB) return at + Math.min(ofA, ofB);
        if (!a.equals(b)) return at + a.findIndex((byte, index) => byte !== b[index]);
      }
      return undefined;
    } finally {
      for (const file of files) closeSync(file);
    }
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    for (const link of this.links.values()) link.close();
    await Promise.all([...this.daemons.values()].map((daemon) => daemon.kill()));
  }

  #dataFile(host: HostName): Promise<string> {
    return layerFile(join(this.#options.folder, host, 'state'), VOLUME);
  }

  #proxy(name: LinkName): Proxy {
    const [from, , to] = name.split(' ') as [ProcessName, string, ProcessName];
    const port = from === 'control' || to === 'control' ? PORTS.api : PORTS.replication;
    const last = to === 'control' ? LAST_NUMBER[from] + 20 : LAST_NUMBER[to] + 10;
    const listenOn = { host: `127.0.${this.#options.network}.${last}`, port };
    return new Proxy(listenOn, { host: this.address(to), port });
  }

  #writeConfig(name: ProcessName): void {
    const { folder, network } = this.#options;
    const { config } = this.daemon(name).plan;
    mkdirSync(join(folder, name), { recursive: true });
    const host = { name, address: this.address(name), state_dir: join(folder, name, 'state') };
    const last = LAST_NUMBER[name];
    const role =
      name === 'control'
        ? { host, control: { dns: { port: DNS_PORT } } }
        : {
            host: { ...host, zone: name, advertised_address: `127.0.${network}.${last + 10}` },
            storage: {},
            coordinator: { server: `127.0.${network}.${last + 20}:${PORTS.api}` },
          };
    writeFileSync(config, stringify({ ...role, ports: { ...PORTS }, timing: { ...TIMING } }));
  }

  async #writeRecords(): Promise<void> {
    const { folder, sizeBytes } = this.#options;
    const volume: VolumeRecord = {
      volume: VOLUME,
      database: DATABASE,
      sizeBytes,
      generation: 1,
      primary: 'a',
      inSync: ['a'],
      replicas: [...HOSTS],
    };
    const database: StoredDatabase = {
      id: DATABASE,
      uid: '',
      createTimeMs: 0,
      engine: NO_ENGINE,
      engineVersion: '',
      sizeBytes,
      lifecycle: 'active',
      failure: '',
      volume: VOLUME,
      port: 1,
      user: '',
      unclaimedPassword: '',
      busyWith: '',
      aliasHost: 'a',
      aliasGeneration: 1,
    };
    const store = await openLevelStore(join(folder, 'control', 'state', 'control'));
    await store.transact(
      [],
      [
        { key: keys.volume(VOLUME), value: volume },
        { key: keys.database(DATABASE), value: database },
      ],
    );
    await store.close();
  }

  #call<Request, Response>(
    name: ProcessName,
    method: MethodEntry<Request, Response>,
    request: Request,
  ): Promise<Response> {
    const target = `${this.address(name)}:${PORTS.api}`;
    const client = this.#clients.get(name) ?? new Client(target, credentials.createInsecure(), CHANNEL);
    this.#clients.set(name, client);
    return callUnary(methodOf(client, method), request, { deadlineMs: CALL_MS });
  }
}
