/** One fault after the other, each on a database that is whole, until it is whole again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import type { NetworkHost } from '../../bench/lib/host-network.ts';
import { Installation } from '../../bench/lib/installation.ts';
import { Ledger } from '../../bench/lib/ledger.ts';
import { PORTS } from '../../client/quickstart/plan.ts';
import { processesOf } from '../../client/quickstart/processes.ts';
import { callUnary, methodOf } from '../../daemon/sys/grpc-unary.ts';
import { DiskFault, FaultServiceService } from '../../proto/gen/lockstep/agent/v1/fault.ts';
import { EventServiceService } from '../../proto/gen/lockstep/v1/event_service.ts';
import { Observer } from './observer.ts';
import type { Fault, Scene } from './table.ts';

export interface FaultResult {
  readonly name: string;
  /** Of what is wrong; empty: nothing. */
  readonly findings: readonly string[];
  /** The longest time without an acknowledged commit, from the begin of the fault. */
  readonly pauseMs: number;
  readonly reasons: readonly string[];
  readonly longestLieMs: ReadonlyMap<string, number>;
}

/** Control misses a host after 1.5 s; the rest is for the way there and back, on a busy machine. */
const LIE_LIMIT_MS = 2500;
const WHOLE_LIMIT_MS = 60_000;
const BEFORE_MS = 1000;
const AFTER_MS = 1000;
const SIZE_MIB = 512;
const CALL_MS = 2000;
const FAULTY = { LOCKSTEP_TEST_FAULTS: '1' };
const DATABASE = 'orders';

export class FaultRunner {
  readonly #installation: Installation;
  readonly #ledger: Ledger;

  static async open(network: number): Promise<FaultRunner> {
    const installation = await Installation.start({ network, hasNetworks: true, environment: FAULTY });
    try {
      const { endpoint } = await installation.createDatabase(DATABASE, { sizeMiB: SIZE_MIB });
      const { password } = await installation.client.databases.claimPassword(DATABASE);
      if (endpoint === undefined) throw new Error('it has no endpoint');
      const ledger = new Ledger(endpoint, password);
      await ledger.createTable();
      return new FaultRunner(installation, ledger);
    } catch (error) {
      await installation.destroy();
      throw error;
    }
  }

  private constructor(installation: Installation, ledger: Ledger) {
    this.#installation = installation;
    this.#ledger = ledger;
  }

  close(): Promise<void> {
    return this.#installation.destroy();
  }

  async run(fault: Fault): Promise<FaultResult> {
    const before = await this.#installation.inSync(DATABASE, WHOLE_LIMIT_MS);
    const primary = this.#installation.primaryOf(before) as NetworkHost;
    const newestBefore = await this.#reasons();
    const observer = new Observer(this.#installation, before);
    this.#ledger.start();
    const findings: string[] = [];
    let pauseMs = 0;
    try {
      await sleep(BEFORE_MS);
      const beganMs = performance.now();
      const scene = this.#scene(primary);
      await fault.begin(scene);
      await sleep(fault.lastsMs);
      await fault.end(scene);
      const after = await this.#installation.inSync(DATABASE, WHOLE_LIMIT_MS);
      await sleep(AFTER_MS);
      pauseMs = this.#longestPauseMs(beganMs);
      const hasMoved = this.#installation.primaryOf(after) !== primary;
      if (fault.moves !== undefined && hasMoved !== fault.moves)
        findings.push(hasMoved ? 'the primary moved' : 'the primary is where it was');
    } catch (error) {
      findings.push(String(error));
    } finally {
      await this.#ledger.stop();
      await observer.stop();
    }
    for (const [claim, ms] of observer.longestLieMs)
      if (ms > LIE_LIMIT_MS) findings.push(`${claim} was said for ${String(Math.round(ms))} ms and not so`);
    const reasons = await this.#reasonsSince(newestBefore);
    for (const reason of fault.events) if (!reasons.includes(reason)) findings.push(`no event ${reason}`);
    const failovers = reasons.filter((reason) => reason === 'FAILOVER_STARTED').length;
    if (failovers > 1) findings.push(`${String(failovers)} failovers`);
    const { lost, doubled } = await this.#ledger.check();
    if (lost.length > 0) findings.push(`${String(lost.length)} acknowledged rows are lost`);
    if (doubled.length > 0) findings.push(`${String(doubled.length)} rows are there twice`);
    return { name: fault.name, findings, pauseMs, reasons, longestLieMs: observer.longestLieMs };
  }

  #scene(primary: NetworkHost): Scene {
    const installation = this.#installation;
    return {
      installation,
      primary,
      secondary: primary === 'host-a' ? 'host-b' : 'host-a',
      start: (host) => installation.startHost(host, FAULTY),
      setDiskFaults: (host, faults) => this.#setDiskFaults(host, faults),
      killEngine: async (host) => {
        const processes = await processesOf(installation.host(host).folder);
        const engines = processes.filter(({ program }) => program === 'postgres');
        const pids = new Set(engines.map(({ pid }) => pid));
        const first = engines.find(({ parent }) => !pids.has(parent));
        if (first === undefined) throw new Error(`no engine runs on ${host}`);
        process.kill(first.pid, 'SIGKILL');
      },
    };
  }

  async #setDiskFaults(host: NetworkHost, faults: readonly Partial<DiskFault>[]): Promise<void> {
    const target = `${this.#installation.host(host).address}:${String(PORTS.api)}`;
    const client = new Client(target, credentials.createInsecure());
    try {
      const request = { faults: faults.map((fault) => DiskFault.fromPartial(fault)) };
      await callUnary(methodOf(client, FaultServiceService.setFaults), request, { deadlineMs: CALL_MS });
    } finally {
      client.close();
    }
  }

  #longestPauseMs(fromMs: number): number {
    const times = [fromMs, ...this.#ledger.commits.map(({ atMs }) => atMs).filter((atMs) => atMs > fromMs)];
    return Math.max(0, ...times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs)));
  }

  /** Of the database and its hosts, newest first, by name. */
  async #events() {
    const client = new Client(this.#installation.plan.server, credentials.createInsecure());
    try {
      const request = { parent: '', pageSize: 500, pageToken: '', reasons: [] };
      const method = methodOf(client, EventServiceService.listEvents);
      return (await callUnary(method, request, { deadlineMs: CALL_MS })).events;
    } finally {
      client.close();
    }
  }

  async #reasons(): Promise<ReadonlySet<string>> {
    return new Set((await this.#events()).map(({ name }) => name));
  }

  async #reasonsSince(before: ReadonlySet<string>): Promise<readonly string[]> {
    return (await this.#events())
      .filter(({ name }) => !before.has(name))
      .map(({ reason }) => reason)
      .toReversed();
  }
}
