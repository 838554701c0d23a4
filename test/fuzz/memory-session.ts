/**
 * One session through the server's own connection, without a socket: decoders, negotiation, validation, replies and
 * bounds. Everything happens in the caller's turn where the disk answers at once.
 */
import { NbdConnection } from '../../daemon/nbd/connection.ts';
import { DEFAULT_LIMITS, type NbdLimits } from '../../daemon/nbd/limits.ts';
import { ReceiveBuffer } from '../../daemon/sys/receive-buffer.ts';
import { SlabPool } from '../../daemon/sys/slabs.ts';
import { MemoryBudget } from '../../daemon/nbd/memory-budget.ts';
import type { Random } from '../support/harness/random.ts';
import { type DiskBehaviour, FuzzDisk, MOST_EXTENTS } from './disk.ts';
import { MemorySocket } from './memory-socket.ts';
import { chunksOf, type FuzzInput } from './mutate.ts';
import { CMD } from './protocol.ts';
import { judge, type Verdict } from './witness.ts';

const KIB = 1024;

/** Small enough for every session to come to them. */
const LIMITS: NbdLimits = {
  ...DEFAULT_LIMITS,
  inFlightRequests: 4,
  inFlightBytes: 64 * KIB,
  unsentBytes: 16 * KIB,
  guaranteedBytes: 32 * KIB,
};
/** One answer to BLOCK_STATUS with extended headers. */
const LARGEST_STATUS_BYTES = 64 + 16 * MOST_EXTENTS;
const BUDGET_BYTES = 40 * KIB * KIB;
/** Turns of the event loop in which nothing happens, before a session counts as stuck. */
const IDLE_TURNS = 4;

export interface SessionOptions extends Omit<DiskBehaviour, 'onHeld'> {
  /** The client takes what the server says only now and then. */
  readonly slow: boolean;
}

export function optionsOf(random: Random): SessionOptions {
  const [holds, slow] = [random.happens(0.25) ? 0.8 : 0, random.happens(0.15)];
  return { holds, slow, fails: random.happens(0.2) ? 0.1 : 0 };
}

export async function runInMemory(
  input: FuzzInput,
  random: Random,
  options: SessionOptions,
): Promise<Verdict> {
  return new Session(input, random, options).run();
}

class Session {
  readonly #input: FuzzInput;
  readonly #random: Random;
  readonly #disk: FuzzDisk;
  readonly #socket: MemorySocket;
  readonly #budget = new MemoryBudget(BUDGET_BYTES);
  readonly #chunks: Buffer[];
  #finding: string | undefined;

  constructor(input: FuzzInput, random: Random, options: SessionOptions) {
    this.#input = input;
    this.#random = random;
    this.#disk = new FuzzDisk(random, options);
    this.#socket = new MemorySocket({ takesAtOnce: !options.slow });
    // The server may keep a chunk and change it, the witness wants it as it was said.
    this.#chunks = chunksOf({ ...input, bytes: Buffer.from(input.bytes) });
    const slabs = new SlabPool();
    new NbdConnection({
      socket: this.#socket.asSocket,
      received: new ReceiveBuffer(slabs),
      isDirect: false,
      slabs,
      exports: this.#disk,
      limits: LIMITS,
      budget: this.#budget,
      tls: undefined,
      log: () => undefined,
      settle: () => undefined,
    });
  }

  async run(): Promise<Verdict> {
    let idle = 0;
    let before = 0;
    for (;;) {
      while (this.#finding === undefined && this.#step());
      const verdict = this.#judge();
      idle = this.#progress === before ? idle + 1 : 0;
      before = this.#progress;
      if (verdict.complete || this.#finding !== undefined || idle > IDLE_TURNS) return this.#with(verdict);
      await new Promise(setImmediate);
    }
  }

  /** False: there is nothing to do for us. */
  #step(): boolean {
    const socket = this.#socket;
    if (socket.destroyed) {
      socket.settle();
      return this.#disk.answerOne();
    }
    const mayDeliver = !socket.isPaused && this.#chunks.length > 0;
    const isLast = !mayDeliver;
    if (mayDeliver) socket.deliver(this.#chunks.shift() ?? Buffer.alloc(0));
    this.#checkBounds();
    let acted = mayDeliver;
    if (this.#disk.heldCount > 0 && (isLast || this.#random.happens(0.3)))
      acted = this.#disk.answerOne() || acted;
    if (socket.writableLength > 0 && (isLast || this.#random.happens(0.2))) {
      socket.drain();
      acted = true;
    }
    return acted || socket.destroyed;
  }

  get #progress(): number {
    return (
      this.#disk.submitCount +
      this.#socket.bytesWritten +
      this.#socket.bytesRead +
      (this.#socket.closed ? 1 : 0)
    );
  }

  #checkBounds(): void {
    const { heldCount, heldBytes, largestHeldBytes } = this.#disk;
    if (heldCount > LIMITS.inFlightRequests) this.#finding ??= `${heldCount} requests are in flight`;
    // One request may pass the limit.
    if (heldBytes - largestHeldBytes > LIMITS.inFlightBytes)
      this.#finding ??= `${heldBytes} bytes are in flight`;
    // One answer may pass it, and refusals, which are small, count once they are with the socket.
    const largest = Math.max(2 * this.#disk.largestReadBytes, LARGEST_STATUS_BYTES);
    const most = LIMITS.unsentBytes + largest + 16 * this.#input.bytes.length;
    const unsent = this.#socket.writableLength;
    if (unsent > most) this.#finding ??= `${unsent} bytes wait to be sent`;
  }

  #judge(): Verdict {
    return judge({
      client: this.#input.bytes,
      server: this.#socket.written(),
      closed: this.#socket.destroyed,
    });
  }

  #with(verdict: Verdict): Verdict {
    const isAnswered = verdict.complete || verdict.transmission?.ambiguous === true;
    const silent = isAnswered ? undefined : 'the server is silent';
    const finding = this.#finding ?? verdict.finding ?? silent ?? this.#changesFault(verdict);
    return { ...verdict, finding: finding ?? this.#endFault() };
  }

  /** What the disk was asked to change is what the client sent, in the order of its sending. */
  #changesFault({ transmission }: Verdict): string | undefined {
    const wanted = (transmission?.sent ?? []).filter(
      ({ outcome, command, length }) =>
        outcome === 'success' && (command === CMD.FLUSH || (command === CMD.WRITE && length > 0n)),
    );
    const { changes, overwritten } = this.#disk;
    if (overwritten !== undefined) return overwritten;
    if (changes.length !== wanted.length) return `${changes.length} changes for ${wanted.length} requests`;
    for (const [index, change] of changes.entries()) {
      const { payload = Buffer.alloc(0), offset } = wanted[index] ?? {};
      if (change.kind === 'write' && (BigInt(change.offset) !== offset || !change.data.equals(payload)))
        return `a write at ${change.offset} is not what was sent`;
    }
    return undefined;
  }

  /** The client leaves: nothing stays open, counted or running. */
  #endFault(): string | undefined {
    if (!this.#socket.destroyed) this.#socket.emit('end');
    if (!this.#socket.destroyed) return 'the connection outlives its client';
    this.#socket.settle();
    while (this.#disk.answerOne());
    if (this.#disk.openCount !== 0) return `${this.#disk.openCount} exports stay open`;
    const { usedBytes } = this.#budget;
    return usedBytes === 0 ? undefined : `${usedBytes} bytes stay counted`;
  }
}
