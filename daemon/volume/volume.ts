/**
 * One volume of this host: drives the pure replica with the real disk, links, clock and control. The loop is
 * synchronous: an event is stepped, its effects are carried out, and what completes at once is stepped next, so that
 * nothing can come between a check of the machine and the act that follows from it.
 */
import { channel } from 'node:diagnostics_channel';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BlockBackend, BlockRequest, BlockResult } from '../nbd/block.ts';
import type { HostMeta } from '../meta/host-meta.ts';
import type {
  DurableState,
  Effect,
  ReplicaEvent,
  ReplicaOptions,
  ReplicaStatus,
  View,
} from '../replication/interface.ts';
import { Replica } from '../replication/replica.ts';
import { isPrimaryState, type ReplicaState } from '../replication/states.ts';
import type { SeedSnapshot } from '../store/seed-snapshot.ts';
import { diskFailure, type Store } from '../store/store.ts';
import { EMPTY_DIGEST } from '../store/volume-file.ts';
import type { Clock } from '../sys/clock.ts';
import { messageOf, unreachable } from '../sys/errors.ts';
import type { Log } from '../sys/log.ts';
import type { DecodedFrame } from '../wire/codec.ts';
import type { Link } from '../wire/link.ts';

/** What the volume needs of the rest of the daemon. */
export interface VolumeWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly meta: HostMeta;
  /** Opens a link to the host that has the other replica. */
  dial(peer: string): Promise<Link>;
  /** Asks the control store; answers its record after the decision, whichever it was. */
  propose(proposal: Proposal): Promise<{ readonly view: View | undefined; readonly reason: string }>;
  stateChanged(volume: Volume, from: ReplicaState, to: ReplicaState): void;
  /** What must be durable could not be made so: nothing that this process says can be relied on any more. */
  fatal(why: string): void;
}

export interface Proposal {
  readonly volume: string;
  readonly fromGeneration: number;
  readonly inSync: readonly string[];
  readonly hostRebooted: boolean;
  readonly reason: string;
}

type Done = (result: BlockResult) => void;
type DiskWrite = Extract<Effect, { type: 'disk-write' }>;
type RegionRead = Extract<Effect, { type: 'read-region' }>;

/** Of a snapshot, in one turn of the loop: some 20 ms. */
const PRESERVED_AT_ONCE_BYTES = 8 * 1024 * 1024;

const stateChannel = channel('lockstep:replica:state');

export class Volume implements BlockBackend {
  readonly name: string;
  readonly sizeBytes: number;
  readonly file: Store;
  readonly #replica: Replica;
  readonly #world: VolumeWorld;
  readonly #links = new Map<number, Link>();
  readonly #clients = new Map<number, Done>();
  #lastClient = 0;
  #lastAcceptedLink = 0;
  #queue: ReplicaEvent[] = [];
  #running = false;
  #dialFailure = '';
  #closed = false;

  constructor(world: VolumeWorld, file: Store, options: ReplicaOptions, durable: DurableState) {
    this.name = options.volume;
    this.sizeBytes = options.sizeBytes;
    this.file = file;
    this.#world = world;
    this.#replica = new Replica(options, durable, world.clock.nowMs());
    file.onSnapshotLost = (error) => {
      world.log.warn(
        { volume: this.name, error: messageOf(error) },
        'the snapshot ended: what it shows cannot be kept; the copy has to be begun anew',
      );
      this.run({ type: 'snapshot-gone' });
    };
  }

  get state(): ReplicaState {
    return this.#replica.state;
  }

  get view(): View {
    return this.#replica.view;
  }

