/**
 * Connections between processes. Inside one direction nothing overtakes; a connection can be cut at any byte, where a
 * frame that is there in part is not there; a direction between two hosts can stand still while the other goes on, be
 * slow, or damage what it carries.
 */
import type { Message } from '../../../daemon/replication/messages.ts';
import type { Pace } from './pace.ts';
import { damaged } from './payload.ts';
import type { Scheduler } from './scheduler.ts';

export interface SentFrame {
  readonly message: Message;
  readonly payload: Uint8Array | undefined;
}

/** As it arrives. */
export interface ReceivedFrame extends SentFrame {
  /** The payload's checksum is right. */
  readonly intact: boolean;
}

/** What is wrong with one direction between two hosts. */
interface Ailment {
  untilMs: number;
  bytesPerMs: number;
  /** How probable it is that a payload arrives damaged. */
  damage: number;
}

/** What the header of a frame takes, about. */
const HEADER_BYTES = 40;

/** Where a connection ends: one life of a daemon. */
export interface NetworkNode {
  readonly name: string;
  opened(link: number, end: LinkEnd): void;
  dialFailed(link: number): void;
  received(end: LinkEnd, frame: ReceivedFrame): void;
  /** The other side closed it, died, or the way between broke. */
  ended(end: LinkEnd): void;
}

interface Lane {
  readonly from: LinkEnd;
  readonly to: LinkEnd;
  queue: (ReceivedFrame | 'end')[];
  /** Arrived at the other host, or held up on the way because the direction stands still. */
  due: number;
  lastAtMs: number;
  /** When the last byte is on its way. */
  sentAtMs: number;
}

/** One side of a connection. */
export class LinkEnd {
  readonly node: NetworkNode;
  /** The number under which the replica knows it; undefined before the first frame was accepted. */
  link: number | undefined;
  open = true;
  /** The host at the other end. */
  peer = '';
  send: (frame: SentFrame) => void = () => undefined;
  /** What was sent before still goes out. */
  close: () => void = () => undefined;
  /** The process behind this end is gone. */
  die: () => void = () => undefined;

  constructor(node: NetworkNode, link: number | undefined) {
    this.node = node;
    this.link = link;
  }
}

export class Network {
  readonly #scheduler: Scheduler;
  readonly #pace: Pace;
  readonly #nodeOf: (name: string) => NetworkNode | undefined;
  readonly #blocked = new Set<string>();
  readonly #ailments = new Map<string, Ailment>();
  /** Of each direction between two hosts. */
  bytesPerMs = Infinity;
  #lanes: Lane[] = [];

  constructor(scheduler: Scheduler, pace: Pace, nodeOf: (name: string) => NetworkNode | undefined) {
    this.#scheduler = scheduler;
    this.#pace = pace;
    this.#nodeOf = nodeOf;
  }

  get framesInFlight(): number {
    return this.#lanes.reduce((sum, lane) => sum + (lane.to.open ? lane.queue.length : 0), 0);
  }

