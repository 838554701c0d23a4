/**
 * One replica by itself: a test says what comes in and looks at what goes out. Disk and store answer at once, or when the
 * test says so.
 */
import type {
  ClientRequest,
  DurableState,
  Effect,
  KeptState,
  ReplicaEvent,
  View,
} from '../../../daemon/replication/interface.ts';
import { type Message, wireVersions } from '../../../daemon/replication/messages.ts';
import { Replica } from '../../../daemon/replication/replica.ts';
import { REGION_BYTES, type Region } from '../../../daemon/replication/units.ts';
import { unreachable } from '../../../daemon/sys/errors.ts';
import { blankState, isMarked, KeptStore } from './store.ts';
import { TIMING } from './world.ts';

export { blankState };
export const SIZE_BYTES = 4 * REGION_BYTES;
const INCARNATION = 7;
const NO_DIGEST = new Uint8Array(32);
const WIRE_VERSION = Math.max(...wireVersions.keys());

/** It held every write of this view when its process was started. */
export function completeState(view: View): DurableState {
  return { ...blankState, view, complete: true, blank: false, consistentAt: view.generation };
}

/** Effects that disk and store answer. */
type Asked = Extract<Effect, { readonly token: number }>;

export class Lone {
  readonly replica: Replica;
  nowMs = 1000;
  /** What it was made to persist, in order. */
  readonly persisted: DurableState[] = [];
  /** What is on stable storage: a restart finds it. */
  readonly store: KeptStore;
  /** What a region that is read as a whole holds; one that is not here: zeroes. */
  readonly regions = new Map<Region, Uint8Array>();
  /** What it is told of a snapshot that it asks for. */
  snapshot: { readonly allocated: readonly Region[]; readonly changed: readonly Region[] } = {
    allocated: [],
    changed: [],
  };
  readonly #dialled = new Map<string, number>();
  readonly #held = new Set<Asked['type']>();
  #unanswered: Asked[] = [];

  constructor(host: string, durable: DurableState, kept: Partial<KeptState> = {}) {
    const options = { volume: 'v', sizeBytes: SIZE_BYTES, host, bootId: blankState.bootId, ...TIMING };
    const found: KeptState = { durable, maps: new Map(), preserved: [], ...kept };
    this.replica = new Replica({ ...options, incarnation: INCARNATION }, found, this.nowMs);
    this.store = new KeptStore(durable);
    const changes = [...found.maps].map(([name, chunks]) => ({ host: name, anew: true, chunks }));
    this.store.apply(durable, changes);
  }

  /** From now on effects of this type wait for `answer`. */
  hold(type: Asked['type']): void {
    this.#held.add(type);
  }

