/**
 * Does what can wait of the store: regions that move to other layers, layers that become one. A piece of about a
 * mebibyte at a time, as fast as the clients' writes do not feel it, down to a floor so that it always ends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Throttle } from '../replication/throttle.ts';
import type { Clock } from '../sys/clock.ts';
import { messageOf } from '../sys/errors.ts';
import type { Log } from '../sys/log.ts';

const PIECE_BYTES = 1024 * 1024;
/** There may be something to do that nobody spoke of. */
const LOOK_EVERY_MS = 1000;
/** Between two looks whether a piece may be done now. */
const WAIT_MS = 5;
/** After a piece that failed: a disk that fails is asked again, but not all the time. */
const AGAIN_AFTER_MS = 10_000;

export interface BackgroundOptions {
  /** Does one piece; false: there is nothing left to do. */
  readonly step: () => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
}

export class Background {
  readonly #options: BackgroundOptions;
  readonly #throttle = new Throttle();
  readonly #stopped = new AbortController();
  readonly #work: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(options: BackgroundOptions) {
    this.#options = options;
    this.#work = this.#run();
  }

  /** Of a client's write or flush. */
  latency(ms: number): void {
    this.#throttle.latency(ms, this.#options.clock.nowMs());
  }

  /** There is something to do. */
  wake(): void {
    this.#wake();
  }

  /** Nothing is done any more when it resolves. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake();
    await this.#work;
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#throttle.begin(this.#options.clock.nowMs());
      try {
        while (!this.#stopped.signal.aborted && (await this.#options.step())) await this.#pace();
        this.#throttle.end();
        await this.#rest(LOOK_EVERY_MS);
      } catch (error) {
        this.#throttle.end();
        this.#options.log.error({ error: messageOf(error) }, 'the store cannot put its layers in order');
        await this.#rest(AGAIN_AFTER_MS);
      }
    }
  }

  async #pace(): Promise<void> {
    this.#throttle.sent(PIECE_BYTES);
    while (!this.#throttle.mayGo(this.#options.clock.nowMs()) && !this.#stopped.signal.aborted)
      await sleep(WAIT_MS);
  }

  async #rest(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => {
      resolve(undefined);
    }, ms);
    this.#wake = () => {
      resolve(undefined);
    };
    if (!this.#stopped.signal.aborted) await promise;
    clearTimeout(timer);
    this.#wake = () => undefined;
  }
}
