/** WatchDatabase: the database as it is, and again each time that its view changes. */
import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { statusReply } from '../../daemon/sys/grpc-status.ts';
import { logUnexpected } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { Database, type WatchDatabaseRequest } from '../../proto/gen/lockstep/v1/database_service.ts';
import { keys } from '../model/records.ts';
import type { Observations } from '../monitor/observations.ts';
import type { Repository } from '../repository.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import { databaseIdOf } from './fields.ts';
import type { Views } from './views.ts';

/** Streams open at once; each costs a look at the records per change. */
const MAX_WATCHERS = 256;
/** Changes that come together are shown together. */
const SETTLE_MS = 50;
/** Silence changes nothing that could be listened to: a host that dies is seen by looking. */
const LOOK_MS = 500;

type WatchStream = ServerWritableStream<WatchDatabaseRequest, Database>;

export interface WatchOptions {
  readonly repository: Repository;
  readonly views: Views;
  readonly watchers: Watchers;
  readonly log: Log;
}

/** Who wants to know that anything may have changed. */
export class Watchers {
  readonly #callbacks = new Set<() => void>();
  readonly #ends = new Set<(why: LockstepError) => void>();
  readonly #stops: readonly (() => void)[];

  constructor(repository: Repository, engine: WorkflowEngine, observations: Observations) {
    const changed = (): void => {
      for (const callback of [...this.#callbacks]) callback();
    };
    this.#stops = [
      repository.store.watch(keys.databases, changed),
      repository.store.watch(keys.volumes, changed),
      engine.watch(changed),
      observations.onHeard(changed),
    ];
  }

  get count(): number {
    return this.#callbacks.size;
  }

  requireRoom(): void {
    if (this.count >= MAX_WATCHERS)
      throw new LockstepError('RESOURCE_EXHAUSTED', `${String(MAX_WATCHERS)} watches are open`, {
        reason: 'TOO_MANY_WATCHES',
        metadata: { next: 'end a watch that nobody reads, and try again' },
      });
  }

  add(callback: () => void, end: (why: LockstepError) => void): () => void {
    this.#callbacks.add(callback);
    this.#ends.add(end);
    return () => {
      this.#callbacks.delete(callback);
      this.#ends.delete(end);
    };
  }

  close(): void {
    for (const stop of this.#stops) stop();
    // Not as if the database were gone: a client watches on elsewhere, or here once control is back.
    const why = new LockstepError('UNAVAILABLE', 'this control daemon ends; watch again in a moment', {
      reason: 'SHUTTING_DOWN',
    });
    for (const end of [...this.#ends]) end(why);
  }
}

export function watchDatabase(
  options: WatchOptions,
): handleServerStreamingCall<WatchDatabaseRequest, Database> {
  return (call) => {
    try {
      const id = databaseIdOf('name', call.request.name);
      options.watchers.requireRoom();
      new Watch(options, call, id).start();
    } catch (error) {
      call.emit('error', statusReply(error));
    }
  };
}

class Watch {
  readonly #options: WatchOptions;
  readonly #call: WatchStream;
  readonly #id: string;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = 0;
  #againMs = LOOK_MS;
  #isLooking = false;
  /** The client is slower than the changes: it gets the newest when it is ready again. */
  #isFull = false;
  #isEnded = false;
  #last: Buffer | undefined;
  #forget: () => void = () => undefined;

  constructor(options: WatchOptions, call: WatchStream, id: string) {
    this.#options = options;
    this.#call = call;
    this.#id = id;
  }

  start(): void {
    const end = (): void => this.#end();
    this.#forget = this.#options.watchers.add(
      () => this.#soon(SETTLE_MS),
      (why) => this.#fail(why),
    );
    for (const event of ['cancelled', 'close', 'error']) this.#call.on(event, end);
    this.#call.on('drain', () => {
      this.#isFull = false;
      this.#soon(0);
    });
    this.#look();
  }

  /** The sooner of two wishes counts: changes that never cease must not put the look off for ever. */
  #soon(ms: number): void {
    if (this.#isEnded || this.#isFull) return;
    if (this.#isLooking) {
      this.#againMs = Math.min(this.#againMs, ms);
      return;
    }
    if (this.#timer !== undefined && this.#timerMs <= ms) return;
    clearTimeout(this.#timer);
    this.#timerMs = ms;
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    this.#timer = undefined;
    this.#isLooking = true;
    this.#againMs = LOOK_MS;
    void this.#show()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#isLooking = false;
        this.#soon(this.#againMs);
      });
  }

  async #show(): Promise<void> {
    const { repository, views } = this.#options;
    const entry =
      this.#last === undefined
        ? await repository.requireDatabase(this.#id)
        : await repository.database(this.#id);
    if (entry === undefined) {
      this.#end();
      return;
    }
    const database = await views.database(entry);
    const bytes = Buffer.from(Database.encode(database).finish());
    if (this.#isEnded || this.#last?.equals(bytes) === true) return;
    this.#last = bytes;
    this.#isFull = !this.#call.write(database);
  }

  #fail(error: unknown): void {
    if (this.#isEnded) return;
    logUnexpected(this.#options.log, 'WatchDatabase', error);
    this.#call.emit('error', statusReply(error));
    this.#end();
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#forget();
    this.#call.end();
  }
}
