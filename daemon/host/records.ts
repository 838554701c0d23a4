/** Which volumes this host has attached or is about to, and which engine runs on each: one small file per volume. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readRecord, removeRecord, writeRecord } from './durable.ts';

const engineSchema = z.object({
  engine: z.string(),
  database: z.string(),
  volume: z.string(),
  port: z.int(),
  user: z.string(),
  // Absent from what was written before there were any.
  parameters: z.record(z.string(), z.string()).default({}),
  version: z.string().default(''),
});

const volumeSchema = z.object({
  volume: z.string(),
  sizeBytes: z.int(),
  engine: engineSchema.optional(),
});

/** An engine as control names it: the address and the mount point are this host's own affair. */
export type HostEngine = Readonly<z.output<typeof engineSchema>>;
export type VolumeOnHost = Readonly<z.output<typeof volumeSchema>>;

export class HostRecords {
  private readonly folder: string;

  constructor(stateDir: string) {
    this.folder = join(stateDir, 'run', 'volumes');
  }

  async get(volume: string): Promise<VolumeOnHost | undefined> {
    return volumeSchema.safeParse(await readRecord(this.path(volume))).data;
  }

  async list(): Promise<readonly VolumeOnHost[]> {
    const names = this.fileNames().filter((name) => name.endsWith('.json'));
    const found = await Promise.all(names.map((name) => this.get(name.slice(0, -'.json'.length))));
    return found.filter((record) => record !== undefined);
  }

  /** Durable when it resolves; writes nothing where nothing changes, which spares a failover two flushes. */
  async put(record: VolumeOnHost): Promise<void> {
    const before = await this.get(record.volume);
    if (JSON.stringify(before) !== JSON.stringify(record))
      await writeRecord(this.path(record.volume), record);
  }

  remove(volume: string): Promise<void> {
    return removeRecord(this.path(volume));
  }

  /** At once: every heartbeat asks, and on a busy host the way through the thread pool takes it up to 20 ms. */
  private fileNames(): readonly string[] {
    try {
      return readdirSync(this.folder);
    } catch {
      return [];
    }
  }

  private path(volume: string): string {
    return join(this.folder, `${volume}.json`);
  }
}
