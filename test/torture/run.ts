/**
 * One run: rounds of faults under load, and after each a calm in which the volume has to become redundant, everything
 * that was asked has to be answered, both copies have to be the same, and what they hold is judged. The first finding
 * ends the run.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FLUSH, READ } from '../support/nbd-client.ts';
import { Random } from '../support/harness/random.ts';
import { Client, MANNERS } from './client.ts';
import { Cluster, HOSTS, VOLUME } from './cluster.ts';
import { Faults } from './faults.ts';
import { ESHUTDOWN, type Finding, Judge } from './judge.ts';
import { NbdConnection, type NbdReply } from './nbd-connection.ts';
import { findingText } from './report.ts';
import { type FaultKind, isBurst, nextFault, regimeOf } from './schedule.ts';
import { SECTOR_BYTES } from './sectors.ts';

export interface TortureOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** Third number of the loopback addresses. */
  readonly network: number;
  readonly kinds: readonly FaultKind[];
  readonly roundMs: { readonly least: number; readonly most: number };
  readonly say: (line: string) => void;
}

export interface TortureResult {
  readonly finding: string | undefined;
  /** Kept where there is a finding. */
  readonly folder: string;
  readonly rounds: number;
  readonly operations: number;
  readonly failovers: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** That were seen to end, by SEED, QUICK or COMPARE. */
  readonly copies: ReadonlyMap<string, number>;
  /** From the end of the faults, one for each round. */
  readonly redundantAfterMs: readonly number[];
}

const SIZE_BYTES = 32 * 1024 * 1024;
const SECTORS = SIZE_BYTES / SECTOR_BYTES;
/** Control waits up to 30 s before it tries again what has failed several times. */
const REDUNDANT_LIMIT_MS = 90_000;
const IN_SYNC_PATIENCE_MS = 7000;
const ANSWER_LIMIT_MS = 20_000;
const EQUAL_LOOKS = 10;
const SETTLE_MS = 300;
const PROGRESS_MS = 5000;
const READ_BYTES = 1024 * 1024;
const EIO = 5;
const ENOSPC = 28;

class TortureFailure extends Error {}

export class Torture {
  readonly #options: TortureOptions;
  readonly #folder: string;
  readonly #cluster: Cluster;
  readonly #judge: Judge;
  readonly #faults: Faults;
  readonly #clients: readonly Client[];
  readonly #random: Random;
  /** Its time is over, or somebody wants it to be. */
  readonly #end = new AbortController();
  readonly #failed = new AbortController();
  readonly #startedMs = performance.now();
  readonly #redundantAfterMs: number[] = [];
  #finding: Finding | undefined;
  #rounds = 0;