  get serves(): boolean {
    return isPrimaryState(this.#replica.state);
  }

  get status(): ReplicaStatus {
    return this.#replica.status;
  }

  submit(request: BlockRequest, done: Done): void {
    const id = ++this.#lastClient;
    this.#clients.set(id, done);
    this.run({ type: 'client', id, request });
  }

  tick(): void {
    this.run({ type: 'tick' });
  }

  /**
   * In place of the one there was. A copy that still reads that one ends: it would go on from the new one, and miss
   * what changed between the two.
   */
  takeSnapshot(id: string): SeedSnapshot {
    this.run({ type: 'snapshot-gone' });
    return this.file.takeSnapshot(id);
  }

  dropSnapshot(): void {
    this.run({ type: 'snapshot-gone' });
    this.file.dropSnapshot();
  }

  /** A link that another replica's primary opened; its first frame has been read. */
  accept(link: Link, first: DecodedFrame): void {
    const id = ++this.#lastAcceptedLink;
    this.#own(id, link, (events) => {
      link.handOver(events);
    });
    this.run({ type: 'frame', link: id, ...first });
  }

  run(event: ReplicaEvent): void {
    if (this.#closed) return;
    this.#queue.push(event);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const effects = this.#replica.step(next, this.#world.clock.nowMs());
        for (const effect of effects) this.#perform(effect);
      }
    } finally {
      this.#running = false;
    }
  }

  close(): void {
    this.#closed = true;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    this.file.close();
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'reply':
        this.#reply(effect.id, effect.result);
        return;
      case 'send':
        this.#links.get(effect.link)?.send(effect.message, effect.payload);
        return;
      case 'dial':
        void this.#dial(effect.link, effect.peer);
        return;
      case 'close-link':
        this.#links.get(effect.link)?.close();
        this.#links.delete(effect.link);
        return;
      case 'disk-write':
        this.#diskWrite(effect);
        return;
      case 'disk-read':
        this.#diskRead(effect);
        return;
      case 'disk-flush':
        this.file.flush((failure) => {
          this.run({ type: 'disk-done', token: effect.token, ...(failure === undefined ? {} : { failure }) });
          this.run({ type: 'batch-end' });
        });
        return;
      case 'read-region':
        this.#readRegion(effect);
        return;
      case 'persist':
        void this.#persist(effect.token, effect.durable);
        return;
      case 'propose':
        void this.#propose(effect);
        return;
      case 'state-changed':
        this.#stateChanged(effect);
        return;
      default:
        unreachable(effect);
    }
  }

  #reply(id: number, result: Extract<Effect, { type: 'reply' }>['result']): void {
    const done = this.#clients.get(id);
    this.#clients.delete(id);
    if (result.ok && result.data !== undefined) done?.({ ok: true, data: asBuffer(result.data) });
    else done?.(result.ok ? { ok: true } : result);
  }

  #diskWrite(effect: DiskWrite): void {
    const isLarge = effect.data === undefined && effect.length > PRESERVED_AT_ONCE_BYTES;
    if (isLarge && this.file.snapshot !== undefined) void this.#zeroUnderSnapshot(effect);
    else this.#queue.push(this.#written(effect));
  }

  /**
   * What a snapshot shows of up to 4 GiB is kept piece by piece: the leases and heartbeats of the whole host wait for
   * one turn. Nothing changes before the last, in which the range becomes zeroes.
   */
  async #zeroUnderSnapshot(effect: DiskWrite): Promise<void> {
    const end = effect.offset + effect.length;
    for (let offset = effect.offset; offset < end; offset += PRESERVED_AT_ONCE_BYTES) {
      try {
        this.file.keepForSnapshot({ offset, length: Math.min(PRESERVED_AT_ONCE_BYTES, end - offset) });
      } catch {
        // What cannot be read now cannot be read below either, where the failure is told.
        break;
      }
      await nextTurn();
      if (this.#closed) return;
    }
    this.run(this.#written(effect));
    this.run({ type: 'batch-end' });
  }

  #written({ token, kind, offset, length, data }: DiskWrite): ReplicaEvent {
    try {
      if (data !== undefined) this.file.write(offset, data);
      else this.file.zero({ offset, length }, { keepSpace: kind === 'zero' });
      return { type: 'disk-done', token };
    } catch (error) {
      this.#diskError('write', error);
      return { type: 'disk-done', token, failure: diskFailure(error) };
    }
  }

  #diskRead({ token, offset, length }: Extract<Effect, { type: 'disk-read' }>): void {
    try {
      this.#queue.push({ type: 'read-done', token, data: this.file.read({ offset, length }) });
    } catch (error) {
      this.#diskError('read', error);
      this.#queue.push({ type: 'read-done', token, failure: diskFailure(error) });
    }
  }

  /** Regions are read to be sent: not faster than they leave, or the link is cut for what waits in it. */
  #readRegion(effect: RegionRead): void {
    const congested = [...this.#links.values()].find((link) => link.isCongested);
    if (congested === undefined) {
      this.#queue.push(this.#region(effect));
      return;
    }
    congested.onceSent(() => {
      if (this.#closed) return;
      this.run(this.#region(effect));
      this.run({ type: 'batch-end' });
    });
  }

  #region({ token, region, from, digest }: RegionRead): ReplicaEvent {
    try {
      return { type: 'region-done', token, ...this.file.readRegion(region, { from, digest }) };
    } catch (error) {
      this.#diskError('read', error);
      const failure = diskFailure(error);
      return { type: 'region-done', token, data: undefined, digest: EMPTY_DIGEST, failure };
    }
  }

  #diskError(what: string, error: unknown): void {
    this.#world.log.error({ volume: this.name, error: messageOf(error) }, `the disk failed a ${what}`);
  }

  async #persist(token: number, durable: DurableState): Promise<void> {
    try {
      await this.#world.meta.put({ volume: this.name, sizeBytes: this.sizeBytes, durable });
    } catch (error) {
      this.#world.fatal(`the state of volume ${this.name} cannot be made durable: ${messageOf(error)}`);
      return;
    }
    this.run({ type: 'persisted', token });
  }

  async #dial(id: number, peer: string): Promise<void> {
    let link: Link;
    try {
      link = await this.#world.dial(peer);
    } catch (error) {
      this.#dialFailed(peer, messageOf(error));
      this.run({ type: 'link-closed', link: id });
      return;
    }
    this.#dialFailure = '';
    if (this.#closed) {
      link.close();
      return;
    }
    this.#own(id, link, (events) => {
      link.start(events);
    });
    this.run({ type: 'link-opened', link: id, peer });
  }

  /** Ten times a second while a peer is away: told when the reason is another. */
  #dialFailed(peer: string, error: string): void {
    if (error === this.#dialFailure || this.#closed) return;
    this.#dialFailure = error;
    this.#world.log.warn({ volume: this.name, peer, error }, 'the other replica cannot be reached');
  }

  #own(id: number, link: Link, begin: (events: Parameters<Link['start']>[0]) => void): void {
    this.#links.set(id, link);
    begin({
      onFrame: (frame) => {
        this.run({ type: 'frame', link: id, ...frame });
      },
      onChunkEnd: () => {
        this.run({ type: 'batch-end' });
      },
      onClose: (reason) => {
        this.#links.delete(id);
        this.#world.log.info({ volume: this.name, reason }, 'a replication link closed');
        this.run({ type: 'link-closed', link: id });
      },
    });
  }

  async #propose(effect: Extract<Effect, { type: 'propose' }>): Promise<void> {
    const { fromGeneration, inSync, hostRebooted, reason } = effect;
    const proposal = { volume: this.name, fromGeneration, inSync, hostRebooted, reason };
    // What the replica makes of the answer is outside of what is caught: an assertion has to stop the process.
    const answer = await this.#world.propose(proposal).catch((error: unknown) => ({
      view: undefined,
      reason: `control cannot be asked: ${messageOf(error)}`,
    }));
    if (answer.view !== undefined) this.run({ type: 'view', view: answer.view, explicit: false });
    if (answer.reason !== '') this.run({ type: 'proposal-failed', reason: answer.reason });
  }

  #stateChanged({ from, to, why }: Extract<Effect, { type: 'state-changed' }>): void {
    const { generation } = this.view;
    this.#world.log.info({ volume: this.name, from, to, generation, why }, 'the replica changed its state');
    if (stateChannel.hasSubscribers) stateChannel.publish({ volume: this.name, from, to, generation });
    this.#world.stateChanged(this, from, to);
  }
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