  /** The oldest effect of this type that waits is answered: the effects that follow. */
  answer(type: Asked['type'], more: { readonly failure?: 'EIO' | 'ENOSPC' } = {}): Effect[] {
    const effect = this.#unanswered.find((one) => one.type === type);
    if (effect === undefined) throw new Error(`no ${type} waits`);
    this.#unanswered = this.#unanswered.filter((one) => one !== effect);
    return this.step({ ...this.#answerTo(effect), ...more });
  }

  client(id: number, request: ClientRequest): Effect[] {
    return this.step({ type: 'client', id, request });
  }

  /** A write of one sector. */
  write(id: number, region: Region): Effect[] {
    const data = new Uint8Array(512).fill(id);
    return this.client(id, { kind: 'write', offset: region * REGION_BYTES, data, fua: false });
  }

  read(id: number, region: Region): Effect[] {
    return this.client(id, { kind: 'read', offset: region * REGION_BYTES, length: 512 });
  }

  /** Regions of the dirty map of `host` on stable storage. */
  dirtyOf(host: string): Region[] {
    const chunks = this.store.maps.get(host);
    return Array.from({ length: SIZE_BYTES / REGION_BYTES }, (_unused, region) => region).filter((region) =>
      isMarked(chunks, region),
    );
  }

  /** The effects of the event, and of the answers of disk and store to it. */
  step(event: ReplicaEvent): Effect[] {
    const all: Effect[] = [];
    const events = [event];
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      const effects = this.replica.step(next, this.nowMs);
      all.push(...effects);
      for (const effect of effects) {
        if (effect.type === 'dial') this.#dialled.set(effect.peer, effect.link);
        if (effect.type === 'persist') this.persisted.push(effect.durable);
        if (!isAsked(effect)) continue;
        if (this.#held.has(effect.type)) this.#unanswered.push(effect);
        else events.push(this.#answerTo(effect));
      }
    }
    return all;
  }

  /** What it says when this frame comes in, link by link. */
  hear(link: number, message: Message, payload?: Uint8Array): Message[] {
    return sentOf([
      ...this.step({ type: 'frame', link, message, payload, intact: true }),
      ...this.step({ type: 'batch-end' }),
    ]);
  }

  tick(ms: number): Effect[] {
    this.nowMs += ms;
    return this.step({ type: 'tick' });
  }

  /** Its dial of a peer is taken; answers the link. */
  connect(peer?: string): number {
    for (let tries = 0; tries < 50; tries++) {
      const [host = '', link] = [...this.#dialled].find(([host]) => host === (peer ?? host)) ?? [];
      if (link === undefined) {
        this.tick(20);
        continue;
      }
      this.#dialled.delete(host);
      this.step({ type: 'link-opened', link, peer: host });
      return link;
    }
    throw new Error('it dials nobody');
  }

  #answerTo(effect: Asked): ReplicaEvent {
    const { token } = effect;
    switch (effect.type) {
      case 'disk-write':
      case 'disk-flush':
      case 'preserve':
      case 'revert':
        return { type: 'disk-done', token };
      case 'disk-read':
        return { type: 'read-done', token, data: new Uint8Array(effect.length) };
      case 'read-region':
        return { type: 'region-done', token, data: this.regions.get(effect.region), digest: NO_DIGEST };
      case 'take-snapshot':
        return { type: 'snapshot-taken', token, ...this.snapshot };
      case 'persist':
        this.store.apply(effect.durable, effect.maps);
        return { type: 'persisted', token };
      default:
        return unreachable(effect);
    }
  }
}

function isAsked(effect: Effect): effect is Asked {
  return 'token' in effect;
}

export function repliesOf(effects: readonly Effect[]): { id: number; ok: boolean; failure?: string }[] {
  return effects.flatMap((effect) => (effect.type === 'reply' ? [{ id: effect.id, ...effect.result }] : []));
}

export function sentOf(effects: readonly Effect[]): Message[] {
  return effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []));
}

export function hello(
  from: string,
  generation: number,
  intent: 'resume' | 'recover' | 'join',
  incarnations: { readonly mine: number; readonly yours: number } = { mine: 1, yours: 0 },
): Message {
  return {
    type: 'hello',
    wireVersion: WIRE_VERSION,
    oldestVersion: WIRE_VERSION,
    volume: 'v',
    sizeBytes: SIZE_BYTES,
    host: from,
    generation,
    incarnation: incarnations.mine,
    peerIncarnation: incarnations.yours,
    intent,
    inSync: intent === 'join' ? [from] : ['a', 'b'],
  };
}

/** What a secondary answers. */
export function helloAnswer(
  from: string,
  generation: number,
  more: Partial<Extract<Message, { type: 'hello-answer' }>> = {},
): Message {
  return {
    type: 'hello-answer',
    wireVersion: WIRE_VERSION,
    host: from,
    generation,
    incarnation: 3,
    appliedSequence: 0,
    unstableKnown: true,
    blank: false,
    consistentAt: 0,
    copyingSince: 0,
    changesKnown: false,
    distrusted: false,
    ...more,
  };
}