  constructor(options: TortureOptions) {
    this.#options = options;
    this.#folder = mkdtempSync(join(tmpdir(), 'lockstep-torture-'));
    mkdirSync(this.#folder, { recursive: true });
    const nowMs = (): number => Math.round(performance.now() - this.#startedMs);
    const { seed, network } = options;
    this.#random = new Random(seed);
    this.#cluster = new Cluster({ folder: this.#folder, network, sizeBytes: SIZE_BYTES });
    const judge = new Judge(SECTORS, nowMs);
    this.#judge = judge;
    judge.onFinding = (finding) => this.#found(finding);
    const onPowerLost = (): void => {
      judge.powerLost();
    };
    this.#faults = new Faults(this.#cluster, { random: new Random(seed + 1), nowMs, onPowerLost });
    for (const daemon of this.#cluster.daemons.values())
      daemon.onDeath = (how) => this.#found({ what: `a daemon died by itself: ${how}`, sector: undefined });
    const servers = HOSTS.map((host) => ({
      host,
      address: this.#cluster.address(host),
      port: this.#cluster.nbdPort,
      life: () => this.#cluster.daemon(host).life,
    }));
    const shared = { volume: VOLUME, sectors: SECTORS, servers, judge, nowMs };
    this.#clients = MANNERS.map(
      (manner, index) =>
        new Client({
          ...shared,
          name: `client ${index + 1}`,
          manner,
          random: new Random(seed * 101 + index),
        }),
    );
  }

  /** Ends it early, as if its time were over. */
  stop(): void {
    this.#end.abort();
  }

  async run(): Promise<TortureResult> {
    const progress = setInterval(() => this.#options.say(this.#progress()), PROGRESS_MS);
    try {
      await this.#cluster.start();
      await this.#cluster.redundant(REDUNDANT_LIMIT_MS, this.#failed.signal);
      while (!this.#isOver) await this.#round();
    } catch (error) {
      this.#found({ what: whatOf(error), sector: undefined });
    } finally {
      clearInterval(progress);
      await Promise.all(this.#clients.map((client) => client.close()));
      await this.#cluster.close();
    }
    return this.#result();
  }

  get #isOver(): boolean {
    return this.#end.signal.aborted || this.#elapsedMs >= this.#options.durationMs;
  }

  get #elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  async #round(): Promise<void> {
    const { kinds, roundMs, durationMs } = this.#options;
    this.#rounds++;
    this.#judge.allowedErrors = new Set();
    for (const client of this.#clients) client.start();
    const regime = regimeOf(this.#random, kinds);
    const lastsMs = Math.min(
      this.#random.between(roundMs.least, roundMs.most),
      Math.max(0, durationMs - this.#elapsedMs),
    );
    const endMs = performance.now() + lastsMs;
    while (performance.now() < endMs && !this.#isOver) {
      if (regime.waits && !isBurst(this.#random)) await this.#inSyncAgain(endMs);
      await this.#sleep(this.#random.between(20, 2 * regime.gapMs));
      await this.#faults.begin(nextFault(this.#random, regime.kinds, SECTORS));
      if (this.#faults.diskFailed) this.#judge.allowedErrors = new Set([EIO, ENOSPC]);
    }
    this.#failed.signal.throwIfAborted();
    await this.#calm();
  }

  /** Faults are over: what was promised for then. */
  async #calm(): Promise<void> {
    await this.#faults.heal();
    const healedMs = performance.now();
    await this.#cluster.redundant(REDUNDANT_LIMIT_MS, this.#failed.signal);
    this.#redundantAfterMs.push(performance.now() - healedMs);
    for (const client of this.#clients) client.stop();
    this.#failed.signal.throwIfAborted();
    const left = await Promise.all(this.#clients.map((client) => client.drained(ANSWER_LIMIT_MS)));
    const unanswered = left.reduce((sum, count) => sum + count, 0);
    if (unanswered > 0)
      throw new TortureFailure(
        `${unanswered} requests are not answered ${ANSWER_LIMIT_MS} ms after the volume was redundant`,
      );
    await Promise.all(this.#clients.map((client) => client.close()));
    await sleep(SETTLE_MS);
    await this.#cluster.redundant(ANSWER_LIMIT_MS, this.#failed.signal);
    await this.#checkEqual();
    this.#judge.settle(await this.#readAll());
  }

  /** What is being written just now is another thing on each side; what stays different while all is in sync is not. */
  async #checkEqual(): Promise<void> {
    for (let looks = 0; ; looks++) {
      const at = await this.#cluster.firstDifference();
      if (at === undefined) return;
      if (looks >= EQUAL_LOOKS) {
        const sector = Math.floor(at / SECTOR_BYTES);
        const what = `both copies are in sync and at rest, and differ at byte ${at}, in sector ${sector}`;
        this.#found({ what, sector });
        this.#failed.signal.throwIfAborted();
      }
      await sleep(SETTLE_MS);
      if ((await this.#cluster.whyNotRedundant()) === undefined) continue;
      looks = 0;
      await this.#cluster.redundant(REDUNDANT_LIMIT_MS, this.#failed.signal);
    }
  }

  /** A busy machine may make a host look silent even now: then whoever serves next is asked. */
  async #readAll(): Promise<Buffer> {
    const endMs = performance.now() + REDUNDANT_LIMIT_MS;
    for (;;) {
      const data = await this.#readAllOnce();
      if (data !== undefined) return data;
      this.#failed.signal.throwIfAborted();
      if (performance.now() > endMs)
        throw new TortureFailure(`not read as a whole within ${REDUNDANT_LIMIT_MS} ms`);
      await this.#cluster.redundant(REDUNDANT_LIMIT_MS, this.#failed.signal);
    }
  }

  /** Over a connection of its own, behind a flush. Undefined: it was cut off. */
  async #readAllOnce(): Promise<Buffer | undefined> {
    const connection = await this.#connect();
    if (connection === undefined) return undefined;
    try {
      const flushed = await connection.request({ command: FLUSH });
      if (!isAnswer(flushed)) return undefined;
      const pieces: Buffer[] = [];
      for (let at = 0; at < SIZE_BYTES; at += READ_BYTES) {
        const reply = await connection.request({ command: READ, offset: BigInt(at), length: READ_BYTES });
        if (!isAnswer(reply)) return undefined;
        pieces.push(reply.data);
      }
      return Buffer.concat(pieces);
    } finally {
      connection.destroy();
    }
  }

  async #connect(): Promise<NbdConnection | undefined> {
    for (const host of HOSTS) {
      const where = { host: this.#cluster.address(host), port: this.#cluster.nbdPort };
      const dialled = { ...where, exportName: VOLUME, timeoutMs: ANSWER_LIMIT_MS };
      const connection = await NbdConnection.open(dialled).catch(() => undefined);
      if (connection !== undefined) return connection;
    }
    return undefined;
  }

  /** Not for longer than a reseed with its pauses takes: what does not come back by itself gets its next fault. */
  async #inSyncAgain(endMs: number): Promise<void> {
    const limitMs = Math.min(endMs - performance.now(), IN_SYNC_PATIENCE_MS);
    const signal = AbortSignal.any([this.#end.signal, AbortSignal.timeout(Math.max(0, Math.ceil(limitMs)))]);
    await this.#cluster.redundant(IN_SYNC_PATIENCE_MS, signal).catch(() => undefined);
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#end.signal }).catch(() => undefined);
  }

  #found(finding: Finding): void {
    this.#finding ??= finding;
    this.#end.abort();
    this.#failed.abort();
  }

  #progress(): string {
    const faults = [...this.#faultCounts()].map(([kind, count]) => `${kind} ${count}`).join(', ');
    const findings = this.#finding === undefined ? 0 : 1;
    const seconds = Math.round(this.#elapsedMs / 1000);
    return `${seconds} s  round ${this.#rounds}  ${this.#judge.answered} operations  ${this.#judge.failovers} failovers  ${findings} findings  faults: ${faults}`;
  }

  #faultCounts(): ReadonlyMap<FaultKind, number> {
    return countsOf(this.#faults.done.map(({ fault }) => fault.kind));
  }

  #result(): TortureResult {
    const finding = this.#finding;
    const text =
      finding === undefined
        ? undefined
        : findingText({
            finding,
            seed: this.#options.seed,
            folder: this.#folder,
            faults: this.#faults.done,
            history: finding.sector === undefined ? [] : this.#judge.historyOf(finding.sector),
          });
    if (text === undefined) rmSync(this.#folder, { recursive: true, force: true });
    else writeFileSync(join(this.#folder, 'finding.txt'), text);
    return {
      finding: text,
      folder: this.#folder,
      rounds: this.#rounds,
      operations: this.#judge.answered,
      failovers: this.#judge.failovers,
      faults: this.#faultCounts(),
      copies: countsOf(this.#cluster.copies.values()),
      redundantAfterMs: this.#redundantAfterMs,
    };
  }
}

function countsOf<Name>(names: Iterable<Name>): ReadonlyMap<Name, number> {
  const counts = new Map<Name, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** Of requests at rest: anything but success, and the end of a reign, is a finding. */
function isAnswer(reply: NbdReply | undefined): reply is NbdReply {
  if (reply === undefined || reply.error === ESHUTDOWN) return false;
  if (reply.error !== 0) throw new TortureFailure(`a request at rest was answered with error ${reply.error}`);
  return true;
}

function whatOf(error: unknown): string {
  if (error instanceof TortureFailure) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
