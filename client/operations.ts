/** Long-running operations: what control is doing, task by task, and how it ended. */
import { errorOfStatus } from '../daemon/sys/grpc-status.ts';
import { LockstepError } from '../daemon/sys/errors.ts';
import type { Any } from '../proto/gen/google/protobuf/any.ts';
import {
  type Operation as RawOperation,
  OperationsService as methods,
} from '../proto/gen/google/longrunning/operations.ts';
import { Database, OperationMetadata } from '../proto/gen/lockstep/v1/database_service.ts';
import { Host } from '../proto/gen/lockstep/v1/host_service.ts';
import { Volume } from '../proto/gen/lockstep/v1/volume_service.ts';
import { type CallSettings, isTransient, pause } from './calls.ts';
import { Listing } from './listing.ts';
import { operationName } from './resource-names.ts';
import type { StreamSettings, Transport } from './transport.ts';

export interface Operation {
  /** operations/{operation} */
  readonly name: string;
  readonly metadata: OperationMetadata;
  readonly outcome: OperationOutcome;
}

/** What an operation left: none of the three after a delete of a volume, and after a change that was only checked. */
export interface OperationResult {
  readonly database?: Database | undefined;
  readonly volume?: Volume | undefined;
  readonly host?: Host | undefined;
}

export type OperationOutcome =
  | { readonly kind: 'running' }
  | ({ readonly kind: 'succeeded' } & OperationResult)
  | { readonly kind: 'failed'; readonly error: LockstepError };

export interface WaitSettings {
  readonly signal?: AbortSignal;
  /** Called at each change, the last one included. */
  readonly onProgress?: (operation: Operation) => void;
}

const METADATA_TYPE = 'type.googleapis.com/lockstep.v1.OperationMetadata';
const POLL_INTERVAL_MS = 200;
/** A control daemon that is restarted resumes its workflows: so long a wait outlives its absence. */
const MAX_ABSENCE_MS = 60_000;
const PAGE_SIZE = 100;

/** A name is `operations/{operation}`, or its last part. */
export class Operations {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async get(name: string, settings: CallSettings = {}): Promise<Operation> {
    const request = { name: operationName(name) };
    return operationOf(await this.#transport.repeated(methods.getOperation, request, settings));
  }

  /** Those that run, and those that are kept of what ran. */
  list(settings: CallSettings = {}): Listing<Operation> {
    return new Listing(async (pageToken) => {
      const request = { name: 'operations', pageSize: PAGE_SIZE, pageToken };
      const answer = await this.#transport.repeated(methods.listOperations, request, settings);
      return { items: answer.operations.map(operationOf), nextPageToken: answer.nextPageToken };
    });
  }

  /** Each state that differs from the one before, the present one first; ends after the outcome. */
  async *watch(name: string, settings: StreamSettings = {}): AsyncGenerator<Operation, void> {
    let last = '';
    let absentSince: number | undefined;
    for (;;) {
      try {
        const operation = await this.#getOnce(name, settings);
        absentSince = undefined;
        const shown = fingerprint(operation);
        if (shown !== last) yield operation;
        last = shown;
        if (operation.outcome.kind !== 'running') return;
      } catch (error) {
        if (!isTransient(error)) throw error;
        absentSince ??= performance.now();
        if (performance.now() - absentSince > MAX_ABSENCE_MS) throw error;
      }
      await pause(POLL_INTERVAL_MS, settings.signal);
    }
  }

  /**
   * Answers the operation's database once it is done (undefined where it leaves none), and throws what it failed with.
   * The signal ends the waiting and not the operation.
   */
  async wait(name: string, settings: WaitSettings = {}): Promise<Database | undefined> {
    return (await this.result(name, settings)).database;
  }

  /** As `wait`, with whatever the operation left: a database, a volume or a host. */
  async result(name: string, settings: WaitSettings = {}): Promise<OperationResult> {
    for await (const operation of this.watch(name, settings)) {
      settings.onProgress?.(operation);
      if (operation.outcome.kind === 'failed') throw operation.outcome.error;
      if (operation.outcome.kind === 'succeeded') return operation.outcome;
    }
    throw new LockstepError('INTERNAL', `the watch of ${name} ended before the operation did`);
  }

  /** The caller counts how long control is away. */
  async #getOnce(name: string, settings: CallSettings): Promise<Operation> {
    const request = { name: operationName(name) };
    return operationOf(await this.#transport.once(methods.getOperation, request, settings));
  }
}

/** Unpacks what the generic message carries as Any. */
export function operationOf(raw: RawOperation): Operation {
  return { name: raw.name, metadata: metadataOf(raw), outcome: outcomeOf(raw) };
}

function metadataOf(raw: RawOperation): OperationMetadata {
  if (raw.metadata?.typeUrl === METADATA_TYPE) return OperationMetadata.decode(raw.metadata.value);
  return OperationMetadata.decode(new Uint8Array());
}

function outcomeOf(raw: RawOperation): OperationOutcome {
  if (!raw.done) return { kind: 'running' };
  if (raw.error !== undefined) return { kind: 'failed', error: errorOfStatus(raw.error) };
  const { response } = raw;
  return {
    kind: 'succeeded',
    database: unpacked(response, 'Database', Database),
    volume: unpacked(response, 'Volume', Volume),
    host: unpacked(response, 'Host', Host),
  };
}

/** Undefined where it holds another message. */
function unpacked<Message>(
  packed: Any | undefined,
  type: string,
  codec: { decode(bytes: Uint8Array): Message },
): Message | undefined {
  const isIt = packed?.typeUrl === `type.googleapis.com/lockstep.v1.${type}`;
  return isIt ? codec.decode(packed.value) : undefined;
}

function fingerprint(operation: Operation): string {
  const bytes = Buffer.from(OperationMetadata.encode(operation.metadata).finish());
  return `${operation.outcome.kind} ${bytes.toString('base64')}`;
}
