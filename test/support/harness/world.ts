/**
 * A small world with everything that the replicas of one volume touch: hosts with disks, clocks and daemons that die,
 * the links between them, control, clients. It is driven by events in virtual time, and checked after each of them
 * (checks.ts); a breach of what is promised ends the run with a `Breach`.
 */
import type { ClientResult, Effect, ReplicaEvent } from '../../../daemon/replication/interface.ts';
import type { Region } from '../../../daemon/replication/units.ts';
import { messageOf } from '../../../daemon/sys/errors.ts';
import { Checks } from './checks.ts';
import { readRequest, writeRequest, zeroRequest } from './clients.ts';
import { Control } from './control.ts';
import { type Below } from './disk.ts';
import { SECTOR_BYTES } from './payload.ts';
import { History, type SectorRange } from './history.ts';
import { Host } from './host.ts';
import { Network } from './network.ts';
import type { Pace } from './pace.ts';
import { Process, type ProcessWatcher } from './process.ts';
import { VOLUME } from './reports.ts';
import { Scheduler } from './scheduler.ts';
import type { TraceSink } from './trace.ts';

export const TIMING = { leaseMs: 400, heartbeatMs: 100, silenceMs: 300, stallMs: 600 };
const TICK_MS = 20;
const tick: ReplicaEvent = { type: 'tick' };
const REPORT_MS = 100;

export class Breach extends Error {
  override readonly name = 'Breach';
}

export interface WorldOptions {
  readonly hosts: readonly string[];
  readonly sizeBytes: number;
  /** Its replicas are smaller at first; undefined: they are not. */
  readonly firstSizeBytes?: number;
  readonly pace: Pace;
  readonly trace: TraceSink;
  readonly clockRateOf: (host: string) => number;
}

export class World implements ProcessWatcher {
  readonly scheduler = new Scheduler();
  readonly network: Network;
  readonly hosts = new Map<string, Host>();
  readonly control: Control;
  readonly history: History;
  readonly checks: Checks;
  /** What it may have at most. */
  readonly sizeBytes: number;
  readonly sectors: number;
  clientsRun = false;
  /** Clocks go beyond the bound: then reads may be stale, writes may not. */
  mayReadStale = false;
  staleReads = 0;
  /** Nothing breaks any more. */
  isAtPeace = false;
  /** Sees every effect before it is performed; the random runs strike where it hurts. */
  onEffect: (process: Process, effect: Effect) => void = () => undefined;
  /** Requests that were given to a live process and have no answer. */
  readonly unanswered = new Map<number, Process>();
  readonly #trace: TraceSink;
  #lastIncarnation = 0;
  #lastRequest = 0;

