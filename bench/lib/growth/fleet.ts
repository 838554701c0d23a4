/**
 * Several volumes of one size on an installation of its own, all with their primary on one host: what grows with the
 * number of volumes is that host's daemon.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import { daemonOf } from '../../../client/quickstart/daemons.ts';
import { PORTS } from '../../../client/quickstart/plan.ts';
import { callUnary, methodOf } from '../../../daemon/sys/grpc-unary.ts';
import {
  AgentServiceService as agent,
  type ReplicaStatus,
} from '../../../proto/gen/lockstep/agent/v1/agent.ts';
import { createPrimary, PRIMARY, SECONDARY, writeRecords } from '../bare-volume.ts';
import { Installation } from '../installation.ts';
import { layerFile } from '../layer-file.ts';
import { NbdWriter } from '../nbd-writer.ts';

const CALL_MS = 5000;
const POLL_MS = 10;
const BYTES_PER_KIB = 1024;
const BLOCK = Buffer.alloc(4096, 'g');
const IN_SYNC_MS = 120_000;

export interface FleetOptions {
  /** Of the installation. */
  readonly network: number;
  readonly count: number;
  readonly sizeBytes: number;
  readonly copies: 1 | 2;
}

export class Fleet {
  readonly installation: Installation;
  readonly volumes: readonly string[];
  readonly copies: 1 | 2;
  readonly #agent: Client;

  /** All of them with all their copies in sync, and at rest. */
  static async start({ network, count, sizeBytes, copies }: FleetOptions): Promise<Fleet> {
    const volumes = Array.from({ length: count }, (_, index) => `bench-${String(index + 1)}`);
    const replicas = copies === 1 ? [PRIMARY] : [PRIMARY, SECONDARY];
    const installation = await Installation.start({
      network,
      prepare: async ({ hosts: [control] }) => {
        const folder = join(control.stateDir, 'control');
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const records = volumes.map((volume) => ({ volume, database: `of-${volume}`, sizeBytes, replicas }));
        await writeRecords(folder, records);
      },
    });
    const fleet = new Fleet(installation, volumes, copies);
    try {
      for (const volume of volumes) await createPrimary(fleet.#agent, volume, sizeBytes);
      await fleet.serving();
      if (copies === 2) await fleet.settled();
    } catch (error) {
      await fleet.destroy();
      throw error;
    }
    return fleet;
  }

  private constructor(installation: Installation, volumes: readonly string[], copies: 1 | 2) {
    this.installation = installation;
    this.volumes = volumes;
    this.copies = copies;
    const target = `${installation.host(PRIMARY).address}:${String(PORTS.api)}`;
    this.#agent = new Client(target, credentials.createInsecure());
  }

  get hosts(): readonly string[] {
    return this.copies === 2 ? [PRIMARY, SECONDARY] : [PRIMARY];
  }

  /** Where the clients of the primaries' host connect. */
  get socketPath(): string {
    return join(this.installation.host(PRIMARY).stateDir, 'sockets', 'nbd.sock');
  }

  uri(volume: string): string {
    return `nbd+unix:///${volume}?socket=${this.socketPath}`;
  }

  dataFile(host: string, volume: string): Promise<string> {
    return layerFile(this.installation.host(host).stateDir, volume);
  }

  async primary(volume: string): Promise<ReplicaStatus> {
    const { replica } = await callUnary(
      methodOf(this.#agent, agent.getReplica),
      { volume },
      { deadlineMs: CALL_MS },
    );
    if (replica === undefined) throw new Error(`${PRIMARY} has no replica of ${volume}`);
    return replica;
  }

  /** Every volume, with all its copies. */
  async serving(): Promise<void> {
    const state = this.copies === 2 ? 'SERVING' : 'SOLO';
    for (const volume of this.volumes)
      await this.installation.until(
        `${volume} is ${state}`,
        async () => (await this.primary(volume)).state === state,
        IN_SYNC_MS,
      );
  }

  /** The snapshots that the copies were made from are merged: one file on each host has all of a volume. */
  async settled(): Promise<void> {
    for (const host of this.hosts) for (const volume of this.volumes) await this.dataFile(host, volume);
  }

  /** Of the host's daemon, which runs. */
  async pid(host: string): Promise<number> {
    const daemon = await daemonOf(this.installation.host(host));
    if (daemon === undefined) throw new Error(`the daemon of ${host} does not run`);
    return daemon.pid;
  }

  /** What the process of the host's daemon has in memory, in bytes. */
  async residentBytes(host: string): Promise<number> {
    const status = readFileSync(`/proc/${String(await this.pid(host))}/status`, 'utf8');
    const kib = /^VmRSS:\s+(?<kib>\d+) kB$/m.exec(status)?.groups?.['kib'];
    if (kib === undefined) throw new Error(`the daemon of ${host} is gone`);
    return Number(kib) * BYTES_PER_KIB;
  }

  /**
   * Its daemon is killed and started again. Answers the milliseconds from the start of the process until a client's write
   * to each of the volumes is acknowledged: of the first that is, and of the last.
   */
  async restart(host: string): Promise<{ readonly firstMs: number; readonly allMs: number }> {
    const { installation, volumes } = this;
    await installation.killHost(host);
    const startMs = performance.now();
    const started = installation.startHost(host);
    let firstMs = 0;
    for (const volume of volumes) {
      await this.#answers(volume);
      if (firstMs === 0) firstMs = performance.now() - startMs;
    }
    const allMs = performance.now() - startMs;
    await started;
    return { firstMs, allMs };
  }

  async #answers(volume: string): Promise<void> {
    const giveUpAtMs = performance.now() + IN_SYNC_MS;
    for (;;) {
      try {
        const writer = await NbdWriter.open(this.socketPath, volume);
        await writer.write(0, BLOCK);
        await writer.close();
        return;
      } catch (error) {
        if (performance.now() > giveUpAtMs) throw error;
      }
      await sleep(POLL_MS);
    }
  }

  async destroy(): Promise<void> {
    this.#agent.close();
    await this.installation.destroy();
  }
}