  dial(from: NetworkNode, link: number, to: string): void {
    this.#scheduler.after(this.#pace.dialMs(), () => {
      const node = this.#nodeOf(to);
      if (node === undefined || this.#isBlocked(from.name, to) || this.#isBlocked(to, from.name)) {
        from.dialFailed(link);
        return;
      }
      const near = new LinkEnd(from, link);
      this.#connect(near, new LinkEnd(node, undefined));
      from.opened(link, near);
    });
  }

  /** Frames from one host to another stand still until it is unblocked; connections stay. */
  block(from: string, to: string): void {
    this.#blocked.add(`${from} ${to}`);
  }

  unblock(from: string, to: string): void {
    this.#blocked.delete(`${from} ${to}`);
    this.#release();
  }

  unblockAll(): void {
    this.#blocked.clear();
    this.#release();
  }

  /** What stood still and may go on. */
  #release(): void {
    for (const lane of this.#lanes) this.#scheduler.after(this.#pace.frameMs(), () => this.#arrive(lane, 0));
  }

  /** So many bytes pass in a millisecond, until then. */
  slow(from: string, to: string, bytesPerMs: number, untilMs: number): void {
    this.#ailments.set(`${from} ${to}`, { untilMs, bytesPerMs, damage: 0 });
  }

  damage(from: string, to: string, damage: number, untilMs: number): void {
    this.#ailments.set(`${from} ${to}`, { untilMs, bytesPerMs: Infinity, damage });
  }

  heal(): void {
    this.#ailments.clear();
    this.bytesPerMs = Infinity;
    this.unblockAll();
  }

  /** Breaks all connections, each direction at some byte. */
  cutAll(): void {
    for (const lane of this.#lanes) if (lane.from.open || lane.to.open) this.#cut(lane);
  }

  #isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from} ${to}`);
  }

  #connect(near: LinkEnd, far: LinkEnd): void {
    const there: Lane = { from: near, to: far, queue: [], due: 0, lastAtMs: 0, sentAtMs: 0 };
    const back: Lane = { from: far, to: near, queue: [], due: 0, lastAtMs: 0, sentAtMs: 0 };
    near.peer = far.node.name;
    far.peer = near.node.name;
    this.#lanes = this.#lanes.filter((lane) => lane.from.open || lane.to.open);
    this.#lanes.push(there, back);
    for (const lane of [there, back]) {
      const { from } = lane;
      from.send = (frame) => {
        if (from.open) this.#enqueue(lane, this.#carried(lane, frame));
      };
      from.close = () => {
        if (from.open) this.#enqueue(lane, 'end');
        from.open = false;
      };
      from.die = () => {
        if (from.open) this.#cut(lane);
        from.open = false;
      };
    }
  }

  #ailmentOf(lane: Lane): Ailment | undefined {
    const ailment = this.#ailments.get(`${lane.from.node.name} ${lane.to.node.name}`);
    return ailment !== undefined && this.#scheduler.nowMs < ailment.untilMs ? ailment : undefined;
  }

  #carried(lane: Lane, { message, payload }: SentFrame): ReceivedFrame {
    const damage = this.#ailmentOf(lane)?.damage ?? 0;
    if (payload === undefined || damage === 0 || this.#pace.doneOf(999) >= damage * 1000)
      return { message, payload, intact: true };
    return { message, payload: damaged(payload), intact: false };
  }

  #enqueue(lane: Lane, frame: ReceivedFrame | 'end'): void {
    lane.queue.push(frame);
    const { nowMs } = this.#scheduler;
    const rate = Math.min(this.bytesPerMs, this.#ailmentOf(lane)?.bytesPerMs ?? Infinity);
    lane.sentAtMs = Math.max(lane.sentAtMs, nowMs) + bytesOf(frame) / rate;
    lane.lastAtMs = Math.max(lane.lastAtMs, lane.sentAtMs + this.#pace.frameMs());
    this.#scheduler.after(lane.lastAtMs - nowMs, () => this.#arrive(lane, 1));
  }

  #cut(lane: Lane): void {
    let left = this.#pace.cutAt(lane.queue.reduce((sum, frame) => sum + bytesOf(frame), 0));
    let whole = 0;
    for (const frame of lane.queue) {
      left -= bytesOf(frame);
      if (left < 0) break;
      whole++;
    }
    lane.queue.length = whole;
    this.#enqueue(lane, 'end');
  }

  #arrive(lane: Lane, frames: number): void {
    lane.due += frames;
    while (lane.due > 0 && !this.#isBlocked(lane.from.node.name, lane.to.node.name)) {
      lane.due--;
      const frame = lane.queue.shift();
      if (frame === undefined || !lane.to.open) continue;
      if (frame === 'end') {
        lane.to.open = false;
        lane.to.node.ended(lane.to);
      } else lane.to.node.received(lane.to, frame);
    }
  }
}

const bytesOf = (frame: ReceivedFrame | 'end'): number =>
  frame === 'end' ? 0 : HEADER_BYTES + (frame.payload?.length ?? 0);
