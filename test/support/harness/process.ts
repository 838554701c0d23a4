/**
 * One life of a daemon with one replica: daemon/volume/volume.ts with a virtual disk, links, clock and store. When it
 * dies its memory is lost; what it had written is kept, the last writes perhaps in part. When its machine loses power,
 * what it had under way is in the cache, of which any part is lost.
 */
import type {
  ClientRequest,
  ClientResult,
  DiskFailure,
  Effect,
  ReplicaEvent,
  ReplicaStatus,
  View,
} from '../../../daemon/replication/interface.ts';
import { Replica } from '../../../daemon/replication/replica.ts';
import { isPrimaryState, type ReplicaState } from '../../../daemon/replication/states.ts';
import { type Region, regionRange } from '../../../daemon/replication/units.ts';
import { unreachable } from '../../../daemon/sys/errors.ts';
import { SECTOR_BYTES } from './payload.ts';
import type { Host } from './host.ts';
import type { KeptStore } from './store.ts';
import type { LinkEnd, NetworkNode, ReceivedFrame } from './network.ts';

type DiskWrite = Extract<Effect, { type: 'disk-write' }>;
type Persist = Extract<Effect, { type: 'persist' }>;

/** What a crash finds under way: with `all`, everything of it was handed to the disk. */
type UnderWay = (all: boolean) => void;
const leavesNothing: UnderWay = () => undefined;

const batchEnd: ReplicaEvent = { type: 'batch-end' };

/** What a process tells the world; the world checks, records and decides. */
export interface ProcessWatcher {
  stepping(process: Process, event: ReplicaEvent): void;
  effect(process: Process, effect: Effect): void;
  stepped(process: Process): void;
  failed(process: Process, event: ReplicaEvent, error: unknown): void;
  propose(process: Process, proposal: Extract<Effect, { type: 'propose' }>): void;
  /** A scrub is shown what the region holds. */
  verifies(process: Process, region: Region): void;
  /** The disk under it may have dropped what was not stable. */
  flushFailed(process: Process): void;
}

export class Process implements NetworkNode {
  readonly name: string;
  readonly host: Host;
  readonly incarnation: number;
  alive = true;
  readonly #replica: Replica;
  readonly #watcher: ProcessWatcher;
  readonly #links = new Map<number, LinkEnd>();
  #lastAccepted = 0;
  readonly #clients = new Map<number, (result: ClientResult) => void>();
  /** In the order of asking. */
  readonly #underWay: UnderWay[] = [];
  readonly #persisting: Persist[] = [];
  /** What is on stable storage once everything that was asked for is. */
  readonly asked: KeptStore;
  #lastPersistAtMs = 0;
  #diskBusy = 0;
  /** Stopped, as by SIGSTOP: what happens meanwhile is seen when it goes on. */
  #backlog: ReplicaEvent[] | undefined;
  #queue: ReplicaEvent[] = [];
  /** Since the last step. */
  #status: ReplicaStatus | undefined;
  #running = false;

  constructor(host: Host, incarnation: number, watcher: ProcessWatcher) {
    this.name = host.name;
    this.host = host;
    this.incarnation = incarnation;
    this.#watcher = watcher;
    // Kept from a copy whose end is durable: the crash came before it was dropped.
    if (!host.store.durable.mixed) host.fallback.drop(host.scheduler.nowMs);
    const kept = host.store.kept(host.fallback.regions);
    this.asked = host.store.copy();
    const { options, sizeBytes, bootId } = host;
    this.#replica = new Replica({ ...options, sizeBytes, bootId, incarnation }, kept, host.nowMs());
  }

  get state(): ReplicaState {
    return this.#replica.state;
  }

  get view(): View {
    return this.#replica.view;
  }

