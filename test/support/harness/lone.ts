/** One replica by itself: a test says what comes in and looks at what goes out. Disk and store answer at once, or not. */
import type {
  DurableState,
  Effect,
  KeptState,
  ReplicaEvent,
  View,
} from '../../../daemon/replication/interface.ts';
import { type Message, wireVersions } from '../../../daemon/replication/messages.ts';
import { Replica } from '../../../daemon/replication/replica.ts';
import { REGION_BYTES } from '../../../daemon/replication/units.ts';
import { blankState } from './store.ts';
import { TIMING } from './world.ts';

export { blankState };
export const SIZE_BYTES = 4 * REGION_BYTES;
const INCARNATION = 7;
const WIRE_VERSION = Math.max(...wireVersions.keys());

/** It held every write of this view when its process was started. */
export function completeState(view: View): DurableState {
  return { ...blankState, view, complete: true, blank: false, consistentAt: view.generation };
}

export class Lone {
  readonly replica: Replica;
  nowMs = 1000;
  /** What it was made to persist, in order. */
  readonly persisted: DurableState[] = [];
  /** False: nothing becomes durable. */
  storeAnswers = true;

  constructor(host: string, durable: DurableState, kept: Partial<KeptState> = {}) {
    const options = { volume: 'v', sizeBytes: SIZE_BYTES, host, bootId: blankState.bootId, ...TIMING };
    const found = { durable, maps: new Map(), preserved: [], ...kept };
    this.replica = new Replica({ ...options, incarnation: INCARNATION }, found, this.nowMs);
  }

  /** The effects of the event, and of the answers of disk and store to it. */
  step(event: ReplicaEvent): Effect[] {
    const all: Effect[] = [];
    const events = [event];
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      const effects = this.replica.step(next, this.nowMs);
      all.push(...effects);
      for (const effect of effects) {
        const answer = this.#answerTo(effect);
        if (answer !== undefined) events.push(answer);
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

  /** Its dial of the peer is taken; answers the link. */
  connect(): number {
    for (let tries = 0; tries < 50; tries++) {
      const dial = this.tick(20).find((effect) => effect.type === 'dial');
      if (dial === undefined) continue;
      this.step({ type: 'link-opened', link: dial.link, peer: dial.peer });
      return dial.link;
    }
    throw new Error('it dials nobody');
  }

  #answerTo(effect: Effect): ReplicaEvent | undefined {
    switch (effect.type) {
      case 'disk-write':
      case 'disk-flush':
      case 'preserve':
      case 'revert':
        return { type: 'disk-done', token: effect.token };
      case 'disk-read':
        return { type: 'read-done', token: effect.token, data: new Uint8Array(effect.length) };
      case 'read-region':
        return { type: 'region-done', token: effect.token, data: undefined, digest: new Uint8Array(32) };
      case 'persist':
        this.persisted.push(effect.durable);
        return this.storeAnswers ? { type: 'persisted', token: effect.token } : undefined;
      default:
        return undefined;
    }
  }
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
