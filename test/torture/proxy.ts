/**
 * A TCP proxy that stands for the network between two processes. What it does to all of its connections is set from
 * outside: cut them (after any byte), refuse new ones, let one direction or both stand still, delay what passes.
 *
 * A direction that stands still keeps what it holds and delivers it when it goes on, as TCP does over a network that
 * lost packets for a while; the end of a connection waits behind it too.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../support/harness/random.ts';

export type Direction = 'forward' | 'back';

export interface Weather {
  readonly refuses: boolean;
  /** Directions that stand still; forward is from whoever dials. */
  readonly blocked: readonly Direction[];
  readonly delayMs: number;
}

export const FAIR: Weather = { refuses: false, blocked: [], delayMs: 0 };

interface Where {
  readonly host: string;
  readonly port: number;
}

/** Above it, whoever sends has to wait. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;

export class Proxy {
  readonly #listenOn: Where;
  readonly #target: Where;
  readonly #server: Server;
  readonly #pipes = new Set<Pipe>();
  #weather: Weather = FAIR;

  constructor(listenOn: Where, target: Where) {
    this.#listenOn = listenOn;
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ ...this.#listenOn, exclusive: true }, resolve);
    });
  }

  get weather(): Weather {
    return this.#weather;
  }

  set weather(weather: Weather) {
    this.#weather = weather;
    for (const pipe of this.#pipes) pipe.pump();
  }

  /** Every connection ends now, some bytes of what is held still arriving. */
  cut(random: Random): void {
    for (const pipe of this.#pipes) pipe.cut(random);
    this.#pipes.clear();
  }

  close(): void {
    this.#server.close();
    for (const pipe of this.#pipes) pipe.destroy();
    this.#pipes.clear();
  }

  #accept(dialler: Socket): void {
    if (this.#weather.refuses) {
      dialler.resetAndDestroy();
      return;
    }
    const target = connect({ ...this.#target, allowHalfOpen: true });
    const forward = new Pipe(dialler, target, () => this.#weather, 'forward');
    const back = new Pipe(target, dialler, () => this.#weather, 'back');
    for (const pipe of [forward, back]) {
      this.#pipes.add(pipe);
      pipe.onEnd = () => this.#pipes.delete(pipe);
    }
  }
}

/** What waits in a pipe: bytes, the end of the sender's half, or that the sender is gone. */
interface Held {
  readonly bytes: Buffer | 'end' | 'close';
  readonly dueMs: number;
}

class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: () => Weather;
  readonly #direction: Direction;
  #held: Held[] = [];
  #heldBytes = 0;
  #isDraining = false;
  #timer: NodeJS.Timeout | undefined;
  onEnd: () => void = () => undefined;

  constructor(from: Socket, to: Socket, weather: () => Weather, direction: Direction) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    this.#direction = direction;
    from.setNoDelay(true);
    from.on('data', (bytes: Buffer) => this.#hold(bytes));
    from.on('end', () => this.#hold('end'));
    from.on('close', () => this.#hold('close'));
    from.on('error', () => undefined);
    to.on('drain', () => {
      this.#isDraining = false;
      this.pump();
    });
  }

  pump(): void {
    clearTimeout(this.#timer);
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      if (this.#isDraining || this.#weather().blocked.includes(this.#direction)) return;
      const waitMs = next.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), waitMs);
        return;
      }
      this.#held.shift();
      this.#deliver(next.bytes);
    }
  }

  cut(random: Random): void {
    const first = this.#held[0]?.bytes;
    if (Buffer.isBuffer(first)) this.#to.write(first.subarray(0, random.below(first.length)));
    this.#to.destroySoon();
    this.destroy();
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#held = [];
    this.#from.destroy();
    this.onEnd();
  }

  #hold(bytes: Held['bytes']): void {
    this.#held.push({ bytes, dueMs: performance.now() + this.#weather().delayMs });
    if (Buffer.isBuffer(bytes)) {
      this.#heldBytes += bytes.length;
      if (this.#heldBytes > MAX_HELD_BYTES) this.#from.pause();
    }
    this.pump();
  }

  #deliver(bytes: Held['bytes']): void {
    if (bytes === 'end') this.#to.end();
    else if (bytes === 'close') {
      this.#to.destroySoon();
      this.onEnd();
    } else {
      this.#heldBytes -= bytes.length;
      if (this.#heldBytes <= MAX_HELD_BYTES) this.#from.resume();
      if (!this.#to.destroyed) this.#isDraining = !this.#to.write(bytes);
    }
  }
}
