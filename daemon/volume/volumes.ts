/**
 * All volumes of this host: opened at start, made and deleted by control, served to NBD clients while this host's
 * replica is primary, and given the links that peers open.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KeyedMutex } from '../host/poll.ts';
import type { DurableState, KeptState, View } from '../replication/interface.ts';
import type { ReplicaState } from '../replication/states.ts';
import { REGION_BYTES } from '../replication/units.ts';
import { Fallback, removeFallback } from '../store/fallback.ts';
import type { Store } from '../store/store.ts';
import { syncFolder } from '../store/sync-folder.ts';
import { VolumeFile } from '../store/volume-file.ts';
import { invalidField, LockstepError, messageOf } from '../sys/errors.ts';
import type { DecodedFrame } from '../wire/codec.ts';
import type { Link } from '../wire/link.ts';
import { VolumeExports } from './exports.ts';
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
  readonly stallMs: number;
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

type Kept = Omit<KeptState, 'preserved'>;

export class Volumes {
  /** What NBD clients see. */
  readonly exports: VolumeExports = new VolumeExports(this);
  readonly #options: VolumesOptions;
  readonly #volumes = new Map<string, Volume>();
  /** Of a volume that could not be opened: its last generation, and why. */
  readonly #unopened = new Map<string, { readonly generation: number; readonly why: string }>();
  /** A create whose answer was lost is asked again while the first is at work, and must not take its file away. */
  readonly #changes = new KeyedMutex();
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: VolumesOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  }

  /** Opens what this host holds. A volume that cannot be opened is reported and left alone; the others serve on. */
  async openAll(): Promise<void> {
    const { world } = this.#options;
    for (const { volume, sizeBytes, durable, maps } of await world.meta.list()) {
      try {
        await this.#open(volume, sizeBytes, { durable, maps });
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
    const durable = firstState(this.#options.bootId);
    try {
      // Before the record: one that outlives the loss of power must find its file.
      for (const folder of [this.#folder(volume), this.#options.folder]) await syncFolder(folder);
      await this.#options.world.meta.put({ volume, sizeBytes, durable });
    } catch (error) {
      file.close();
      throw error;
    }
    this.#unopened.delete(volume);
    this.#add(volume, file, { durable, maps: new Map() });
  }

  /**
   * Idempotent. The record goes first: a crash between leaves a file that nobody opens, removed at the next create.
   * `check` throws if it is not to be deleted after all; nothing comes between it and the end of the replica.
   */
  async delete(volume: string, check: () => void = () => undefined): Promise<void> {
    checkName(volume);
    await this.#changes.run(volume, async () => {
      check();
      this.exports.revokeAll(volume);
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

  /** What this host holds and could not open when its process started. */
  unopened(): readonly { readonly volume: string; readonly generation: number; readonly why: string }[] {
    return [...this.#unopened].map(([volume, facts]) => ({ volume, ...facts }));
  }

  all(): readonly Volume[] {
    return [...this.#volumes.values()];
  }

  /** Of the control store: an answer to a heartbeat, or the word of a workflow. */
  tell(volume: string, view: View, options: { readonly explicit: boolean }): void {
    this.#volumes.get(volume)?.run({ type: 'view', view, explicit: options.explicit });
  }

  /** A person chose this host's replica, which may lack acknowledged writes, as the primary of `view`. */
  force(volume: string, view: View): void {
    this.require(volume).run({ type: 'force', view });
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

  async #open(name: string, sizeBytes: number, kept: Kept): Promise<void> {
    // Of a copy that was completed, or that never began to change anything.
    if (!kept.durable.mixed) await removeFallback(this.#fallbackPath(name));
    const file = new VolumeFile(this.#path(name), sizeBytes, 'open');
    try {
      this.#add(name, file, kept);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  #add(name: string, file: VolumeFile, kept: Kept): void {
    const { host, incarnation, bootId, world, stateChanged } = this.#options;
    const { leaseMs, heartbeatMs, silenceMs, stallMs } = this.#options;
    const timing = { leaseMs, heartbeatMs, silenceMs, stallMs };
    const store = this.#options.layer?.(name, file) ?? file;
    const volume = new Volume(
      {
        ...world,
        stateChanged: (changed, from, to) => {
          this.exports.stateChanged(name, from, to);
          stateChanged(changed, to);
        },
      },
      { store, fallback: new Fallback(this.#fallbackPath(name), store) },
      { volume: name, sizeBytes: store.sizeBytes, host, incarnation, bootId, ...timing },
      kept,
    );
    this.#volumes.set(name, volume);
  }

  #folder(volume: string): string {
    return join(this.#options.folder, volume);
  }

  #path(volume: string): string {
    return join(this.#folder(volume), 'data');
  }

  #fallbackPath(volume: string): string {
    return join(this.#folder(volume), 'fallback');
  }
}

function checkName(volume: string): void {
  if (!NAME.test(volume))
    throw invalidField('volume', volume, '1 to 63 of letters, digits, "_", "." and "-"');
}

function firstState(bootId: string): DurableState {
  return {
    view: { generation: 0, primary: '', inSync: [] },
    complete: false,
    blank: true,
    candidateFor: 0,
    flushFailedIn: '',
    asking: '',
    promoting: false,
    bootId,
    consistentAt: 0,
    mixed: false,
    copyFrom: { host: '', generation: 0 },
    tracked: [],
  };
}
