/**
 * The control side of a run: one record changed by compare-and-set, the product's own decisions about it, and the two
 * jobs that follow from them, seeding and a planned move. Hosts reach it late, one way only, or not at all.
 */
import { type HostObservation, observe } from '../../../control/model/observation.ts';
import type { VolumeRecord } from '../../../control/model/records.ts';
import {
  isConfirmed,
  isOwnPast,
  newestView,
  whyBehind,
  whyTooEarly,
} from '../../../control/monitor/catch-up.ts';
import { decide } from '../../../control/monitor/decide.ts';
import { answerProposal, isKnownRebooted } from '../../../control/monitor/propose.ts';
import { whyNotPromotable } from '../../../control/monitor/successor.ts';
import type { Effect, ReplicaEvent, View } from '../../../daemon/replication/interface.ts';
import { connectReplica, createSnapshot, deleteSnapshot, seedReplica } from './agent.ts';
import { VirtualStore } from './control-store.ts';
import type { Host } from './host.ts';
import type { Pace } from './pace.ts';
import type { Process } from './process.ts';
import { databaseOf, heartbeatOf, VOLUME } from './reports.ts';
import type { Scheduler } from './scheduler.ts';

const POLL_MS = 40;
/** How long a planned move waits for the primary to come to rest. */
const STEP_DOWN_MS = 800;
/** How long a copy waits for a source that does not serve. */
const STEP_LIMIT_MS = 1000;
/** Between the loss of a store and its return from a backup, at least: nothing that it said is on its way any more. */
export const RESTORE_MS = 1200;

export interface ControlParts {
  readonly scheduler: Scheduler;
  readonly pace: Pace;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly sizeBytes: number;
  readonly silenceMs: number;
  readonly log: (line: string) => void;
  /** `asOfMs`: when what it was decided by was so; undefined: a person decided, whatever is so. */
  readonly recordChanged: (record: VolumeRecord, asOfMs: number | undefined) => void;
  /** The store came back older, and this is the newest decision that somebody holds. */
  readonly restored: (view: View) => void;
}

/** What anybody acts by: a decision that was lost before a replica kept it was none. */
function newestOf(record: VolumeRecord, hosts: readonly Host[]): View {
  const views = hosts.map(({ store }) => store.durable.view);
  return views.reduce(
    (newest, view) => (view.generation > newest.generation ? view : newest),
    viewOf(record),
  );
}

type Proposal = Extract<Effect, { type: 'propose' }>;

export class Control {
  /** The store takes no writes. */
  storeIsDown = false;
  /** Its store is lost, and not yet back. */
  isAway = false;
  /** It knows every decision that a replica has on stable storage; that it does, it may have yet to find out. */
  isCurrent = true;
  /** Until true time `untilMs` its calls, both ways, may take up to `ms` longer. */
  slow = { ms: 0, untilMs: 0 };
  /** How long a workflow waits before it has live writes go to a target that has the snapshot. */
  lingersForMs = 0;
  /** It decides by itself; in a story, its author does. */
  decides = true;
  readonly #parts: ControlParts;
  readonly #store: VirtualStore;
  /** Of the calls that are under way when it goes away no answer comes. */
  #life = 0;
  #observed = new Map<string, HostObservation>();
  /** When what was heard last of each host was so. */
  readonly #saidAtMs = new Map<string, number>();
  #upSinceMs = 0;
  /** The workflow that holds the database. */
  #job: object | undefined;
  #lastJob = 0;

