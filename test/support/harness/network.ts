/**
 * Connections between processes. Inside one direction nothing overtakes; a connection can be cut behind any frame,
 * and a direction between two hosts can stand still while the other goes on.
 */
import type { Message } from '../../../daemon/replication/messages.ts';
import type { Pace } from './pace.ts';
import type { Scheduler } from './scheduler.ts';

export interface SentFrame {
  readonly message: Message;
  readonly payload: Uint8Array | undefined;
}

/** Where a connection ends: one life of a daemon. */
export interface NetworkNode {
  readonly name: string;
  opened(link: number, end: LinkEnd): void;
  dialFailed(link: number): void;
  received(end: LinkEnd, frame: SentFrame): void;
  /** The other side closed it, died, or the way between broke. */
  ended(end: LinkEnd): void;
}

interface Lane {
  readonly from: LinkEnd;
  readonly to: LinkEnd;
  queue: (SentFrame | 'end')[];
  /** Arrived at the other host, or held up on the way because the direction stands still. */
  due: number;
  lastAtMs: number;
}

/** One side of a connection. */
export class LinkEnd {
  readonly node: NetworkNode;
  /** The number under which the replica knows it; undefined before the first frame was accepted. */
  link: number | undefined;
  open = true;
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

  unblockAll(): void {
    this.#blocked.clear();
    for (const lane of this.#lanes) this.#scheduler.after(this.#pace.frameMs(), () => this.#arrive(lane, 0));
  }

  /** Breaks all connections, each direction behind some frame. */
  cutAll(): void {
    for (const lane of this.#lanes) if (lane.from.open || lane.to.open) this.#cut(lane);
  }

  #isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from} ${to}`);
  }

  #connect(near: LinkEnd, far: LinkEnd): void {
    const there: Lane = { from: near, to: far, queue: [], due: 0, lastAtMs: 0 };
    const back: Lane = { from: far, to: near, queue: [], due: 0, lastAtMs: 0 };
    this.#lanes = this.#lanes.filter((lane) => lane.from.open || lane.to.open);
    this.#lanes.push(there, back);
    for (const lane of [there, back]) {
      const { from } = lane;
      from.send = (frame) => {
        if (from.open) this.#enqueue(lane, frame);
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

  #enqueue(lane: Lane, frame: SentFrame | 'end'): void {
    lane.queue.push(frame);
    lane.lastAtMs = Math.max(lane.lastAtMs, this.#scheduler.nowMs + this.#pace.frameMs());
    this.#scheduler.after(lane.lastAtMs - this.#scheduler.nowMs, () => this.#arrive(lane, 1));
  }

  #cut(lane: Lane): void {
    lane.queue.length = this.#pace.cutAt(lane.queue.length);
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
