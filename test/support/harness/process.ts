/**
 * One life of a daemon with one replica: daemon/volume/volume.ts with a virtual disk, links, clock and store. When it
 * dies its memory is lost; what it had written is kept, the last writes perhaps in part.
 */
import type {
  ClientRequest,
  ClientResult,
  DurableState,
  Effect,
  ReplicaEvent,
  ReplicaStatus,
  View,
} from '../../../daemon/replication/interface.ts';
import { Replica } from '../../../daemon/replication/replica.ts';
import { isPrimaryState, type ReplicaState } from '../../../daemon/replication/states.ts';
import { unreachable } from '../../../daemon/sys/errors.ts';
import { SECTOR_BYTES } from './disk.ts';
import type { Host } from './host.ts';
import type { LinkEnd, NetworkNode, SentFrame } from './network.ts';

type DiskWrite = Extract<Effect, { type: 'disk-write' }>;

/** What a process tells the world; the world checks, records and decides. */
export interface ProcessWatcher {
  stepping(process: Process, event: ReplicaEvent): void;
  effect(process: Process, effect: Effect): void;
  stepped(process: Process): void;
  failed(process: Process, event: ReplicaEvent, error: unknown): void;
  propose(process: Process, proposal: Extract<Effect, { type: 'propose' }>): void;
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
  readonly #writing = new Set<DiskWrite>();
  readonly #persisting: DurableState[] = [];
  #lastPersistAtMs = 0;
  #diskBusy = 0;
  /** Stopped, as by SIGSTOP: what happens meanwhile is seen when it goes on. */
  #backlog: ReplicaEvent[] | undefined;
  #queue: ReplicaEvent[] = [];
  #running = false;

  constructor(host: Host, incarnation: number, watcher: ProcessWatcher) {
    this.name = host.name;
    this.host = host;
    this.incarnation = incarnation;
    this.#watcher = watcher;
    this.#replica = new Replica({ ...host.options, incarnation }, host.durable, host.nowMs());
  }

  get state(): ReplicaState {
    return this.#replica.state;
  }

  get view(): View {
    return this.#replica.view;
  }

  get status(): ReplicaStatus {
    return this.#replica.status;
  }

  /** Clients can be connected to it. */
  get serves(): boolean {
    return this.alive && isPrimaryState(this.state);
  }

  /** Nothing of the disk, the links or the store is under way. */
  get isQuiet(): boolean {
    return this.#diskBusy === 0 && this.#persisting.length === 0 && this.#backlog === undefined;
  }

  /** It says something by itself. */
  get isHeard(): boolean {
    return this.alive && this.#backlog === undefined;
  }

  submit(id: number, request: ClientRequest, done: (result: ClientResult) => void): void {
    this.#clients.set(id, done);
    this.deliver({ type: 'client', id, request });
  }

  deliver(event: ReplicaEvent): void {
    if (!this.alive) return;
    if (this.#backlog !== undefined) {
      // Ticks do not pile up.
      if (event.type !== 'tick') this.#backlog.push(event);
      return;
    }
    this.#queue.push(event);
    if (this.#running) return;
    this.#running = true;
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

  die(): void {
    if (!this.alive) return;
    this.alive = false;
    const { pace, disk } = this.host;
    for (const { offset, length, data } of this.#writing)
      disk.write({ offset, length }, data, pace.doneOf(length / SECTOR_BYTES));
    const kept = this.#persisting.slice(0, pace.doneOf(this.#persisting.length)).at(-1);
    if (kept !== undefined) this.host.durable = kept;
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

  received(end: LinkEnd, { message, payload }: SentFrame): void {
    if (!this.alive) return;
    if (end.link === undefined) {
      end.link = ++this.#lastAccepted;
      this.#links.set(end.link, end);
    }
    this.deliver({ type: 'frame', link: end.link, message, payload, intact: true });
    this.deliver({ type: 'batch-end' });
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
        this.#onDisk(() => ({
          type: 'read-done',
          token: effect.token,
          data: this.host.disk.read(effect),
        }));
        return;
      case 'read-region':
        this.#onDisk(() => ({
          type: 'region-done',
          token: effect.token,
          ...this.host.disk.readRegion(effect.region, effect.from),
        }));
        return;
      case 'disk-flush':
        this.#diskFlush(effect.token);
        return;
      case 'persist':
        this.#persist(effect.token, effect.durable);
        return;
      case 'propose':
        this.#watcher.propose(this, effect);
        return;
      case 'state-changed':
        return;
      default:
        unreachable(effect);
    }
  }

  #diskWrite(effect: DiskWrite): void {
    this.#writing.add(effect);
    this.#onDisk(() => {
      this.#writing.delete(effect);
      this.host.disk.write(effect, effect.data);
      return { type: 'disk-done', token: effect.token };
    });
  }

  #diskFlush(token: number): void {
    const { disk, pace, scheduler } = this.host;
    const upTo = disk.changes;
    this.#diskBusy++;
    scheduler.after(pace.flushMs(), () => {
      this.#diskBusy--;
      if (!this.alive) return;
      disk.flushedUpTo = Math.max(disk.flushedUpTo, upTo);
      this.deliver({ type: 'disk-done', token });
      this.deliver({ type: 'batch-end' });
    });
  }

  /** Operations overtake each other: a disk promises no order among those that are under way together. */
  #onDisk(finish: () => ReplicaEvent): void {
    const { pace, scheduler } = this.host;
    const delayMs = pace.diskMs() + this.host.diskHangsForMs();
    if (delayMs === 0) {
      this.deliver(finish());
      return;
    }
    this.#diskBusy++;
    scheduler.after(delayMs, () => {
      this.#diskBusy--;
      if (!this.alive) return;
      this.deliver(finish());
      this.deliver({ type: 'batch-end' });
    });
  }

  /** In the order of asking. */
  #persist(token: number, durable: DurableState): void {
    const { pace, scheduler } = this.host;
    this.#persisting.push(durable);
    this.#lastPersistAtMs = Math.max(this.#lastPersistAtMs, scheduler.nowMs + pace.persistMs());
    scheduler.after(this.#lastPersistAtMs - scheduler.nowMs, () => {
      if (!this.alive) return;
      this.#persisting.shift();
      this.host.durable = durable;
      this.deliver({ type: 'persisted', token });
    });
  }
}
