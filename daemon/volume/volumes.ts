/**
 * All volumes of this host: opened at start, made and deleted by control, served to NBD clients while this host's
 * replica is primary, and given the links that peers open.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KeyedMutex } from '../host/poll.ts';
import type { ExportDirectory, ExportEntry, OpenResult } from '../nbd/block.ts';
import type { DurableState, View } from '../replication/interface.ts';
import { isPrimaryState, type ReplicaState } from '../replication/states.ts';
import { REGION_BYTES } from '../replication/units.ts';
import type { Store } from '../store/store.ts';
import { VolumeFile } from '../store/volume-file.ts';
import { invalidField, LockstepError, messageOf } from '../sys/errors.ts';
import type { DecodedFrame } from '../wire/codec.ts';
import type { Link } from '../wire/link.ts';
import { Volume, type VolumeWorld } from './volume.ts';

export interface VolumesOptions {
  /** Each volume has a folder of its own below it. */
  readonly folder: string;
  readonly host: string;
  readonly incarnation: number;
  readonly bootId: string;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  readonly world: Omit<VolumeWorld, 'stateChanged'>;
  /** Puts a layer over the disk of each volume, such as one that fails. */
  readonly layer?: (volume: string, store: Store) => Store;
  /** Clients are already cut off when it is called. */
  readonly stateChanged: (volume: Volume, to: ReplicaState) => void;
}

