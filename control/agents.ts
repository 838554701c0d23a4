/** Control's calls to the hosts: one channel per host, every call with a deadline, given up when its host falls silent. */
import { type ChannelCredentials, Client } from '@grpc/grpc-js';
import { LockstepError } from '../daemon/sys/errors.ts';
import { callUnary, type MethodEntry, methodOf } from '../daemon/sys/grpc-unary.ts';
import type { Repository } from './repository.ts';

/** A call goes on this many times the minimum time of silence: a blip must not cut off what takes minutes. */
const SILENCE_FACTOR = 3;
const SILENCE_CHECK_MS = 200;

/** A host that was away is tried again soon: a failover back to it must not wait for a long backoff of the channel. */
const CHANNEL_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.min_reconnect_backoff_ms': 50,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 3000,
};

export interface AgentCallOptions {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

export class Agents {
  readonly #repository: Repository;
  readonly #isLongSilent: (host: string) => boolean;
  readonly #credentials: ChannelCredentials;
  readonly #clients = new Map<string, Client>();

  constructor(
    repository: Repository,
    isLongSilent: (host: string) => boolean,
    credentials: ChannelCredentials,
  ) {
    this.#credentials = credentials;
    this.#repository = repository;
    this.#isLongSilent = isLongSilent;
  }

  /** Errors name the host: a person who reads "connection refused" has to know whose. */
  async call<Request, Response>(
    host: string,
    method: MethodEntry<Request, Response>,
    request: Request,
    options: AgentCallOptions,
  ): Promise<Response> {
    const client = await this.#client(host);
    const watch = this.#watchSilence(host);
    const signals = options.signal === undefined ? [watch.signal] : [watch.signal, options.signal];
    try {
      const signal = AbortSignal.any(signals);
      return await callUnary(methodOf(client, method), request, { deadlineMs: options.deadlineMs, signal });
    } catch (error) {
      throw error instanceof LockstepError ? withHost(error, host) : error;
    } finally {
      watch.stop();
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #client(host: string): Promise<Client> {
    const record = (await this.#repository.host(host))?.value;
    if (record === undefined)
      throw new LockstepError('UNAVAILABLE', `host ${host} has never been heard`, { reason: 'HOST_UNKNOWN' });
    const target = `${record.address}:${String(record.agentPort)}`;
    const known = this.#clients.get(target);
    if (known !== undefined) return known;
    const client = new Client(target, this.#credentials, CHANNEL_OPTIONS);
    this.#clients.set(target, client);
    return client;
  }

  /** A machine that lost its power answers nothing, not even a reset: without this a call would last its deadline. */
  #watchSilence(host: string): { readonly signal: AbortSignal; readonly stop: () => void } {
    const aborter = new AbortController();
    const timer = setInterval(() => {
      if (this.#isLongSilent(host))
        aborter.abort(new LockstepError('UNAVAILABLE', 'it fell silent', { reason: 'HOST_SILENT' }));
    }, SILENCE_CHECK_MS);
    return { signal: aborter.signal, stop: () => clearInterval(timer) };
  }
}

export const silenceLimitMs = (silenceMs: number): number => silenceMs * SILENCE_FACTOR;

/** A silence without a reason is given one here: to a client of control's it would look like control's own. */
function withHost(error: LockstepError, host: string): LockstepError {
  const isSilence = error.code === 'UNAVAILABLE' || error.code === 'DEADLINE_EXCEEDED';
  return new LockstepError(error.code, `host ${host}: ${error.message}`, {
    reason: isSilence && error.reason === error.code ? 'HOST_UNREACHABLE' : error.reason,
    violations: error.violations,
    metadata: { ...error.metadata, host },
    cause: error,
  });
}
