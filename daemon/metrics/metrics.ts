/**
 * GET /metrics for Prometheus. Hot paths report through node:diagnostics_channel and know nothing of this file; what
 * is a state rather than an event is read at the moment of the scrape.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { cannotListen, messageOf } from '../sys/errors.ts';
import { transitions } from '../replication/states.ts';
import type { ReplicaStatus } from '../replication/interface.ts';

/** What a scrape asks of the storage side. */
export interface ReplicaSource {
  readonly volumes: { all(): readonly { readonly name: string; readonly status: ReplicaStatus }[] };
}

export interface MetricsIdentity {
  readonly host: string;
  readonly zone: string;
  readonly version: string;
}

const MS_PER_SECOND = 1000;
const SECONDS_OF_A_REQUEST = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5,
];
const SECONDS_OF_A_HEARTBEAT = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
];
const SECONDS_OF_A_PHASE = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30];

export class MetricsServer {
  readonly #registry = new Registry();
  readonly #server: Server;
  readonly #subscriptions: { name: string; listener: (message: unknown) => void }[] = [];

  constructor(identity: MetricsIdentity, replicas: ReplicaSource | undefined) {
    this.#registry.setDefaultLabels({ host: identity.host, zone: identity.zone });
    collectDefaultMetrics({ register: this.#registry, prefix: 'lockstep_' });
    this.#buildInfo(identity);
    if (replicas !== undefined) this.#replicaGauges(replicas);
    this.#nbd();
    this.#events();
    this.#server = createServer((request, response) => {
      if (request.method === 'GET' && request.url === '/metrics') void this.#scrape(response);
      else response.writeHead(404, { 'content-type': 'text/plain' }).end('only GET /metrics\n');
    });
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.on('error', (cause) => {
        reject(cannotListen('ports.metrics', { host, port }, cause));
      });
      this.#server.listen(port, host, resolve);
    });
  }

  close(): Promise<void> {
    for (const { name, listener } of this.#subscriptions) unsubscribe(name, listener);
    this.#server.closeAllConnections();
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  async #scrape(response: ServerResponse): Promise<void> {
    try {
      const text = await this.#registry.metrics();
      response.writeHead(200, { 'content-type': this.#registry.contentType }).end(text);
    } catch (error) {
      // Prometheus shows it; a figure that cannot be had is no reason to stop serving volumes.
      response.writeHead(500, { 'content-type': 'text/plain' }).end(`${messageOf(error)}\n`);
    }
  }

  #buildInfo({ version }: MetricsIdentity): void {
    const info = new Gauge({
      name: 'lockstep_build_info',
      help: 'Always 1; the version is a label.',
      labelNames: ['version'],
      registers: [this.#registry],
    });
    info.set({ version }, 1);
  }

  #replicaGauges(source: ReplicaSource): void {
    const perVolume = (name: string, help: string, read: (status: ReplicaStatus) => number): void => {
      new Gauge({
        name,
        help,
        labelNames: ['volume'],
        registers: [this.#registry],
        collect() {
          this.reset();
          for (const { name: volume, status } of source.volumes.all()) this.set({ volume }, read(status));
        },
      });
    };
    perVolume(
      'lockstep_replica_generation',
      'Generation of the view this replica has.',
      (s) => s.view.generation,
    );
    perVolume(
      'lockstep_replica_in_sync_members',
      'Size of the in-sync set in that view.',
      (s) => s.view.inSync.length,
    );
    perVolume('lockstep_replica_peer_connected', '1 while the link to the other replica stands.', (s) =>
      Number(s.peerConnected),
    );
    perVolume(
      'lockstep_replica_lease_left_seconds',
      'Of the lease a primary holds; 0 when it needs none.',
      (s) => s.leaseLeftMs / MS_PER_SECOND,
    );
    perVolume(
      'lockstep_replica_lag_bytes',
      'Acknowledged bytes that no other replica holds.',
      (s) => s.lagBytes,
    );
    perVolume(
      'lockstep_replica_held_requests',
      'Client requests that wait or are in flight.',
      (s) => s.heldRequests,
    );
    perVolume(
      'lockstep_replica_copy_left_bytes',
      'Still to be looked at in a running copy.',
      (s) => s.join?.leftBytes ?? 0,
    );
    perVolume(
      'lockstep_replica_copy_bytes_per_second',
      'Rate of a running copy.',
      (s) => s.join?.bytesPerSecond ?? 0,
    );
    new Gauge({
      name: 'lockstep_replica_dirty_bytes',
      help: 'Of the regions in which a replica outside the in-sync set may differ, where that is known.',
      labelNames: ['volume', 'peer'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { name: volume, status } of source.volumes.all())
          for (const { host: peer, dirtyBytes } of status.dirty) this.set({ volume, peer }, dirtyBytes);
      },
    });
    new Gauge({
      name: 'lockstep_replica_state',
      help: '1 for the state that the replica is in, 0 for the others.',
      labelNames: ['volume', 'state'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { name: volume, status } of source.volumes.all())
          for (const state of Object.keys(transitions))
            this.set({ volume, state }, Number(state === status.state));
      },
    });
  }

  #nbd(): void {
    const duration = new Histogram({
      name: 'lockstep_nbd_request_duration_seconds',
      help: 'From the last byte of a request to its answer.',
      labelNames: ['command'],
      buckets: SECONDS_OF_A_REQUEST,
      registers: [this.#registry],
    });
    const bytes = new Counter({
      name: 'lockstep_nbd_bytes_total',
      help: 'Bytes of requests of NBD clients that were done: read, written, trimmed or zeroed.',
      labelNames: ['command'],
      registers: [this.#registry],
    });
    const failures = new Counter({
      name: 'lockstep_nbd_failures_total',
      help: 'Requests that were answered with an error.',
      labelNames: ['command', 'error'],
      registers: [this.#registry],
    });
    const connections = new Gauge({
      name: 'lockstep_nbd_connections',
      help: 'Connected NBD clients.',
      registers: [this.#registry],
    });
    this.#on<{ kind: string; length: number; durationMs: number; failure?: string }>(
      'lockstep:nbd:request',
      ({ kind, length, durationMs, failure }) => {
        duration.observe({ command: kind }, durationMs / MS_PER_SECOND);
        if (failure === undefined) bytes.inc({ command: kind }, length);
        else failures.inc({ command: kind, error: failure });
      },
    );
    this.#on<{ open: boolean }>('lockstep:nbd:connection', ({ open }) => {
      connections.inc(open ? 1 : -1);
    });
  }

  #events(): void {
    const states = this.#counter('lockstep_replica_transitions_total', 'Changes of state.', ['from', 'to']);
    this.#on<{ from: string; to: string }>('lockstep:replica:state', ({ from, to }) => {
      states.inc({ from, to });
    });
    const repairs = this.#counter(
      'lockstep_replica_repaired_regions_total',
      'Regions that could not be read, or were damaged, and were written anew from another replica.',
      ['volume'],
    );
    this.#on<{ volume: string }>('lockstep:replica:repaired', ({ volume }) => {
      repairs.inc({ volume });
    });
    const mismatches = this.#counter(
      'lockstep_replica_mismatched_regions_total',
      'Regions in which a scrub found replicas to differ, or a damage, and that no checksum decided about.',
      ['volume'],
    );
    this.#on<{ volume: string }>('lockstep:replica:mismatch', ({ volume }) => {
      mismatches.inc({ volume });
    });
    const workflows = this.#counter('lockstep_workflows_total', 'Finished workflows.', ['type', 'outcome']);
    this.#on<{ type: string; outcome: string }>('lockstep:control:workflow', ({ type, outcome }) => {
      workflows.inc({ type, outcome });
    });
    const dns = this.#counter('lockstep_dns_queries_total', 'Answered DNS queries.', ['rcode', 'transport']);
    this.#on<{ rcode: string; transport: string }>('lockstep:dns:query', ({ rcode, transport }) => {
      dns.inc({ rcode, transport });
    });
    this.#heartbeats();
    const phases = new Histogram({
      name: 'lockstep_failover_phase_duration_seconds',
      help: 'Of each phase of a failover.',
      labelNames: ['phase'],
      buckets: SECONDS_OF_A_PHASE,
      registers: [this.#registry],
    });
    this.#on<{ phase: string; durationMs: number }>('lockstep:control:failover', ({ phase, durationMs }) => {
      phases.observe({ phase }, durationMs / MS_PER_SECOND);
    });
  }

  #heartbeats(): void {
    const control = new Histogram({
      name: 'lockstep_heartbeat_duration_seconds',
      help: 'From when a heartbeat to control was due to its answer, or to the end of the wait for it.',
      labelNames: ['outcome'],
      buckets: SECONDS_OF_A_HEARTBEAT,
      registers: [this.#registry],
    });
    this.#on<{ durationMs: number; answered: boolean }>(
      'lockstep:agent:heartbeat',
      ({ durationMs, answered }) => {
        control.observe({ outcome: answered ? 'answered' : 'failed' }, durationMs / MS_PER_SECOND);
      },
    );
    const lease = new Histogram({
      name: 'lockstep_replica_lease_round_trip_seconds',
      help: 'From when a primary asked a secondary for its lease to the answer, behind all that was sent before.',
      labelNames: ['volume'],
      buckets: SECONDS_OF_A_HEARTBEAT,
      registers: [this.#registry],
    });
    this.#on<{ volume: string; roundTripMs: number }>('lockstep:replica:lease', ({ volume, roundTripMs }) => {
      lease.observe({ volume }, roundTripMs / MS_PER_SECOND);
    });
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  /** The publisher of a channel and its one subscriber here agree on the shape of its messages. */
  #on<Message>(name: string, listen: (message: Message) => void): void {
    const listener = (message: unknown): void => {
      listen(message as Message);
    };
    subscribe(name, listener);
    this.#subscriptions.push({ name, listener });
  }
}
