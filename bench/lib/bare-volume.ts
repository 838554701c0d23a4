/**
 * A replicated volume without an engine on an installation of its own: what is measured is replication, through the
 * socket that a host's block device uses. Its records are written into control's store before control's first start;
 * from there on control looks after it as after any other.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { daemonOf } from '../../client/quickstart/daemons.ts';
import { PORTS } from '../../client/quickstart/plan.ts';
import { NO_ENGINE } from '../../control/model/engines.ts';
import { type StoredDatabase, keys, type VolumeRecord } from '../../control/model/records.ts';
import { openLevelStore } from '../../control/store/level-store.ts';
import { callUnary, methodOf } from '../../daemon/sys/grpc-unary.ts';
import { AgentServiceService as agent, type ReplicaStatus } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { Installation } from './installation.ts';
import { layerFile } from './layer-file.ts';

export const VOLUME = 'bench-volume';
export const PRIMARY = 'host-a';
export const SECONDARY = 'host-b';
const DATABASE = 'bench';
const CALL_MS = 5000;
const KIB = 1024;

export interface BareVolumeOptions {
  /** Of the installation. */
  readonly network: number;
  readonly sizeBytes: number;
  readonly copies?: 1 | 2;
  /** Of each daemon, in place of what the product has. */
  readonly nodeFlags?: readonly string[];
  /** Of each daemon, beside what it has by itself. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class BareVolume {
  readonly installation: Installation;
  readonly sizeBytes: number;
  readonly #agent: Client;

  /** On host-a alone as soon as this resolves; of two copies control has host-b seeded by itself. */
  static async start(options: BareVolumeOptions): Promise<BareVolume> {
    const { network, sizeBytes, copies = 2, nodeFlags = [], environment = {} } = options;
    const installation = await Installation.start({
      network,
      nodeFlags,
      environment,
      prepare: async ({ hosts: [control] }) => {
        const folder = join(control.stateDir, 'control');
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const replicas = copies === 1 ? [PRIMARY] : [PRIMARY, SECONDARY];
        await writeRecords(folder, [{ volume: VOLUME, database: DATABASE, sizeBytes, replicas }]);
      },
    });
    const bare = new BareVolume(installation, sizeBytes);
    try {
      await bare.#create();
    } catch (error) {
      await bare.destroy();
      throw error;
    }
    return bare;
  }

  private constructor(installation: Installation, sizeBytes: number) {
    this.installation = installation;
    this.sizeBytes = sizeBytes;
    const target = `${installation.host(PRIMARY).address}:${String(PORTS.api)}`;
    this.#agent = new Client(target, credentials.createInsecure());
  }

  /** Where the clients of the primary's host connect. */
  get socketPath(): string {
    return join(this.installation.host(PRIMARY).stateDir, 'sockets', 'nbd.sock');
  }

  /** Of all its bytes, once there is one. */
  dataFile(host: string): Promise<string> {
    return layerFile(this.installation.host(host).stateDir, VOLUME);
  }

  /** Of the primary, now. */
  async primary(): Promise<ReplicaStatus> {
    const request = { volume: VOLUME };
    const { replica } = await callUnary(methodOf(this.#agent, agent.getReplica), request, {
      deadlineMs: CALL_MS,
    });
    if (replica === undefined) throw new Error(`${PRIMARY} has no replica`);
    return replica;
  }

  /** Memory of the host's daemon, now. */
  async residentBytes(host: string): Promise<number> {
    const daemon = await daemonOf(this.installation.host(host));
    const status = daemon === undefined ? '' : readFileSync(`/proc/${String(daemon.pid)}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * KIB;
  }

  async inSync(limitMs: number): Promise<void> {
    const isSo = async (): Promise<boolean> => (await this.primary()).state === 'SERVING';
    await this.installation.until('both copies are in sync', isSo, limitMs);
  }

  async destroy(): Promise<void> {
    this.#agent.close();
    await this.installation.destroy();
  }

  async #create(): Promise<void> {
    await createPrimary(this.#agent, VOLUME, this.sizeBytes);
    const serves = async (): Promise<boolean> => ['SOLO', 'SERVING'].includes((await this.primary()).state);
    await this.installation.until(`${PRIMARY} serves the volume`, serves);
  }
}

/** What control would ask of the host that a new volume begins on. */
export async function createPrimary(client: Client, volume: string, sizeBytes: number): Promise<void> {
  const fence = { generation: 1n, workflow: 'bench', step: 'create' };
  const view = {
    volume,
    sizeBytes: BigInt(sizeBytes),
    generation: 1n,
    primary: PRIMARY,
    inSync: [PRIMARY],
    replicas: [],
  };
  const options = { deadlineMs: CALL_MS };
  await callUnary(methodOf(client, agent.createReplica), { fence, view }, options);
  await callUnary(methodOf(client, agent.setView), { fence, view }, options);
}

export interface RecordedVolume {
  readonly volume: string;
  readonly database: string;
  readonly sizeBytes: number;
  readonly replicas: readonly string[];
}

/** Into control's store, before its first start. */
export async function writeRecords(folder: string, volumes: readonly RecordedVolume[]): Promise<void> {
  const store = await openLevelStore(folder);
  await store.transact([], volumes.flatMap(recordsOf));
  await store.close();
}

function recordsOf({ volume, database, sizeBytes, replicas }: RecordedVolume) {
  const value: VolumeRecord = {
    volume,
    database,
    sizeBytes,
    generation: 1,
    primary: PRIMARY,
    inSync: [PRIMARY],
    replicas,
  };
  const owner: StoredDatabase = {
    id: database,
    uid: '',
    createTimeMs: 0,
    engine: NO_ENGINE,
    engineVersion: '',
    sizeBytes,
    lifecycle: 'active',
    failure: '',
    volume,
    port: 1,
    user: '',
    unclaimedPassword: '',
    busyWith: '',
    aliasHost: PRIMARY,
    aliasGeneration: 1,
  };
  return [
    { key: keys.volume(volume), value },
    { key: keys.database(database), value: owner },
  ];
}
