/** The databases of an installation. Names go in as a person writes them: `orders` and `databases/orders` are one. */
import { randomUUID } from 'node:crypto';
import type { ServiceError } from '@grpc/grpc-js';
import { LockstepError } from '../daemon/sys/errors.ts';
import { errorOfService } from '../daemon/sys/grpc-status.ts';
import { callUnary } from '../daemon/sys/grpc-unary.ts';
import {
  type ClaimPasswordResponse,
  CreateDatabaseRequest,
  type Database,
  type DatabaseServiceClient,
  DeleteDatabaseRequest,
  FailoverDatabaseRequest,
} from '../proto/gen/lockstep/v1/database_service.ts';
import type { Event, EventServiceClient } from '../proto/gen/lockstep/v1/event_service.ts';
import { backoffMs, type CallSettings, isTransient, MAX_ATTEMPTS, pause, retried } from './calls.ts';
import { callOptions, MAX_PAGES, type Operation, operationOf } from './operations.ts';

export interface CreateDatabase {
  /** A DNS label, the last part of the name. */
  readonly id: string;
  readonly engine: string;
  readonly sizeBytes: bigint;
  /** Two zones; empty or absent lets control choose. */
  readonly zones?: readonly string[];
  /** Checks everything and creates nothing. */
  readonly validateOnly?: boolean;
}

/** With an etag, the change is refused (ABORTED) if the database is no longer what the caller saw. */
export interface ChangeSettings extends CallSettings {
  readonly etag?: string;
}

const PAGE_SIZE = 200;

export class Databases {
  readonly #stub: DatabaseServiceClient;
  readonly #events: EventServiceClient;

  constructor(stub: DatabaseServiceClient, events: EventServiceClient) {
    this.#stub = stub;
    this.#events = events;
  }

  /** The request id is made once, so that a call whose answer was lost is answered with the same operation. */
  async create(database: CreateDatabase, settings: CallSettings = {}): Promise<Operation> {
    const request = CreateDatabaseRequest.fromPartial({
      databaseId: database.id,
      engine: database.engine,
      sizeBytes: database.sizeBytes,
      zones: [...(database.zones ?? [])],
      requestId: randomUUID(),
      validateOnly: database.validateOnly ?? false,
    });
    const call = () => callUnary(this.#stub.createDatabase.bind(this.#stub), request, callOptions(settings));
    return operationOf(await retried(call, settings.signal));
  }

  get(name: string, settings: CallSettings = {}): Promise<Database> {
    const request = { name: resourceName(name) };
    const call = () => callUnary(this.#stub.getDatabase.bind(this.#stub), request, callOptions(settings));
    return retried(call, settings.signal);
  }

  async list(settings: CallSettings = {}): Promise<readonly Database[]> {
    return pages(async (pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken, showDeleted: false };
      const call = () => callUnary(this.#stub.listDatabases.bind(this.#stub), request, callOptions(settings));
      const response = await retried(call, settings.signal);
      return { items: response.databases, next: response.nextPageToken };
    }, Infinity);
  }

  async delete(name: string, settings: ChangeSettings = {}): Promise<Operation> {
    const request = DeleteDatabaseRequest.fromPartial(changeRequest(name, settings));
    const call = () => callUnary(this.#stub.deleteDatabase.bind(this.#stub), request, callOptions(settings));
    return operationOf(await retried(call, settings.signal));
  }

  async failover(name: string, settings: ChangeSettings = {}): Promise<Operation> {
    const request = FailoverDatabaseRequest.fromPartial(changeRequest(name, settings));
    const call = () =>
      callUnary(this.#stub.failoverDatabase.bind(this.#stub), request, callOptions(settings));
    return operationOf(await retried(call, settings.signal));
  }

  /** Never tried again by itself: the server forgets the password as it answers. */
  claimPassword(name: string, settings: CallSettings = {}): Promise<ClaimPasswordResponse> {
    const request = { name: resourceName(name) };
    return callUnary(this.#stub.claimPassword.bind(this.#stub), request, callOptions(settings));
  }

  /** Newest first, at most `limit`. */
  async events(
    name: string,
    settings: CallSettings & { readonly limit?: number } = {},
  ): Promise<readonly Event[]> {
    const limit = settings.limit ?? Infinity;
    return pages(async (pageToken) => {
      const request = {
        parent: resourceName(name),
        pageSize: Math.min(PAGE_SIZE, limit),
        pageToken,
        reasons: [],
      };
      const call = () =>
        callUnary(this.#events.listEvents.bind(this.#events), request, callOptions(settings));
      const response = await retried(call, settings.signal);
      return { items: response.events, next: response.nextPageToken };
    }, limit);
  }

  /**
   * The database each time it changes, the present value first. A stream that breaks is opened again, which is safe
   * since a new one starts with the present value; it ends by the signal, or with the error that is not transient.
   */
  async *watch(
    name: string,
    settings: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Database, void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        for await (const database of this.#watchOnce(name, settings.signal)) {
          attempt = 0;
          yield database;
        }
        throw new LockstepError('UNAVAILABLE', 'the server ended the stream');
      } catch (error) {
        if (settings.signal?.aborted === true) return;
        if (!isTransient(error) || attempt >= MAX_ATTEMPTS) throw error;
      }
      await pause(backoffMs(Math.max(attempt, 1), Math.random()), settings.signal);
    }
  }

  async *#watchOnce(name: string, signal: AbortSignal | undefined): AsyncGenerator<Database, void> {
    const stream = this.#stub.watchDatabase({ name: resourceName(name) });
    const hangUp = (): void => {
      stream.cancel();
    };
    signal?.addEventListener('abort', hangUp, { once: true });
    if (signal?.aborted === true) hangUp();
    try {
      for await (const database of stream) yield database as Database;
    } catch (error) {
      throw isServiceError(error) ? errorOfService(error) : error;
    } finally {
      signal?.removeEventListener('abort', hangUp);
      stream.cancel();
    }
  }
}

const COLLECTION = 'databases/';

export function resourceName(name: string): string {
  return name.startsWith(COLLECTION) ? name : `${COLLECTION}${name}`;
}

export function databaseId(name: string): string {
  return name.startsWith(COLLECTION) ? name.slice(COLLECTION.length) : name;
}

function changeRequest(
  name: string,
  settings: ChangeSettings,
): { name: string; etag: string; requestId: string } {
  return { name: resourceName(name), etag: settings.etag ?? '', requestId: randomUUID() };
}

async function pages<Item>(
  fetchPage: (pageToken: string) => Promise<{ readonly items: readonly Item[]; readonly next: string }>,
  limit: number,
): Promise<readonly Item[]> {
  const found: Item[] = [];
  let token = '';
  for (let page = 0; page < MAX_PAGES && found.length < limit; page += 1) {
    const { items, next } = await fetchPage(token);
    found.push(...items);
    token = next;
    if (token === '') break;
  }
  return found.slice(0, limit);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'metadata' in error;
}