  get status(): ReplicaStatus {
    return (this.#status ??= this.#replica.status);
  }

  /** Clients can be connected to it. */
  get serves(): boolean {
    return this.alive && isPrimaryState(this.state);
  }

  /** Nothing of the disk, the links or the store is under way. */
  get isQuiet(): boolean {
    return this.#diskBusy === 0 && this.#persisting.length === 0 && this.#backlog === undefined;
  }

  get isPersisting(): boolean {
    return this.#persisting.length > 0;
  }

  /** Who is at the other end. */
  peerOf(link: number): string | undefined {
    return this.#links.get(link)?.peer;
  }

  /** It says something by itself. */
  get isHeard(): boolean {
    return this.alive && this.#backlog === undefined;
  }

  submit(id: number, request: ClientRequest, done: (result: ClientResult) => void): void {
    this.#clients.set(id, done);
    this.deliver({ type: 'client', id, request });
  }

  /** As the driver does with what is in memory. False: it has to be submitted. */
  readAtOnce(
    request: Extract<ClientRequest, { kind: 'read' }>,
    done: (result: ClientResult) => void,
  ): boolean {
    const { disk } = this.host;
    if (!this.alive || this.#backlog !== undefined || !disk.isReadable(request)) return false;
    const data = disk.read(request);
    if (!this.#replica.mayAnswerReads(this.host.nowMs())) return false;
    done({ ok: true, data });
    return true;
  }

  deliver(event: ReplicaEvent): void {
    if (!this.alive) return;
    if (this.#backlog !== undefined) {
      // Ticks do not pile up.
      if (event.type !== 'tick') this.#backlog.push(event);
      return;
    }
    if (this.#running) {
      this.#queue.push(event);
      return;
    }
    this.#running = true;
    this.#step(event);
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#step(next);
    this.#running = false;
  }

  stop(): void {
    this.#backlog ??= [];
  }

  goOn(): void {
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    for (const event of backlog) this.deliver(event);
  }

  /** `powerLost`: what was under way is in the cache whole, for the loss of power to take what it likes of it. */
  die(powerLost = false): void {
    if (!this.alive) return;
    this.alive = false;
    const { pace, store, fallback, scheduler } = this.host;
    for (const interrupt of this.#underWay) interrupt(powerLost);
    const kept = pace.doneOf(this.#persisting.length);
    for (const { durable, maps } of this.#persisting.slice(0, kept)) store.apply(durable, maps);
    fallback.crash(scheduler.nowMs, (end) => pace.doneOf(end - 1));
    for (const end of this.#links.values()) end.die();
  }

  // Links.

  opened(link: number, end: LinkEnd): void {
    if (!this.alive) {
      end.die();
      return;
    }
    this.#links.set(link, end);
    this.deliver({ type: 'link-opened', link, peer: '' });
  }

  dialFailed(link: number): void {
    this.deliver({ type: 'link-closed', link });
  }

  received(end: LinkEnd, { message, payload, intact }: ReceivedFrame): void {
    if (!this.alive) return;
    if (end.link === undefined) {
      end.link = ++this.#lastAccepted;
      this.#links.set(end.link, end);
    }
    this.deliver({ type: 'frame', link: end.link, message, payload, intact });
    this.deliver(batchEnd);
  }

  ended(end: LinkEnd): void {
    if (end.link === undefined) return;
    this.#links.delete(end.link);
    this.deliver({ type: 'link-closed', link: end.link });
  }

  #step(event: ReplicaEvent): void {
    let effects: readonly Effect[];
    this.#watcher.stepping(this, event);
    try {
      effects = this.#replica.step(event, this.host.nowMs());
      this.#status = undefined;
    } catch (error) {
      this.alive = false;
      this.#watcher.failed(this, event, error);
      return;
    }
    for (const effect of effects) {
      this.#watcher.effect(this, effect);
      this.#perform(effect);
    }
    this.#watcher.stepped(this);
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'reply':
        this.#clients.get(effect.id)?.(effect.result);
        this.#clients.delete(effect.id);
        return;
      case 'send':
        this.#links.get(effect.link)?.send({ message: effect.message, payload: effect.payload });
        return;
      case 'dial':
        this.host.network.dial(this, effect.link, effect.peer);
        return;
      case 'close-link':
        this.#links.get(effect.link)?.close();
        this.#links.delete(effect.link);
        return;
      case 'disk-write':
        this.#diskWrite(effect);
        return;
      case 'disk-read':
        this.#onDisk(() => {
          const { token } = effect;
          if (!this.host.disk.isReadable(effect)) return { type: 'read-done', token, failure: 'EIO' };
          return { type: 'read-done', token, data: this.host.disk.read(effect) };
        });
        return;
      case 'read-region':
        this.#onDisk(() => this.#readRegion(effect));
        return;
      case 'verify-region':
        this.#onDisk(() => {
          this.#watcher.verifies(this, effect.region);
          return { type: 'region-verified', token: effect.token, ...this.host.disk.verify(effect.region) };
        });
        return;
      case 'find-run':
        this.#onDisk(() => {
          const { token, first, count } = effect;
          return { type: 'run-found', token, ...this.host.disk.runAt(first, count) };
        });
        return;
      case 'take-snapshot':
        this.deliver(this.#snapshot(effect));
        return;
      case 'disk-flush':
        this.#diskFlush(effect.token);
        return;
      case 'preserve':
        this.#preserve(effect);
        return;
      case 'revert':
        this.#revert(effect.token);
        return;
      case 'drop-fallback':
        this.host.fallback.drop(this.host.scheduler.nowMs);
        return;
      case 'persist':
        this.#persist(effect);
        return;
      case 'propose':
        this.#watcher.propose(this, effect);
        return;
      case 'state-changed':
      case 'repaired':
      case 'mismatch':
        return;
      default:
        unreachable(effect);
    }
  }

