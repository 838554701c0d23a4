/**
 * One volume of this host: drives the pure replica with the real disk, links, clock and control. The loop is
 * synchronous: an event is stepped, its effects are carried out, and what completes at once is stepped next, so that
 * nothing can come between a check of the machine and the act that follows from it.
 */
import { channel } from 'node:diagnostics_channel';
import type {
  BlockBackend,
  BlockRequest,
  BlockResult,
  Difference,
  DifferenceSource,
  Extent,
} from '../nbd/block.ts';
import type { HostMeta } from '../meta/host-meta.ts';
import type {
  Effect,
  KeptState,
  ReplicaEvent,
  ReplicaOptions,
  ReplicaStatus,
  View,
} from '../replication/interface.ts';
import { Replica } from '../replication/replica.ts';
import { isPrimaryState, type ReplicaState } from '../replication/states.ts';
import type { ByteRange } from '../replication/units.ts';
import type { Space } from '../store/space.ts';
import type { Seed, Store } from '../store/store.ts';
import type { Clock } from '../sys/clock.ts';
import { messageOf, unreachable } from '../sys/errors.ts';
import type { Log } from '../sys/log.ts';
import type { DecodedFrame } from '../wire/codec.ts';
import type { Link } from '../wire/link.ts';
import { differencesIn, differencesOf, regionsOf } from './differences.ts';
import { SpaceGate } from './space-gate.ts';
import { type Disk, VolumeDisk } from './volume-disk.ts';

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
  /**
   * Reads may be answered until then, on `clock`; Infinity: nobody's lease is needed, -Infinity: not now. Called before
   * anybody else could learn of it: what answers for this volume from a memory of its own is silent when it returns.
   */
  answersUntil(volume: Volume, untilMs: number): void;
  /** Of the file system that the volume stands on. */
  readonly space: Space;
  /** How long a client's write or flush took, of some of them. */
  tookMs(ms: number): void;
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

/** The clock is asked for one client request of so many. */
const ONE_TIMED_OF = 16;

const nothingIsSent = (): boolean => true;

const stateChannel = channel('lockstep:replica:state');
const leaseChannel = channel('lockstep:replica:lease');
const repairChannel = channel('lockstep:replica:repaired');
const mismatchChannel = channel('lockstep:replica:mismatch');

export class Volume implements BlockBackend {
  readonly name: string;
  #sizeBytes: number;
  /** Whether its file system is one on which zeroes can be fast. */
  readonly offersFastZero: boolean;
  readonly file: Store;
  readonly #disk: VolumeDisk;
  readonly #gate: SpaceGate;
  readonly #replica: Replica;
  readonly #world: VolumeWorld;
  readonly #links = new Map<number, Link>();
  /** Closed, and what was sent over them before still goes out. */
  readonly #lingering = new Set<Link>();
  readonly #clients = new Map<number, Done>();
  #lastClient = 0;
  #lastAcceptedLink = 0;
  #queue: ReplicaEvent[] = [];
  #running = false;
  #dialFailure = '';
  #toldUntilMs: number | undefined;
  #closed = false;

