/** Long-running operations: what control is doing, task by task, and how it ended. */
import { callUnary } from '../daemon/sys/grpc-unary.ts';
import { errorOfStatus } from '../daemon/sys/grpc-status.ts';
import { LockstepError } from '../daemon/sys/errors.ts';
import {
  type Operation as RawOperation,
  type OperationsClient,
} from '../proto/gen/google/longrunning/operations.ts';
import { Database, OperationMetadata } from '../proto/gen/lockstep/v1/database_service.ts';
import { type CallSettings, DEFAULT_DEADLINE_MS, isTransient, pause, retried } from './calls.ts';

export interface Operation {
  /** operations/{operation} */
  readonly name: string;
  readonly metadata: OperationMetadata;
  readonly outcome: OperationOutcome;
}

export type OperationOutcome =
  | { readonly kind: 'running' }
  /** `database` is absent where the operation leaves none, as a delete, or answers a volume. */
  | { readonly kind: 'succeeded'; readonly database: Database | undefined }
  | { readonly kind: 'failed'; readonly error: LockstepError };

export interface WaitSettings {
  readonly signal?: AbortSignal;
  /** Called at each change, the last one included. */
  readonly onProgress?: (operation: Operation) => void;
}

const DATABASE_TYPE = 'type.googleapis.com/lockstep.v1.Database';
const METADATA_TYPE = 'type.googleapis.com/lockstep.v1.OperationMetadata';
const POLL_INTERVAL_MS = 200;
/** A control daemon that is restarted resumes its workflows: so long a wait outlives its absence. */
const MAX_ABSENCE_MS = 60_000;
const PAGE_SIZE = 100;
/** Ends a walk over pages whose server never stops handing out tokens. */
export const MAX_PAGES = 1000;

export class Operations {
  readonly #stub: OperationsClient;

  constructor(stub: OperationsClient) {
    this.#stub = stub;
  }

  get(name: string, settings: CallSettings = {}): Promise<Operation> {
    return retried(() => this.#getOnce(name, settings), settings.signal);
  }

  async list(settings: CallSettings = {}): Promise<readonly Operation[]> {
    const found: Operation[] = [];
    let pageToken = '';
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const request = {
        name: 'operations',
        filter: '',
        pageSize: PAGE_SIZE,
        pageToken,
        returnPartialSuccess: false,
      };
      const response = await retried(
        () => callUnary(this.#stub.listOperations.bind(this.#stub), request, callOptions(settings)),
        settings.signal,
      );
      found.push(...response.operations.map(operationOf));
      pageToken = response.nextPageToken;
      if (pageToken === '') break;
    }
    return found;
  }

  /** Each state that differs from the one before, the present one first; ends after the outcome. */
  async *watch(
    name: string,
    settings: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Operation, void> {
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

  /** Answers the operation's database once it is done (undefined after a delete, and of a volume), and throws what it failed with. */
  async wait(name: string, settings: WaitSettings = {}): Promise<Database | undefined> {
    for await (const operation of this.watch(name, settings)) {
      settings.onProgress?.(operation);
      if (operation.outcome.kind === 'failed') throw operation.outcome.error;
      if (operation.outcome.kind === 'succeeded') return operation.outcome.database;
    }
    throw new LockstepError('INTERNAL', `the watch of ${name} ended before the operation did`);
  }

  async #getOnce(name: string, settings: CallSettings): Promise<Operation> {
    return operationOf(
      await callUnary(this.#stub.getOperation.bind(this.#stub), { name }, callOptions(settings)),
    );
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
  const packed = raw.response?.typeUrl === DATABASE_TYPE ? raw.response : undefined;
  return { kind: 'succeeded', database: packed === undefined ? undefined : Database.decode(packed.value) };
}

function fingerprint(operation: Operation): string {
  const bytes = Buffer.from(OperationMetadata.encode(operation.metadata).finish());
  return `${operation.outcome.kind} ${bytes.toString('base64')}`;
}

export function callOptions(settings: CallSettings): {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
} {
  const { signal } = settings;
  const deadlineMs = settings.deadlineMs ?? DEFAULT_DEADLINE_MS;
  return signal === undefined ? { deadlineMs } : { deadlineMs, signal };
}