  #readRegion({ token, region, from }: Extract<Effect, { type: 'read-region' }>): ReplicaEvent {
    const { disk } = this.host;
    if (!disk.isReadable(regionRange(region)))
      return { type: 'region-done', token, data: undefined, digest: new Uint8Array(0), failure: 'EIO' };
    return { type: 'region-done', token, ...disk.readRegion(region, from) };
  }

  #snapshot({ token, snapshot: id }: Extract<Effect, { type: 'take-snapshot' }>): ReplicaEvent {
    const { disk } = this.host;
    if (disk.snapshotId !== id) disk.takeSnapshot(id);
    return { type: 'snapshot-taken', token, allocated: disk.allocated(), changed: disk.changed() };
  }

  #diskWrite(effect: DiskWrite): void {
    const { disk, pace } = this.host;
    const sectors = effect.length / SECTOR_BYTES;
    const interrupt: UnderWay = (all) => {
      disk.write(effect, effect.data, all ? sectors : pace.doneOf(sectors));
    };
    this.#onDisk(() => {
      const failure = this.host.writeFailure();
      if (failure === undefined) disk.write(effect, effect.data);
      else interrupt(false);
      return diskDone(effect.token, failure);
    }, interrupt);
  }

  #diskFlush(token: number): void {
    const { disk, pace } = this.host;
    const upTo = disk.changes;
    this.#later(pace.flushMs() + this.host.flushHangsForMs(), () => {
      if (this.host.flushesToFail > 0) {
        this.host.flushesToFail--;
        disk.flushFailed((end) => pace.doneOf(end - 1));
        this.#watcher.flushFailed(this);
        return diskDone(token, 'EIO');
      }
      disk.flushed(upTo);
      return diskDone(token, undefined);
    });
  }

  #preserve({ token, regions }: Extract<Effect, { type: 'preserve' }>): void {
    const { disk, fallback, pace } = this.host;
    const interrupt: UnderWay = () => {
      fallback.preserve(disk, regions.slice(0, pace.doneOf(regions.length)));
    };
    this.#later(
      pace.flushMs(),
      () => {
        const isReadable = regions.every((region) => disk.isReadable(regionRange(region)));
        const failure = isReadable ? this.host.writeFailure() : 'EIO';
        if (failure === undefined) fallback.preserve(disk, regions);
        else interrupt(false);
        return diskDone(token, failure);
      },
      interrupt,
    );
  }

  #revert(token: number): void {
    const { disk, fallback, pace } = this.host;
    const interrupt: UnderWay = () => {
      fallback.revert(disk, pace.doneOf(fallback.regions.length));
    };
    this.#later(
      pace.flushMs(),
      () => {
        const failure = this.host.writeFailure();
        if (failure === undefined) {
          fallback.revert(disk);
          disk.flushed(disk.changes);
        } else interrupt(false);
        return diskDone(token, failure);
      },
      interrupt,
    );
  }

  /** Operations overtake each other: a disk promises no order among those that are under way together. */
  #onDisk(finish: () => ReplicaEvent, interrupt?: UnderWay): void {
    const delayMs = this.host.pace.diskMs();
    if (delayMs === 0 && this.host.diskHangsForMs() === 0) this.deliver(finish());
    else this.#later(delayMs, finish, interrupt);
  }

  #later(ms: number, finish: () => ReplicaEvent, interrupt: UnderWay = leavesNothing): void {
    this.#diskBusy++;
    this.#underWay.push(interrupt);
    this.host.scheduler.after(ms + this.host.diskHangsForMs(), () => {
      this.#diskBusy--;
      if (!this.alive) return;
      this.#underWay.splice(this.#underWay.indexOf(interrupt), 1);
      this.deliver(finish());
      this.deliver(batchEnd);
    });
  }

  /** In the order of asking. */
  #persist(effect: Persist): void {
    const { pace, scheduler } = this.host;
    this.asked.apply(effect.durable, effect.maps);
    this.#persisting.push(effect);
    this.#lastPersistAtMs = Math.max(this.#lastPersistAtMs, scheduler.nowMs + pace.persistMs());
    scheduler.at(this.#lastPersistAtMs, () => {
      if (!this.alive) return;
      this.#persisting.shift();
      this.host.store.apply(effect.durable, effect.maps);
      this.deliver({ type: 'persisted', token: effect.token });
    });
  }
}

function diskDone(token: number, failure: DiskFailure | undefined): ReplicaEvent {
  return failure === undefined ? { type: 'disk-done', token } : { type: 'disk-done', token, failure };
}