  constructor(world: VolumeWorld, disk: Disk, options: ReplicaOptions, kept: Omit<KeptState, 'preserved'>) {
    this.name = options.volume;
    this.#sizeBytes = options.sizeBytes;
    this.file = disk.store;
    this.offersFastZero = disk.store.zeroesFast;
    this.#world = world;
    this.#disk = new VolumeDisk(disk, {
      volume: this.name,
      log: world.log,
      congestedLink: () => [...this.#links.values()].find((link) => link.isCongested),
      answer: (event) => {
        this.run(event);
      },
      dropFailed: (error) => {
        world.fatal(`the fallback of volume ${this.name} cannot be removed: ${messageOf(error)}`);
      },
    });
    this.#gate = new SpaceGate({
      space: world.space,
      bytesNeeded: (range) => this.file.bytesNeeded(range),
      submit: (request, done) => {
        this.#submit(request, done);
      },
    });
    const { regions: preserved } = disk.fallback;
    this.#replica = new Replica(options, { ...kept, preserved }, world.clock.nowMs());
    this.file.onSeedLost = (error) => {
      world.log.warn(
        { volume: this.name, error: messageOf(error) },
        'the snapshot ended: what it shows cannot be kept; the copy has to be begun anew',
      );
      this.run({ type: 'snapshot-gone' });
    };
    this.file.onSyncFailed = () => {
      this.run({ type: 'sync-failed' });
    };
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Of its store. Connections that stand may use what was added; their clients learn of it by asking anew. */
  resized(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
    this.run({ type: 'resize', sizeBytes });
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
    this.#gate.submit(request, done);
  }

  #submit(request: BlockRequest, done: Done): void {
    if (request.kind === 'read' && this.#readAtOnce(request, done)) return;
    const id = ++this.#lastClient;
    const isTimed = request.kind !== 'read' && id % ONE_TIMED_OF === 0;
    this.#clients.set(id, isTimed ? this.#timed(done) : done);
    this.run({ type: 'client', id, request });
  }

  /** What is in memory, past the machine's queue; whatever is unusual about it is left to the machine. */
  #readAtOnce(request: Extract<BlockRequest, { kind: 'read' }>, done: Done): boolean {
    if (this.#closed) return false;
    const data = this.#disk.readCached(request, request.into);
    // The lease is checked after the bytes were read.
    if (data === undefined || !this.#replica.mayAnswerReads(this.#world.clock.nowMs())) return false;
    done({ ok: true, data });
    return true;
  }

  #timed(done: Done): Done {
    const { clock } = this.#world;
    const startMs = clock.nowMs();
    return (result) => {
      this.#world.tookMs(clock.nowMs() - startMs);
      done(result);
    };
  }

  sending(): () => boolean {
    for (const link of this.#lingering) if (link.isSent) this.#lingering.delete(link);
    const links = [...this.#links.values(), ...this.#lingering].filter(({ isSent }) => !isSent);
    if (links.length === 0) return nothingIsSent;
    const marks = links.map((link) => ({ link, bytes: link.takenBytes }));
    return () => marks.every(({ link, bytes }) => link.hasSent(bytes));
  }

  get zeroesFast(): boolean {
    return this.file.zeroesFast;
  }

  extents(range: ByteRange): Iterable<Extent> {
    return this.file.extents(range);
  }

  prefetch(range: ByteRange): void {
    this.file.prefetch(range);
  }

  /** Of the other replicas that this one knows of, and of its snapshots. */
  get differenceSources(): readonly DifferenceSource[] {
    const { view, dirty } = this.status;
    const hosts = new Set([...view.inSync, ...dirty.map(({ host }) => host)]);
    const peers = [...hosts].filter((host) => this.#replica.mayDiffer(host) !== undefined);
    return [
      ...peers.map((name) => ({ kind: 'dirty', name }) as const),
      ...this.file.snapshots.map((name) => ({ kind: 'diff', name }) as const),
    ];
  }

  differences({ kind, name }: DifferenceSource, range: ByteRange): Iterable<Difference> | undefined {
    if (kind === 'diff') {
      const runs = this.file.changedSince(name, regionsOf(range));
      return runs === undefined ? undefined : differencesOf(range, runs);
    }
    const regions = this.#replica.mayDiffer(name);
    if (regions === undefined) return undefined;
    return differencesIn(range, (region) => regions === 'all' || regions.has(region));
  }

  tick(): void {
    this.#gate.retry();
    this.run({ type: 'tick' });
    this.#tellLease();
  }

  /**
   * In place of the one there was. A copy that still reads that one ends: it would go on from the new one, and miss
   * what changed between the two.
   */
  takeSeed(id: string): Promise<Seed> {
    this.run({ type: 'snapshot-gone' });
    return this.file.takeSeed(id);
  }

  dropSeed(): Promise<void> {
    this.run({ type: 'snapshot-gone' });
    return this.file.dropSeed();
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
    this.#gate.close();
    this.#disk.close();
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'reply':
        this.#reply(effect.id, effect.result);
        return;
      case 'send':
        this.#send(effect);
        return;
      case 'dial':
        void this.#dial(effect.link, effect.peer);
        return;
      case 'close-link':
        this.#closeLink(effect.link);
        return;
      case 'disk-write':
      case 'disk-read':
      case 'disk-flush':
      case 'read-region':
      case 'verify-region':
      case 'find-run':
      case 'take-snapshot':
      case 'preserve':
      case 'revert':
      case 'drop-fallback':
        this.#disk.perform(effect);
        return;
      case 'persist':
        void this.#persist(effect);
        return;
      case 'repaired':
        this.#repaired(effect);
        return;
      case 'mismatch':
        this.#mismatch(effect);
        return;
      case 'propose':
        // Whoever is taken in can be promoted: from here on its lease counts, whatever becomes of this process.
        this.#tellLease();
        void this.#propose(effect);
        return;
      case 'state-changed':
        this.#stateChanged(effect);
        return;
      default:
        unreachable(effect);
    }
  }

  /** Of all that is sent only a copied region is read for that alone, and kept by nobody. */
  #send({ link, message, payload }: Extract<Effect, { type: 'send' }>): void {
    // The other may be promoted as soon as it has heard it.
    if (message.type === 'yield') this.#tell(-Infinity);
    const isCopy = message.type === 'copy-data' && payload !== undefined;
    const sent = isCopy ? () => this.#disk.sent(payload) : undefined;
    this.#links.get(link)?.send(message, payload, sent);
  }

  #closeLink(id: number): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    link.close();
    this.#links.delete(id);
    if (!link.isSent) this.#lingering.add(link);
  }

  #reply(id: number, result: Extract<Effect, { type: 'reply' }>['result']): void {
    const done = this.#clients.get(id);
    this.#clients.delete(id);
    if (result.ok && result.data !== undefined) done?.({ ok: true, data: asBuffer(result.data) });
    else done?.(result.ok ? { ok: true } : result);
  }

  /** In the order of the effects, also behind a fallback that was dropped: `mixed` would else find the old one. */
  async #persist({ token, durable, maps }: Extract<Effect, { type: 'persist' }>): Promise<void> {
    await this.#disk.dropped;
    if (this.#closed) return;
    try {
      await this.#world.meta.put({ volume: this.name, sizeBytes: this.sizeBytes, durable }, maps);
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
        if (frame.message.type === 'heartbeat-answer') this.#leaseGranted(frame.message.askedAtMs);
        this.run({ type: 'frame', link: id, ...frame });
        if (frame.message.type === 'heartbeat-answer') this.#tellLease();
      },
      onChunkEnd: () => {
        this.run({ type: 'batch-end' });
      },
      keepsPayloads: () => this.#replica.keepsPayloads,
      onClose: (reason) => {
        this.#links.delete(id);
        this.#world.log.info({ volume: this.name, reason }, 'a replication link closed');
        this.run({ type: 'link-closed', link: id });
      },
    });
  }

  #tellLease(): void {
    const untilMs = this.#replica.answersReadsUntilMs;
    if (untilMs !== undefined) this.#tell(untilMs);
  }

  #tell(untilMs: number): void {
    if (untilMs === this.#toldUntilMs) return;
    this.#toldUntilMs = untilMs;
    this.#world.answersUntil(this, untilMs);
  }

  #leaseGranted(askedAtMs: number): void {
    if (!leaseChannel.hasSubscribers) return;
    const roundTripMs = this.#world.clock.nowMs() - askedAtMs;
    leaseChannel.publish({ volume: this.name, roundTripMs });
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

  #repaired({ region, host, from }: Extract<Effect, { type: 'repaired' }>): void {
    this.#world.log.warn({ volume: this.name, region, host, from }, 'a damaged region was repaired');
    if (repairChannel.hasSubscribers) repairChannel.publish({ volume: this.name });
  }

  #mismatch({ finding }: Extract<Effect, { type: 'mismatch' }>): void {
    this.#world.log.error({ volume: this.name, ...finding }, 'a scrub found a region that it cannot repair');
    if (mismatchChannel.hasSubscribers) mismatchChannel.publish({ volume: this.name });
  }

  #stateChanged({ from, to, why }: Extract<Effect, { type: 'state-changed' }>): void {
    const { generation } = this.view;
    this.#world.log.info({ volume: this.name, from, to, generation, why }, 'the replica changed its state');
    if (stateChannel.hasSubscribers) stateChannel.publish({ volume: this.name, from, to, generation });
    this.#tellLease();
    this.#world.stateChanged(this, from, to);
    if (!isPrimaryState(to)) this.#gate.releaseAll();
  }
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
