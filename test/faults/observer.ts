/**
 * Looks twenty times a second at what control says of a database and at what its replicas say of themselves, and
 * counts for how long the first was not so. Control may be late by as long as it takes to miss a host, and no longer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import type { Installation } from '../../bench/lib/installation.ts';
import { PORTS } from '../../client/quickstart/plan.ts';
import { callUnary, methodOf } from '../../daemon/sys/grpc-unary.ts';
import { AgentServiceService as agent, type ReplicaStatus } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { type Database, DatabaseState, Redundancy } from '../../proto/gen/lockstep/v1/database_service.ts';

const EVERY_MS = 50;
const CALL_MS = 400;
const CHANNEL = { 'grpc.initial_reconnect_backoff_ms': 50, 'grpc.max_reconnect_backoff_ms': 100 };
const HOSTS = ['host-a', 'host-b'] as const;

/** What it says, and whether the replicas bear it out. */
interface Claim {
  readonly name: 'ACTIVE' | 'IN_SYNC' | 'safe to fail over';
  readonly isSaid: (database: Database) => boolean;
  readonly isTrue: (replicas: readonly ReplicaStatus[]) => boolean;
}

const isServing = ({ state }: ReplicaStatus): boolean => state === 'SERVING' || state === 'SOLO';
const newest = (replicas: readonly ReplicaStatus[]): bigint =>
  replicas.reduce((most, { generation }) => (generation > most ? generation : most), 0n);
const hasSecondary = (replicas: readonly ReplicaStatus[]): boolean =>
  replicas.some(({ state, generation }) => state === 'SECONDARY' && generation === newest(replicas));

const CLAIMS: readonly Claim[] = [
  {
    name: 'ACTIVE',
    isSaid: ({ state }) => state === DatabaseState.DATABASE_STATE_ACTIVE,
    isTrue: (replicas) => replicas.some(isServing),
  },
  {
    name: 'IN_SYNC',
    isSaid: ({ redundancy }) => redundancy === Redundancy.REDUNDANCY_IN_SYNC,
    isTrue: (replicas) => replicas.some(({ state }) => state === 'SERVING') && hasSecondary(replicas),
  },
  { name: 'safe to fail over', isSaid: ({ safeToFailOver }) => safeToFailOver, isTrue: hasSecondary },
];

export class Observer {
  /** Claim → the longest time that it was said and not so, in milliseconds. */
  readonly longestLieMs = new Map<Claim['name'], number>(CLAIMS.map(({ name }) => [name, 0]));
  looks = 0;
  readonly #installation: Installation;
  readonly #database: string;
  readonly #volume: string;
  readonly #clients = new Map<string, Client>();
  readonly #lieSinceMs = new Map<Claim['name'], number>();
  #isLooking = true;
  readonly #ended: Promise<void>;

  constructor(installation: Installation, database: Database) {
    this.#installation = installation;
    this.#database = database.name.replace('databases/', '');
    this.#volume = database.volume.replace('volumes/', '');
    for (const host of HOSTS) {
      const target = `${installation.host(host).address}:${String(PORTS.api)}`;
      this.#clients.set(host, new Client(target, credentials.createInsecure(), CHANNEL));
    }
    this.#ended = this.#look();
  }

  async stop(): Promise<void> {
    this.#isLooking = false;
    await this.#ended;
    for (const client of this.#clients.values()) client.close();
  }

  async #look(): Promise<void> {
    while (this.#isLooking) {
      const startedMs = performance.now();
      const [said, ...replicas] = await Promise.all([
        this.#installation.client.databases
          .get(this.#database, { deadlineMs: CALL_MS })
          .catch(() => undefined),
        ...HOSTS.map((host) => this.#replica(host)),
      ]);
      this.#judge(
        said,
        replicas.filter((replica) => replica !== undefined),
      );
      await sleep(Math.max(0, EVERY_MS - (performance.now() - startedMs)));
    }
  }

  #judge(said: Database | undefined, replicas: readonly ReplicaStatus[]): void {
    const nowMs = performance.now();
    this.looks++;
    for (const { name, isSaid, isTrue } of CLAIMS) {
      // A control that does not answer says nothing.
      if (said === undefined || !isSaid(said) || isTrue(replicas)) {
        this.#lieSinceMs.delete(name);
        continue;
      }
      const sinceMs = this.#lieSinceMs.get(name) ?? nowMs;
      this.#lieSinceMs.set(name, sinceMs);
      this.longestLieMs.set(name, Math.max(this.longestLieMs.get(name) ?? 0, nowMs - sinceMs));
    }
  }

  /** Undefined: its daemon does not answer, which is no word for being in sync. */
  async #replica(host: string): Promise<ReplicaStatus | undefined> {
    const client = this.#clients.get(host);
    if (client === undefined) return undefined;
    try {
      const request = { volume: this.#volume };
      const method = methodOf(client, agent.getReplica);
      return (await callUnary(method, request, { deadlineMs: CALL_MS })).replica;
    } catch {
      return undefined;
    }
  }
}