  constructor(parts: ControlParts, primary: string) {
    this.#parts = parts;
    this.#store = new VirtualStore({
      volume: VOLUME,
      database: VOLUME,
      sizeBytes: parts.sizeBytes,
      generation: 1,
      primary,
      inSync: [primary],
      replicas: [...parts.hosts.keys()],
    });
  }

  get record(): VolumeRecord {
    return this.#store.content.record;
  }

  /** It waits for nobody who might know a newer decision, and hears of nothing that would make it wait. */
  get isSure(): boolean {
    if (!this.isCurrent || this.isAway || this.#store.content.isUnconfirmed) return false;
    return [...this.#parts.hosts.values()].every((host) => this.#isOwnPast(host));
  }

  /** What it observed is lost; a workflow goes on by its log. */
  restart(): void {
    this.#life++;
    this.#store.open();
    this.#observed = new Map();
    this.#upSinceMs = this.#parts.scheduler.nowMs;
  }

  /** The workflow fails, and undoes what it did: its snapshot goes, and the next one takes another. */
  failWorkflow(): void {
    if (this.#job === undefined) return;
    this.#parts.log('control: the workflow fails');
    this.#job = undefined;
    for (const host of this.#parts.hosts.keys()) this.command(host, deleteSnapshot);
  }

  /** The host knows of a position at which the store held the newest decision. */
  hasTold({ told }: Host): boolean {
    return this.#store.isSinceRecord(told);
  }

  /**
   * Its store is lost, and comes back from a backup that lacks the last `records` records. What docs/replication.md
   * promises to survive: everybody who may know better is heard when it is back; or first of all `witness`, who was told
   * of more than it knows.
   */
  restoreOlder(records: number, witness?: string): void {
    if (this.isAway || !this.isCurrent) return;
    const { scheduler, hosts } = this.#parts;
    const backAtMs = scheduler.nowMs + RESTORE_MS;
    this.isAway = true;
    this.#life++;
    this.#job = undefined;
    scheduler.every(POLL_MS, () => {
      const needed = [...hosts.values()].filter(({ name }) => witness === undefined || name === witness);
      const areThere = needed.every((host) => isSettled(host));
      if (scheduler.nowMs < backAtMs || !areThere) return true;
      this.#store.loseRecords(records);
      this.isAway = false;
      this.isCurrent = false;
      this.restart();
      for (const host of needed) this.#hear(host);
      this.#lookBack();
      this.#parts.restored(newestOf(this.record, [...hosts.values()]));
      this.#parts.log(`control: is back with generation ${this.record.generation}`);
      return false;
    });
  }

  heartbeat(process: Process): void {
    const { host } = process;
    const said = heartbeatOf(process, host.told);
    const saidAtMs = this.#parts.scheduler.nowMs;
    this.#fromHost(host, () => {
      const nowMs = this.#parts.scheduler.nowMs;
      this.#hear(host);
      this.#observed.set(host.name, observe(said, this.#observed.get(host.name), nowMs));
      this.#saidAtMs.set(host.name, saidAtMs);
      this.#adopt();
      this.#tell(process, false);
      this.look();
    });
  }

  propose(process: Process, { fromGeneration, inSync, hostRebooted }: Proposal): void {
    const askedAtMs = this.#parts.scheduler.nowMs;
    this.#fromHost(process.host, () => {
      this.#hear(process.host);
      const proposal = { host: process.name, fromGeneration, inSync, hostRebooted };
      const { record, isUnconfirmed } = this.#store.content;
      const hasLost = (host: string): boolean => isKnownRebooted(record, this.#observed, host);
      const { silenceMs, scheduler } = this.#parts;
      const listenedMs = scheduler.nowMs - this.#upSinceMs;
      const behind =
        whyBehind(record, this.#observed, isUnconfirmed) ??
        whyTooEarly(record, this.#observed, { silenceMs, listenedMs });
      const answer = answerProposal(record, proposal, hasLost, behind);
      if (answer.accepted && this.storeIsDown) {
        this.#toProcess(process, { type: 'proposal-failed', reason: 'the store takes no writes' });
        return;
      }
      if (answer.accepted) this.#write(answer.next, `${process.name} proposed it`, askedAtMs);
      this.#tell(process, false);
      if (!answer.accepted) this.#toProcess(process, { type: 'proposal-failed', reason: answer.reason });
    });
  }

  /** As control/monitor/timeline.ts does. */
  #hear(host: Host): void {
    const { record, isUnconfirmed } = this.#store.content;
    if (isUnconfirmed || this.#isOwnPast(host)) return;
    if (!isConfirmed(record, this.#observed)) this.#store.commit({ isUnconfirmed: true });
  }

  #isOwnPast({ told }: Host): boolean {
    return isOwnPast(this.#store.content.runs, this.#store.revision, told);
  }

  #adopt(): void {
    const newest = newestView(this.record, this.#observed);
    if (newest.kind === 'newer') this.#write(newest.next, `${newest.host} holds it`, -Infinity);
    if (this.#store.content.isUnconfirmed && isConfirmed(this.record, this.#observed))
      this.#store.commit({ isUnconfirmed: false });
  }

  #lookBack(): void {
    const { generation } = this.record;
    const hosts = [...this.#parts.hosts.values()];
    this.isCurrent ||= hosts.every(({ store }) => store.durable.view.generation <= generation);
  }

  /** What the monitor does after each heartbeat. */
  look(): void {
    if (!this.decides) return;
    const { scheduler, silenceMs } = this.#parts;
    const decision = decide({
      record: this.record,
      database: databaseOf(this.record, this.#job === undefined ? '' : 'a workflow'),
      hosts: this.#observed,
      silenceMs,
      controlUpSinceMs: this.#upSinceMs,
      nowMs: scheduler.nowMs,
      isUnconfirmed: this.#store.content.isUnconfirmed,
    });
    if (decision.kind === 'failover') this.failOver(decision.to, decision.why);
    else if (decision.kind === 'reseed') this.reseed(decision.source, decision.target);
    else if (decision.kind === 'recover-primary') this.serveOn(this.record.primary);
  }

  /** Somebody begins a move and drops it, whether there is anybody to move to or not. */
  stepDown(): void {
    if (this.#job !== undefined) return;
    this.command(this.record.primary, (process) => process.deliver({ type: 'step-down' }));
  }

  /** A person asks for it. `regret`: it is undone before the generation is raised. */
  move(regret: boolean): void {
    const from = this.record.primary;
    const to = this.record.inSync.find((host) => host !== from);
    if (to === undefined || this.#job !== undefined || this.#whyNot(to) !== undefined) return;
    const { generation } = this.record;
    const { scheduler } = this.#parts;
    const giveUpAtMs = scheduler.nowMs + STEP_DOWN_MS;
    const job = this.#begin(`move to ${to}`);
    this.command(from, (process) => process.deliver({ type: 'step-down' }));
    scheduler.every(POLL_MS, () => {
      if (this.#job !== job) return false;
      const state = this.#parts.hosts.get(from)?.process?.state;
      const isVoid = this.record.generation !== generation;
      if (!isVoid && state !== 'STEPPED_DOWN' && scheduler.nowMs < giveUpAtMs) return true;
      this.#job = undefined;
      if (isVoid) return false;
      if (state !== 'STEPPED_DOWN' || regret || this.#whyNot(to) !== undefined) this.serveOn(from);
      else this.failOver(to, 'a planned move');
      return false;
    });
  }

  #whyNot(host: string): string | undefined {
    const { silenceMs, scheduler } = this.#parts;
    const { record } = this;
    const times = { silenceMs, controlUpSinceMs: this.#upSinceMs, nowMs: scheduler.nowMs };
    const behind = whyBehind(record, this.#observed, this.#store.content.isUnconfirmed);
    if (behind !== undefined) return behind;
    return whyNotPromotable({ record, hosts: this.#observed, ...times }, host);
  }

  /** As the undo of control/workflow/definitions/failover.ts and recover-primary do: nobody moves the volume after all. */
  serveOn(primary: string): void {
    this.#parts.log(`control: ${primary} serves on`);
    this.command(primary, (process) =>
      process.deliver({ type: 'view', view: viewOf(this.record), explicit: true }),
    );
  }

  failOver(to: string, why: string): void {
    if (this.storeIsDown) return;
    const generation = this.record.generation + 1;
    const heardMs = this.#saidAtMs.get(to) ?? this.#parts.scheduler.nowMs;
    this.#write({ ...this.record, generation, primary: to, inSync: [to] }, why, heardMs);
    for (const host of this.#parts.hosts.keys()) this.command(host, (process) => this.#tell(process, true));
  }

  /** A person chooses a replica that may lack acknowledged writes: what only others hold is given up. */
  force(to: string): void {
    const generation = this.record.generation + 1;
    this.#job = undefined;
    this.#write({ ...this.record, generation, primary: to, inSync: [to] }, 'a person chose it', undefined);
    this.insist();
  }

  /** It is told once more that it was chosen. */
  insist(): void {
    const view = viewOf(this.record);
    this.command(view.primary, (process) => process.deliver({ type: 'force', view }));
  }

  /** control/workflow/definitions/copy.ts in small. */
  reseed(source: string, target: string): void {
    const job = this.#begin(`seed ${target} from ${source}`);
    const snapshot = `snapshot-${++this.#lastJob}`;
    const isBlank = this.#parts.hosts.get(target)?.process?.state === 'BLANK';
    let isStarted = false;
    let readyAtMs = Infinity;
    let givesUpAtMs = this.#parts.scheduler.nowMs + STEP_LIMIT_MS;
    this.command(target, (process) => this.#tell(process, true));
    this.#parts.scheduler.every(POLL_MS, () => {
      if (this.#job !== job) return false;
      const { primary, inSync } = this.record;
      if (primary !== source || inSync.includes(target)) {
        this.#job = undefined;
        return false;
      }
      const process = this.#parts.hosts.get(source)?.process;
      if (process?.alive !== true || (process.state !== 'SOLO' && process.state !== 'SERVING')) {
        if (this.#parts.scheduler.nowMs < givesUpAtMs) return true;
        this.failWorkflow();
        return false;
      }
      givesUpAtMs = this.#parts.scheduler.nowMs + STEP_LIMIT_MS;
      const join = isStarted && process.status.join?.target === target ? process.status.join : undefined;
      if (join === undefined || join.phase === 'FAILED' || join.phase === 'DONE') {
        isStarted = true;
        // The create of a database takes it itself, and writes go on until the copy begins.
        if (isBlank)
          this.command(source, (at) => {
            createSnapshot(at, `${snapshot}-${at.incarnation}`);
          });
        this.command(source, (at) => {
          seedReplica(at, `${snapshot}-${at.incarnation}`, target);
        });
        readyAtMs = Infinity;
      } else if (join.phase === 'SEEDED') {
        const { nowMs } = this.#parts.scheduler;
        readyAtMs = Math.min(readyAtMs, nowMs);
        if (nowMs - readyAtMs < this.lingersForMs) return true;
        this.command(source, (at) => {
          connectReplica(at, target);
        });
      }
      return true;
    });
  }

  #begin(what: string): object {
    const job = {};
    this.#job = job;
    this.#parts.log(`control: ${what}`);
    return job;
  }

  #write(record: VolumeRecord, why: string, asOfMs: number | undefined): void {
    this.#store.commit({ record });
    // What is taken over from one host may be old news to another.
    const wasCurrent = this.isCurrent;
    this.#lookBack();
    const { generation, primary, inSync } = record;
    this.#parts.log(
      `control: generation ${generation}, primary ${primary}, in sync ${inSync.join(' ')}: ${why}`,
    );
    if (this.isCurrent) this.#parts.recordChanged(record, wasCurrent ? asOfMs : -Infinity);
  }

  #tell(process: Process, explicit: boolean): void {
    this.#toProcess(process, { type: 'view', view: viewOf(this.record), explicit });
  }

  #fromHost(host: Host, then: () => void): void {
    if (host.reachesControl) this.#call(then);
  }

  /** With it the host is told how far the store is. */
  #toProcess(process: Process, event: ReplicaEvent): void {
    const { host } = process;
    if (!host.controlReachesIt) return;
    const { position } = this.#store;
    this.#call(() => {
      if (!process.alive) return;
      host.told = position;
      process.deliver(event);
    });
  }

  /** A call of a workflow: it needs both ways, and carries the generation that it was decided in as its fence. */
  command(name: string, act: (process: Process) => void): void {
    const host = this.#parts.hosts.get(name);
    if (host?.process?.alive !== true || !reaches(host)) return;
    const { generation } = this.record;
    this.#call(() => {
      const { process } = host;
      if (process?.isHeard === true && process.view.generation <= generation) act(process);
    });
  }

  #call(then: () => void): void {
    if (this.isAway) return;
    const life = this.#life;
    const { scheduler, pace } = this.#parts;
    const moreMs = scheduler.nowMs < this.slow.untilMs ? pace.doneOf(this.slow.ms) : 0;
    scheduler.after(pace.controlMs() + moreMs, () => {
      if (this.#life === life) then();
    });
  }
}

function reaches({ reachesControl, controlReachesIt }: Host): boolean {
  return reachesControl && controlReachesIt;
}

/** It is there, and what it was told is on its stable storage. */
function isSettled(host: Host): boolean {
  return host.process?.isHeard === true && !host.process.isPersisting && reaches(host);
}

export function viewOf({ generation, primary, inSync }: VolumeRecord): View {
  return { generation, primary, inSync };
}
