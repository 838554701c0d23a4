/** What happened, with reasons from a fixed list. */
import { type Event, EventServiceService as methods } from '../proto/gen/lockstep/v1/event_service.ts';
import { LockstepError } from '../daemon/sys/errors.ts';
import { type CallSettings, isTransient, reopened } from './calls.ts';
import { Listing } from './listing.ts';
import { eventParent } from './resource-names.ts';
import type { StreamSettings, Transport } from './transport.ts';

export interface EventSettings extends CallSettings {
  /** How many at most; absent: all that are kept. */
  readonly limit?: number;
  /** Of these alone; absent: of all. */
  readonly reasons?: readonly string[];
}

export interface EventFilter {
  /** A database's id, `databases/{database}`, `hosts/{host}`, `databases/-`, `hosts/-`; absent: of all. */
  readonly parent?: string;
}

export interface WatchEvents extends StreamSettings, EventFilter {
  readonly reasons?: readonly string[];
  /** Begin with this many of the newest; 0 if absent, at most 500. */
  readonly backlog?: number;
}

/** The most that the API sends of what was before, and so what a break can be made up for without a list. */
const MOST_EVENTS = 500;
/** Names of events that are known: more than a server sends again. */
const MOST_KNOWN = 4 * MOST_EVENTS;

export class Events {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Newest first. */
  list({
    parent,
    reasons = [],
    limit = Infinity,
    ...settings
  }: EventSettings & EventFilter = {}): Listing<Event> {
    return new Listing(async (pageToken) => {
      const pageSize = Math.min(MOST_EVENTS, limit);
      const request = { parent: eventParent(parent), pageSize, pageToken, reasons: [...reasons] };
      const answer = await this.#transport.repeated(methods.listEvents, request, settings);
      return { items: answer.events, nextPageToken: answer.nextPageToken };
    }, limit);
  }

  /**
   * Each event as it happens, none twice, and none left out when the stream breaks: what was written meanwhile is
   * listed before it goes on. It ends by the signal, or with an error that is not transient.
   */
  watch(settings: WatchEvents = {}): AsyncGenerator<Event, void> {
    const tail: Tail = { known: new Known(), isBegun: false };
    return reopened(() => this.#follow(settings, tail), settings.signal, isBreak);
  }

  async *#follow(settings: WatchEvents, tail: Tail): AsyncGenerator<Event, void> {
    const { known } = tail;
    const { parent, reasons = [], backlog = 0 } = settings;
    const missed = tail.isBegun
      ? await this.#since(settings, known)
      : await this.#newest(settings, known, backlog);
    tail.isBegun = true;
    for (const event of missed) if (known.add(event.name)) yield event;
    const request = { parent: eventParent(parent), reasons: [...reasons], backlog: MOST_EVENTS };
    for await (const event of this.#transport.stream(methods.watchEvents, request, settings))
      if (known.add(event.name)) yield event;
  }

  /**
   * Oldest first, the backlog that was asked for. As many as a stream begins with are taken for known, so that whatever
   * it sends beyond them is new.
   */
  async #newest(settings: WatchEvents, known: Known, backlog: number): Promise<readonly Event[]> {
    const newest = (await this.list({ ...settings, limit: MOST_EVENTS })).toReversed();
    const wanted = newest.splice(Math.max(0, newest.length - backlog));
    for (const event of newest) known.add(event.name);
    return wanted;
  }

  /** Oldest first: those after the newest that is known. */
  async #since(settings: WatchEvents, known: Known): Promise<readonly Event[]> {
    const missed: Event[] = [];
    for await (const page of this.list(settings).pages()) {
      const fresh = page.filter((event) => !known.has(event.name));
      missed.push(...fresh);
      if (fresh.length < page.length) break;
    }
    return missed.toReversed();
  }
}

/** Whoever read too slowly is told to list what it missed, which is what happens after every break. */
function isBreak(error: unknown): boolean {
  return isTransient(error) || (error instanceof LockstepError && error.reason === 'WATCH_TOO_SLOW');
}

interface Tail {
  readonly known: Known;
  isBegun: boolean;
}

/** The names that were seen last. */
class Known {
  readonly #names = new Set<string>();

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Whether it is new. */
  add(name: string): boolean {
    const isNew = !this.#names.delete(name);
    this.#names.add(name);
    const [oldest] = this.#names;
    if (this.#names.size > MOST_KNOWN && oldest !== undefined) this.#names.delete(oldest);
    return isNew;
  }
}
