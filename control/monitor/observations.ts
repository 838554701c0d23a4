/** What heartbeats told, in memory. A restarted control starts with nothing and learns all of it within a second. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { HeartbeatRequest, ReplicaStatus } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import {
  type HostObservation,
  type Observed,
  observe,
  observeEngineStart,
  observeReplica,
  silenceOf,
} from '../model/observation.ts';

export class Observations {
  readonly controlUpSinceMs: number;
  readonly silenceMs: number;
  readonly #nowMs: () => number;
  readonly #hosts = new Map<string, HostObservation>();
  readonly #listeners = new Set<() => void>();

  constructor(options: { readonly nowMs: () => number; readonly silenceMs: number }) {
    this.#nowMs = options.nowMs;
    this.silenceMs = options.silenceMs;
    this.controlUpSinceMs = options.nowMs();
  }

  /** How long it has listened. */
  get listenedMs(): number {
    return this.#nowMs() - this.controlUpSinceMs;
  }

  get hosts(): Observed {
    return this.#hosts;
  }

  hear(heartbeat: HeartbeatRequest): void {
    const nowMs = this.#nowMs();
    const before = this.#hosts.get(heartbeat.host);
    // Two machines under one name would each be taken for the other's replica.
    if (before !== undefined && before.address !== heartbeat.address && this.isReachable(heartbeat.host))
      throw new LockstepError(
        'ALREADY_EXISTS',
        `a host named ${heartbeat.host} is alive at ${before.address}; give ${heartbeat.address} another name`,
        { reason: 'HOST_NAME_IN_USE', metadata: { subject: `hosts/${heartbeat.host}` } },
      );
    this.#hosts.set(heartbeat.host, observe(heartbeat, before, nowMs));
    for (const listener of [...this.#listeners]) listener();
  }

  /** It was removed: from here on it is one that was never heard. */
  forget(host: string): void {
    this.#hosts.delete(host);
  }

  /** The host answered that the engine runs. Else its last heartbeat, older than that, would have it started again. */
  engineStarted(host: string, volume: string): void {
    const seen = this.#hosts.get(host);
    if (seen !== undefined) this.#hosts.set(host, observeEngineStart(seen, volume, this.#nowMs()));
  }

  /** The host said so of one of its replicas, in answer to a call: newer than its last heartbeat. */
  replicaTold(host: string, status: ReplicaStatus): void {
    const seen = this.#hosts.get(host);
    if (seen === undefined) return;
    const { volume } = status;
    const replica = observeReplica(status, seen.replicas.get(volume), this.#nowMs());
    this.#hosts.set(host, { ...seen, replicas: new Map([...seen.replicas, [volume, replica]]) });
  }

  /** The host said so, in answer to a call: a heartbeat that was under way may still have it for a moment. */
  replicaDeleted(host: string, volume: string): void {
    const seen = this.#hosts.get(host);
    if (seen === undefined) return;
    const replicas = new Map(seen.replicas);
    replicas.delete(volume);
    this.#hosts.set(host, { ...seen, replicas });
  }

  silence(host: string): number {
    return silenceOf(this.#hosts.get(host), this.controlUpSinceMs, this.#nowMs());
  }

  isReachable(host: string): boolean {
    return this.#hosts.has(host) && this.silence(host) < this.silenceMs;
  }

  /** Long enough that a host which was not heard is one that is not there. */
  get hasListened(): boolean {
    return this.#nowMs() - this.controlUpSinceMs >= this.silenceMs;
  }

  incarnation(host: string): bigint | undefined {
    return this.#hosts.get(host)?.incarnation;
  }

  /** Called after each heartbeat. Returns the way to stop. */
  onHeard(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
