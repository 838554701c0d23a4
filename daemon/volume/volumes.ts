/**
 * All volumes of this host: opened at start, made and deleted by control, served to NBD clients while this host's
 * replica is primary, and given the links that peers open.
 */
import { existsSync, mkdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { DurableState, KeptState, View } from '../replication/interface.ts';
import type { ReplicaState } from '../replication/states.ts';
import { REGION_BYTES } from '../replication/units.ts';
import { Fallback, removeFallback } from '../store/fallback.ts';
import { Background } from '../store/background.ts';
import { systemFiles } from '../store/files.ts';
import { LayeredDisk } from '../store/layered-disk.ts';
import { LayerStore } from '../store/layers/layer-store.ts';
import type { LayeredVolume } from '../store/layers/layered-volume.ts';
import { type Room, Space, type SpaceLimits } from '../store/space.ts';
import type { Store } from '../store/store.ts';
import { syncFolder } from '../store/sync-folder.ts';
import { assert, invalidField, LockstepError, messageOf } from '../sys/errors.ts';
import { KeyedMutex } from '../sys/keyed-mutex.ts';
import type { DecodedFrame } from '../wire/codec.ts';
import type { Link } from '../wire/link.ts';
import { VolumeExports } from './exports.ts';
import { revertUnderWay } from './revert.ts';
import { shrinkReplica } from './shrink.ts';
import { Volume, type VolumeWorld } from './volume.ts';

export interface VolumesOptions {
  /** `layers/` in it has the bytes of all volumes, `volumes/<name>/` what else belongs to one. */
  readonly stateDir: string;
  readonly host: string;
  readonly incarnation: number;
  readonly bootId: string;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  readonly stallMs: number;
  /** Of the file system that `stateDir` is on. */
  readonly space: SpaceLimits;
  readonly world: Omit<VolumeWorld, 'stateChanged' | 'answersUntil' | 'tookMs' | 'space'>;
  /** Puts a layer over the disk of each volume, such as one that fails. */
  readonly layer?: (volume: string, store: Store) => Store;
  /** Clients are already cut off when it is called. */
  readonly stateChanged: (volume: Volume, to: ReplicaState) => void;
  /** See VolumeWorld. */
  readonly answersUntil: VolumeWorld['answersUntil'];
}

/** How often time-driven decisions are looked at: a promotion waits at most this much too long. */
const TICK_MS = 20;
/** A name becomes a folder. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

type Kept = Omit<KeptState, 'preserved'>;

export class Volumes {
  /** What NBD clients see. */
  readonly exports: VolumeExports = new VolumeExports(this);
  readonly space: Space;
  readonly #options: VolumesOptions;
  readonly #folder: string;
  #opened: { readonly store: LayerStore; readonly background: Background } | undefined;
  readonly #volumes = new Map<string, Volume>();
  /** Of a volume that could not be opened: its last generation, and why. */
  readonly #unopened = new Map<string, { readonly generation: number; readonly why: string }>();
  /** A create whose answer was lost is asked again while the first is at work, and must not take its file away. */
  readonly #changes = new KeyedMutex();
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: VolumesOptions) {
    this.#options = options;
    this.#folder = join(options.stateDir, 'volumes');
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const { clock, log } = options.world;
    this.space = new Space({ limits: options.space, measure: () => roomOf(this.#folder), clock, log });
  }

  /** The bytes of all volumes of this host. */
  get store(): LayerStore {
    assert(this.#opened !== undefined, 'the volumes are open');
    return this.#opened.store;
  }

  /** Opens what this host holds. A volume that cannot be opened is reported and left alone; the others serve on. */
  async openAll(): Promise<void> {
    const { world, stateDir, bootId } = this.#options;
    const store = await LayerStore.open({
      files: systemFiles,
      catalogue: world.meta.catalogue,
      folder: join(stateDir, 'layers'),
      bootId,
      regionBytes: REGION_BYTES,
      nowMs: Date.now,
      log: world.log,
    });
    const background = new Background({ step: () => store.step(), clock: world.clock, log: world.log });
    this.#opened = { store, background };
    const kept = await world.meta.list();
    // Of a create or a delete that a crash cut short: a volume begins and ends with its replica's record.
    for (const { volume } of store.volumes)
      if (!kept.some((replica) => replica.volume === volume)) await store.deleteVolume(volume);
    for (const { volume, sizeBytes, durable, maps } of kept) {
      try {
        await this.#open(volume, sizeBytes, { durable, maps });
      } catch (error) {
        this.#unopened.set(volume, { generation: durable.view.generation, why: messageOf(error) });
        world.log.error({ volume, error: messageOf(error) }, 'a volume cannot be opened');
      }
    }
    this.#ticker = setInterval(() => {
      this.space.tick();
      for (const volume of this.#volumes.values()) volume.tick();
    }, TICK_MS);
  }

  /** Idempotent. The first record is durable before it answers; a crash before leaves a file that is made anew. */
  async create(volume: string, sizeBytes: number): Promise<void> {
    checkName(volume);
    checkSize(sizeBytes);
    await this.#changes.run(volume, () => this.#create(volume, sizeBytes));
  }

  /** Idempotent; on stable storage when it answers. Of a replicated volume the secondaries first, the primary last. */
  async grow(volume: string, sizeBytes: number): Promise<void> {
    checkSize(sizeBytes);
    await this.#changes.run(volume, () => this.#grow(this.require(volume), sizeBytes));
  }

  /** Idempotent; on stable storage when it answers. Of a replicated volume the primary first. */
  async shrink(volume: string, sizeBytes: number): Promise<void> {
    checkSize(sizeBytes);
    await this.#changes.run(volume, () => shrinkReplica(this, volume, sizeBytes));
  }

  async #grow(volume: Volume, sizeBytes: number): Promise<void> {
    if (sizeBytes <= volume.sizeBytes) return;
    await this.store.resize(volume.name, sizeBytes);
    // Nobody can have taken it away: whoever deletes it waits for its turn.
    volume.resized(sizeBytes);
  }

  async #create(volume: string, sizeBytes: number): Promise<void> {
    const existing = this.#volumes.get(volume);
    if (existing !== undefined) {
      // A larger one was to grow, and others were not reached; a smaller one was itself not reached.
      if (existing.serves && existing.sizeBytes < sizeBytes)
        throw new LockstepError(
          'ALREADY_EXISTS',
          `volume ${volume} exists with ${String(existing.sizeBytes)} bytes`,
        );
      return this.#grow(existing, sizeBytes);
    }
    // What a crash left of one that was being made or deleted.
    await this.store.deleteVolume(volume);
    rmSync(this.#folderOf(volume), { recursive: true, force: true });
    mkdirSync(this.#folderOf(volume), { recursive: true, mode: 0o700 });
    await syncFolder(this.#folder);
    const durable = firstState(this.#options.bootId);
    // Before the record: one that outlives the loss of power must find its bytes.
    const layered = await this.store.create(volume, sizeBytes);
    await this.#options.world.meta.put({ volume, sizeBytes, durable });
    this.#unopened.delete(volume);
    this.#add(layered, { durable, maps: new Map() });
  }

  /**
   * A volume of its own that begins as the snapshot, of which this host is the primary in its first generation. Its
   * bytes come first, as in `create`: a crash before the record leaves layers that nobody opens. Answers its size.
   */
  async clone(volume: string, snapshot: string, clone: string): Promise<number> {
    checkName(clone);
    return this.#changes.run(clone, async () => {
      const existing = this.#volumes.get(clone);
      // Asked again, since the answer was lost: a name is never given twice.
      if (existing !== undefined) return existing.sizeBytes;
      await this.store.deleteVolume(clone);
      rmSync(this.#folderOf(clone), { recursive: true, force: true });
      mkdirSync(this.#folderOf(clone), { recursive: true, mode: 0o700 });
      await syncFolder(this.#folder);
      const layered = await this.store.clone(volume, snapshot, clone);
      const { sizeBytes } = layered;
      const durable = clonedState(this.#options);
      await this.#options.world.meta.put({ volume: clone, sizeBytes, durable });
      this.#unopened.delete(clone);
      this.#add(layered, { durable, maps: new Map() });
      return sizeBytes;
    });
  }

  /** The file that is there while a revert is under way: revert.ts. */
  revertMark(volume: string): string {
    return join(this.#folderOf(volume), 'reverting');
  }

  revertUnderWay(volume: string): string | undefined {
    return revertUnderWay(this.revertMark(volume));
  }

  /**
   * Idempotent. The record goes first: a crash between leaves layers that nobody opens, removed at the next start.
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
      await this.store.deleteVolume(volume);
      rmSync(this.#folderOf(volume), { recursive: true, force: true });
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

  async closeAll(): Promise<void> {
    clearInterval(this.#ticker);
    for (const volume of this.#volumes.values()) volume.close();
    this.#volumes.clear();
    await this.#opened?.background.stop();
    await this.#opened?.store.close();
  }

  async #open(name: string, sizeBytes: number, kept: Kept): Promise<void> {
    // Of a copy that was completed, or that never began to change anything.
    if (!kept.durable.mixed) await removeFallback(this.#fallbackPath(name));
    const plainFile = join(this.#folderOf(name), 'data');
    if (existsSync(plainFile)) await this.store.takeIn(name, sizeBytes, plainFile);
    this.#add(this.store.volume(name), kept);
  }

  #add(layered: LayeredVolume, kept: Kept): void {
    const { host, incarnation, bootId, world, stateChanged, answersUntil } = this.#options;
    const { leaseMs, heartbeatMs, silenceMs, stallMs } = this.#options;
    const timing = { leaseMs, heartbeatMs, silenceMs, stallMs };
    const { name } = layered;
    const disk = new LayeredDisk(this.store, layered, this.space);
    const store = this.#options.layer?.(name, disk) ?? disk;
    const volume = new Volume(
      {
        ...world,
        space: this.space,
        tookMs: (ms) => this.#opened?.background.latency(ms),
        stateChanged: (changed, from, to) => {
          this.exports.stateChanged(name, from, to);
          stateChanged(changed, to);
        },
        answersUntil,
      },
      { store, fallback: new Fallback(this.#fallbackPath(name), store, this.space) },
      { volume: name, sizeBytes: store.sizeBytes, host, incarnation, bootId, ...timing },
      kept,
    );
    this.#volumes.set(name, volume);
  }

  #folderOf(volume: string): string {
    return join(this.#folder, volume);
  }

  #fallbackPath(volume: string): string {
    return join(this.#folderOf(volume), 'fallback');
  }
}

function roomOf(folder: string): Room {
  const { blocks, bfree, bavail, bsize } = statfsSync(folder);
  return { totalBytes: (blocks - bfree + bavail) * bsize, availableBytes: bavail * bsize };
}

function checkSize(sizeBytes: number): void {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes % REGION_BYTES !== 0)
    throw invalidField('size_bytes', String(sizeBytes), `a multiple of ${String(REGION_BYTES)} above 0`);
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
    pulledFrom: '',
    scrubbedTo: 0,
    asking: '',
    promoting: false,
    bootId,
    consistentAt: 0,
    mixed: false,
    copyFrom: { host: '', generation: 0 },
    tracked: [],
  };
}

/** Whole, and alone: nobody else has ever had a copy. */
function clonedState({ host, bootId }: Pick<VolumesOptions, 'host' | 'bootId'>): DurableState {
  const view = { generation: 1, primary: host, inSync: [host] };
  return { ...firstState(bootId), view, complete: true, blank: false, consistentAt: 1 };
}