/** How often time-driven decisions are looked at: a promotion waits at most this much too long. */
const TICK_MS = 20;
/** A name becomes a folder. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

export class Volumes implements ExportDirectory {
  readonly #options: VolumesOptions;
  readonly #volumes = new Map<string, Volume>();
  /** Of a volume that could not be opened: its last generation, and why. */
  readonly #unopened = new Map<string, { readonly generation: number; readonly why: string }>();
  /** A create whose answer was lost is asked again while the first is at work, and must not take its file away. */
  readonly #changes = new KeyedMutex();
  readonly #revocations = new Map<string, Set<() => void>>();
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: VolumesOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  }

  /** Opens what this host holds. A volume that cannot be opened is reported and left alone; the others serve on. */
  async openAll(): Promise<void> {
    const { world } = this.#options;
    for (const { volume, sizeBytes, durable } of await world.meta.list()) {
      try {
        this.#add(volume, new VolumeFile(this.#path(volume), sizeBytes, 'open'), durable);
      } catch (error) {
        this.#unopened.set(volume, { generation: durable.view.generation, why: messageOf(error) });
        world.log.error({ volume, error: messageOf(error) }, 'a volume cannot be opened');
      }
    }
    this.#ticker = setInterval(() => {
      for (const volume of this.#volumes.values()) volume.tick();
    }, TICK_MS);
  }

  /** Idempotent. The first record is durable before it answers; a crash before leaves a file that is made anew. */
  async create(volume: string, sizeBytes: number): Promise<void> {
    checkName(volume);
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes % REGION_BYTES !== 0)
      throw invalidField('size_bytes', String(sizeBytes), `a multiple of ${String(REGION_BYTES)} above 0`);
    await this.#changes.run(volume, () => this.#create(volume, sizeBytes));
  }

  async #create(volume: string, sizeBytes: number): Promise<void> {
    const existing = this.#volumes.get(volume);
    if (existing !== undefined) {
      if (existing.sizeBytes === sizeBytes) return;
      throw new LockstepError(
        'ALREADY_EXISTS',
        `volume ${volume} exists with ${String(existing.sizeBytes)} bytes`,
      );
    }
    rmSync(this.#folder(volume), { recursive: true, force: true });
    mkdirSync(this.#folder(volume), { recursive: true, mode: 0o700 });
    const file = new VolumeFile(this.#path(volume), sizeBytes, 'create');
    const durable: DurableState = {
      view: { generation: 0, primary: '', inSync: [] },
      complete: false,
      blank: true,
      candidateFor: 0,
      asking: '',
      promoting: false,
      bootId: this.#options.bootId,
    };
    try {
      // Before the record: one that outlives the loss of power must find its file.
      for (const folder of [this.#folder(volume), this.#options.folder]) syncFolder(folder);
      await this.#options.world.meta.put({ volume, sizeBytes, durable });
    } catch (error) {
      file.close();
      throw error;
    }
    this.#unopened.delete(volume);
    this.#add(volume, file, durable);
  }

  /**
   * Idempotent. The record goes first: a crash between leaves a file that nobody opens, removed at the next create.
   * `check` throws if it is not to be deleted after all; nothing comes between it and the end of the replica.
   */
  async delete(volume: string, check: () => void = () => undefined): Promise<void> {
    checkName(volume);
    await this.#changes.run(volume, async () => {
      check();
      this.#revoke(volume);
      this.#volumes.get(volume)?.close();
      this.#volumes.delete(volume);
      await this.#options.world.meta.delete(volume);
      this.#unopened.delete(volume);
      rmSync(this.#folder(volume), { recursive: true, force: true });
    });
  }

  get(volume: string): Volume | undefined {
    return this.#volumes.get(volume);
  }

  require(volume: string): Volume {
    const found = this.#volumes.get(volume);
    if (found !== undefined) return found;
    const unopened = this.#unopened.get(volume);
    const why = unopened === undefined ? '' : ` that can be opened: ${unopened.why}`;
    throw new LockstepError('NOT_FOUND', `this host has no replica of volume ${volume}${why}`, {
      reason: 'NO_SUCH_REPLICA',
      metadata: { volume },
    });
  }

  /** The newest generation of a volume that this host has seen; 0 where it knows of none. */
  generationOf(volume: string): number {
    return this.#volumes.get(volume)?.view.generation ?? this.#unopened.get(volume)?.generation ?? 0;
  }

  all(): readonly Volume[] {
    return [...this.#volumes.values()];
  }

  /** Of the control store: an answer to a heartbeat, or the word of a workflow. */
  tell(volume: string, view: View, options: { readonly explicit: boolean }): void {
    this.#volumes.get(volume)?.run({ type: 'view', view, explicit: options.explicit });
  }

  /** A peer opened a link and said which volume it is about. */
  accept(link: Link, first: DecodedFrame): void {
    const { message } = first;
    const volume = message.type === 'hello' ? this.#volumes.get(message.volume) : undefined;
    if (volume !== undefined) {
      volume.accept(link, first);
      return;
    }
    const reason = message.type === 'hello' ? 'UNKNOWN_VOLUME' : 'MALFORMED';
    link.send({
      type: 'refusal',
      generation: 0,
      primary: '',
      reason,
      message: 'the first frame names no volume of this host',
    });
    link.close();
  }

  closeAll(): void {
    clearInterval(this.#ticker);
    for (const volume of this.#volumes.values()) volume.close();
    this.#volumes.clear();
  }

  // What NBD clients see: the volumes that this host is primary of.

  list(): readonly ExportEntry[] {
    return this.all()
      .filter((volume) => volume.serves)
      .map(({ name, view }) => ({ name, description: `generation ${String(view.generation)}` }));
  }

  open(name: string, onRevoke: () => void): OpenResult {
    const volume = this.#volumes.get(name);
    if (volume === undefined)
      return { ok: false, reason: 'UNKNOWN', message: `no volume ${name} on this host` };
    if (!volume.serves)
      return { ok: false, reason: 'NOT_SERVING', message: `the replica on this host is ${volume.state}` };
    const revocations = this.#revocations.get(name) ?? new Set();
    this.#revocations.set(name, revocations.add(onRevoke));
    return { ok: true, backend: volume };
  }

  close(name: string, onRevoke: () => void): void {
    this.#revocations.get(name)?.delete(onRevoke);
  }

  #add(name: string, file: VolumeFile, durable: DurableState): void {
    const { host, incarnation, bootId, leaseMs, heartbeatMs, silenceMs, world, stateChanged } = this.#options;
    const store = this.#options.layer?.(name, file) ?? file;
    const timing = { leaseMs, heartbeatMs, silenceMs };
    const volume = new Volume(
      {
        ...world,
        stateChanged: (changed, from, to) => {
          if (isPrimaryState(from) && !isPrimaryState(to)) this.#revoke(name);
          stateChanged(changed, to);
        },
      },
      store,
      { volume: name, sizeBytes: store.sizeBytes, host, incarnation, bootId, ...timing },
      durable,
    );
    this.#volumes.set(name, volume);
  }

  #revoke(name: string): void {
    const revocations = this.#revocations.get(name) ?? [];
    this.#revocations.delete(name);
    for (const revoke of revocations) revoke();
  }

  #folder(volume: string): string {
    return join(this.#options.folder, volume);
  }

  #path(volume: string): string {
    return join(this.#folder(volume), 'data');
  }
}

function checkName(volume: string): void {
  if (!NAME.test(volume))
    throw invalidField('volume', volume, '1 to 63 of letters, digits, "_", "." and "-"');
}

function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