  constructor(options: WorldOptions) {
    const { sizeBytes, pace } = options;
    this.sizeBytes = sizeBytes;
    this.sectors = sizeBytes / SECTOR_BYTES;
    this.history = new History(this.sectors);
    this.#trace = options.trace;
    this.network = new Network(this.scheduler, pace, (name) => this.process(name));
    for (const name of options.hosts) this.hosts.set(name, this.#makeHost(name, options));
    this.control = new Control(
      {
        scheduler: this.scheduler,
        pace,
        hosts: this.hosts,
        sizeBytes,
        silenceMs: TIMING.silenceMs,
        log: (line) => {
          this.note(line);
        },
        recordChanged: (record, asOfMs) => {
          this.checks.recordChanged(record, asOfMs);
        },
        restored: (view) => {
          this.checks.durability.restored(view);
        },
      },
      options.hosts[0] ?? '',
    );
    this.checks = new Checks(this);
    for (const host of this.hosts.values()) this.start(host.name);
  }

  process(name: string): Process | undefined {
    const process = this.hosts.get(name)?.process;
    return process?.alive === true ? process : undefined;
  }

  processes(): readonly Process[] {
    const alive: Process[] = [];
    for (const { process } of this.hosts.values()) if (process?.alive === true) alive.push(process);
    return alive;
  }

  /** Those that clients can be connected to. */
  serving(): readonly Process[] {
    const serving: Process[] = [];
    for (const { process } of this.hosts.values()) if (process?.serves === true) serving.push(process);
    return serving;
  }

  /** Runs what is due in the next `ms`, or until `done` says so. Answers whether it did. */
  run(ms: number, done: () => boolean = () => false): boolean {
    const endMs = this.scheduler.nowMs + ms;
    while (!done()) if (!this.scheduler.step(endMs)) return done();
    return true;
  }

  start(name: string): void {
    const host = this.hosts.get(name);
    if (host === undefined || host.process?.alive === true || host.isOff) return;
    if (host.disk.hasForgotten) {
      host.disk.forget();
      this.checks.lost(host, host.process);
    }
    const process = new Process(host, ++this.#lastIncarnation, this);
    host.process = process;
    this.note(`${name}: starts as ${process.state}`);
    this.checks.started(process);
    this.scheduler.every(TICK_MS, () => {
      process.deliver(tick);
      return process.alive;
    });
    this.scheduler.every(REPORT_MS, () => {
      if (process.isHeard) {
        this.checks.reported(process);
        this.control.heartbeat(process);
      }
      return process.alive;
    });
  }

  crash(name: string): void {
    if (this.process(name) === undefined) return;
    this.note(`${name}: dies`);
    this.#end(name, false);
  }

  #end(name: string, powerLost: boolean): void {
    const process = this.process(name);
    if (process === undefined) return;
    process.die(powerLost);
    for (const [id, owner] of this.unanswered) if (owner === process) this.unanswered.delete(id);
  }

  /** The machine is off until somebody switches it on; of what no flush covered, any part is gone. */
  losePower(name: string, below: Below): void {
    const host = this.hosts.get(name);
    if (host === undefined || host.isOff) return;
    this.#end(name, true);
    this.note(`${name}: loses power`);
    host.isOff = true;
    host.losePower(below);
    this.checks.lost(host);
  }

  powerOn(name: string): void {
    const host = this.hosts.get(name);
    if (host !== undefined) host.isOff = false;
    this.start(name);
  }

  note(line: string): void {
    this.#trace.note(this.scheduler.nowMs, line);
  }

  breach(what: string): never {
    throw new Breach(what);
  }

  // Clients.

  /** `mayBeAtOnce`: every other one is answered past the machine's queue where that is allowed, as from memory. */
  read(process: Process, range: SectorRange, done: () => void, { mayBeAtOnce = false } = {}): void {
    const begunAt = this.history.now();
    const id = this.#request(process);
    const request = readRequest(range);
    const answered = (result: ClientResult): void => {
      this.unanswered.delete(id);
      if (result.ok && result.data !== undefined)
        this.#readAnswered(process, id, { range, begunAt, data: result.data });
      done();
    };
    if (mayBeAtOnce && id % 2 === 0 && process.readAtOnce(request, answered)) return;
    process.submit(id, request, answered);
  }

  write(process: Process, range: SectorRange, { fua }: { fua: boolean }, done: () => void): void {
    const stamp = this.history.nextStamp();
    const write = this.history.writeBegan(stamp, range, process);
    const id = this.#request(process);
    process.submit(id, writeRequest(range, stamp, fua), (result) => {
      this.#changed(process, id, { write, fua, ok: result.ok });
      done();
    });
  }

  zero(
    process: Process,
    range: SectorRange,
    options: { fua: boolean; mayTrim: boolean },
    done: () => void,
  ): void {
    const write = this.history.writeBegan(0, range, process);
    const id = this.#request(process);
    process.submit(id, zeroRequest(range, options), (result) => {
      this.#changed(process, id, { write, fua: options.fua, ok: result.ok });
      done();
    });
  }

  flush(process: Process, done: () => void): void {
    const begunAt = this.history.now();
    const id = this.#request(process);
    process.submit(id, { kind: 'flush' }, (result) => {
      this.unanswered.delete(id);
      if (result.ok) {
        this.#acknowledges(process, 'a flush', begunAt);
        this.checks.flushed(process, begunAt);
      }
      done();
    });
  }

  /** With clocks beyond the bound an old primary may answer late: that is counted, and is no part of the history. */
  #readAnswered(
    process: Process,
    id: number,
    { range, begunAt, data }: { range: SectorRange; begunAt: number; data: Uint8Array },
  ): void {
    const late = this.checks.whyNotAcknowledge(process, 'a read', Infinity);
    if (late !== undefined && this.mayReadStale) this.staleReads++;
    else {
      this.#judge(late, 'two at once');
      if (this.checks.durability.showsThePast(process)) return;
      this.#judge(this.history.readAnswered(range, begunAt, data), `read ${id} of ${process.name}`);
    }
  }

  #request(process: Process): number {
    const id = ++this.#lastRequest;
    this.unanswered.set(id, process);
    return id;
  }

  #changed(
    process: Process,
    id: number,
    { write, fua, ok }: { write: ReturnType<History['writeBegan']>; fua: boolean; ok: boolean },
  ): void {
    this.unanswered.delete(id);
    if (!ok) {
      this.history.writeRefused(write);
      return;
    }
    this.#acknowledges(process, `write ${write.stamp}`, write.begunAt);
    if (this.history.isForgotten(write)) return;
    this.checks.written(process, write);
    this.#judge(this.history.writeAcknowledged(write), `write ${write.stamp} of ${process.name}`);
    if (fua) this.checks.fuaWritten(process, write);
  }

  #acknowledges(process: Process, what: string, begunAt: number): void {
    this.#judge(this.checks.whyNotAcknowledge(process, what, begunAt), 'two at once');
  }

  #judge(problem: string | undefined, what: string): void {
    if (problem !== undefined) this.breach(`${what}: ${problem}`);
  }

  // What processes tell.

  stepping(process: Process, event: ReplicaEvent): void {
    this.#trace.event(this.scheduler.nowMs, process.name, event);
    this.checks.event(process, event);
  }

  effect(process: Process, effect: Effect): void {
    this.#trace.effect(this.scheduler.nowMs, process.name, effect);
    this.checks.effect(process, effect);
    this.onEffect(process, effect);
  }

  stepped(): void {
    this.checks.stepped();
  }

  failed(process: Process, event: ReplicaEvent, error: unknown): never {
    this.breach(`${process.name} failed an assertion at ${event.type}: ${messageOf(error)}`);
  }

  propose(process: Process, proposal: Extract<Effect, { type: 'propose' }>): void {
    this.control.propose(process, proposal);
  }

  verifies(process: Process, region: Region): void {
    this.checks.scrubs.verifies(process, region);
  }

  flushFailed(process: Process): void {
    this.note(`${process.name}: a flush fails, and pages may be gone`);
    this.checks.lost(process.host, process);
  }

  #makeHost(name: string, { sizeBytes, firstSizeBytes, pace, clockRateOf }: WorldOptions): Host {
    return new Host({
      name,
      firstSizeBytes: firstSizeBytes ?? sizeBytes,
      options: { volume: VOLUME, sizeBytes, host: name, ...TIMING },
      scheduler: this.scheduler,
      network: this.network,
      pace,
      clockRate: clockRateOf(name),
      clockStartMs: 1000 * (this.hosts.size + 1),
    });
  }
}
