/** WatchEvents: the newest events that are asked for, oldest of them first, and then each as it is written. */
import { type handleServerStreamingCall, Metadata, type ServerWritableStream } from '@grpc/grpc-js';
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import { statusReply } from '../../daemon/sys/grpc-status.ts';
import { logUnexpected } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { Event, WatchEventsRequest } from '../../proto/gen/lockstep/v1/event_service.ts';
import type { EventRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import { newestOf, prefixesOf, rootsOf } from './event-feed.ts';
import { checkParent, eventOf, filterOf } from './event-view.ts';
import type { Watchers } from './watch.ts';

const MAX_BACKLOG = 500;
/** Events written since the client took its last one: a client that is slower than this is told to begin anew. */
const MAX_WAITING = 1000;

type EventStream = ServerWritableStream<WatchEventsRequest, Event>;

export interface WatchEventsOptions {
  readonly repository: Repository;
  readonly watchers: Watchers;
  readonly log: Log;
}

export function watchEvents({
  repository,
  watchers,
  log,
}: WatchEventsOptions): handleServerStreamingCall<WatchEventsRequest, Event> {
  return (call) => {
    const watch = new EventWatch(repository, call);
    const run = async (): Promise<void> => {
      watchers.requireRoom();
      const forget = watchers.add(
        () => undefined,
        (why) => watch.end(why),
      );
      await watch.run().finally(forget);
    };
    void run().then(
      () => call.end(),
      (error: unknown) => {
        logUnexpected(log, 'WatchEvents', error);
        call.emit('error', statusReply(error));
      },
    );
  };
}

class EventWatch {
  readonly #repository: Repository;
  readonly #call: EventStream;
  /** Keys of events that were written and not yet sent. */
  readonly #waiting: string[] = [];
  #isEnded = false;
  #isTooSlow = false;
  #why: LockstepError | undefined;
  #wake: () => void = () => undefined;

  constructor(repository: Repository, call: EventStream) {
    this.#repository = repository;
    this.#call = call;
  }

  /** `why`: what the client is told; nothing where it is gone. */
  end(why?: LockstepError): void {
    this.#why ??= why;
    this.#isEnded = true;
    this.#wake();
  }

  /** Resolves when the client is gone; throws what it is told when control ends. */
  async run(): Promise<void> {
    const { parent, backlog, reasons } = this.#call.request;
    if (backlog < 0 || backlog > MAX_BACKLOG)
      throw invalidField('backlog', String(backlog), `0 to ${String(MAX_BACKLOG)}`);
    const isWanted = filterOf(reasons);
    for (const event of ['cancelled', 'close', 'error']) this.#call.on(event, () => this.end());
    await checkParent(this.#repository, parent);
    const { store } = this.#repository;
    const stops = rootsOf(parent).map((root) => store.watch(root, (key) => this.#written(key)));
    // A client that asked for no backlog knows by it that it misses nothing from now on.
    this.#call.sendMetadata(new Metadata());
    try {
      // Listened to before it is read: what is written meanwhile is in both, and sent once.
      const sent = await this.#sendBacklog(parent, backlog, isWanted);
      await this.#follow(sent, isWanted);
      if (this.#why !== undefined) throw this.#why;
    } finally {
      for (const stop of stops) stop();
    }
  }

  async #sendBacklog(
    parent: string,
    limit: number,
    isWanted: (event: EventRecord) => boolean,
  ): Promise<ReadonlySet<string>> {
    if (limit === 0) return new Set();
    const { store } = this.#repository;
    const prefixes = await prefixesOf(store, parent);
    const newest = await newestOf(store, prefixes, { limit, before: undefined, isWanted });
    for (const entry of newest.toReversed()) await this.#send(eventOf(entry));
    return new Set(newest.map(({ key }) => key));
  }

  async #follow(sent: ReadonlySet<string>, isWanted: (event: EventRecord) => boolean): Promise<void> {
    while (!this.#isEnded) {
      const key = this.#waiting.shift();
      if (key === undefined) await this.#sleep();
      else if (!sent.has(key)) {
        // The oldest events go when there are too many: such a key has no record any more.
        const entry = await this.#repository.store.get<EventRecord>(key);
        if (entry !== undefined && isWanted(entry.value)) await this.#send(eventOf(entry));
      }
      if (this.#isTooSlow)
        throw new LockstepError(
          'RESOURCE_EXHAUSTED',
          `more than ${String(MAX_WAITING)} events wait for this client, which takes them too slowly`,
          { reason: 'WATCH_TOO_SLOW', metadata: { next: 'list what was missed, and watch again' } },
        );
    }
  }

  #written(key: string): void {
    if (this.#isEnded) return;
    if (this.#waiting.length >= MAX_WAITING) this.#isTooSlow = true;
    else this.#waiting.push(key);
    this.#wake();
  }

  /** Resolves when the client has room for the next one. */
  async #send(event: Event): Promise<void> {
    if (this.#isEnded || this.#call.write(event)) return;
    let isFull = true;
    this.#call.once('drain', () => {
      isFull = false;
      this.#wake();
    });
    while (isFull && !this.#isEnded && !this.#isTooSlow) await this.#sleep();
  }

  #sleep(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#wake = () => resolve(undefined);
    return promise;
  }
}
