/**
 * What the clients did and were answered, judged as the simulator does (test/support/harness/history.ts): could one
 * disk have answered so?
 *
 * A reign is one process's time as the primary. It is known by the first answer that a connection of another process
 * gives, opened in a newer generation, or in the same one after a restart. What was asked of those before and not
 * answered is over from then on: it was done, or it never will be.
 */
import type { Write } from '../support/harness/history-sector.ts';
import { History, type SectorRange } from '../support/harness/history.ts';
import { readSectors } from './sectors.ts';

/** The part of a process's life in which it is primary. Lives are numbered over all processes, in order. */
interface Reign {
  readonly host: string;
  readonly life: number;
  generation: number;
  isOver: boolean;
}

/** A client's connection to whoever was primary when it was opened. */
export interface Session {
  readonly name: string;
  readonly host: string;
  readonly life: number;
  readonly generation: number;
  readonly reign: Reign;
}

export interface Operation {
  readonly kind: 'read' | 'write' | 'zero' | 'trim' | 'flush';
  readonly range: SectorRange;
  readonly stamp: number;
  readonly session: string;
  readonly begunMs: number;
  /** Undefined: not answered. */
  endedMs: number | undefined;
  result: string;
  /** Of a read that was answered. */
  stamps: Uint32Array | undefined;
}

/** Something that must not be. */
export interface Finding {
  readonly what: string;
  readonly sector: number | undefined;
}

const NO_ERRORS: ReadonlySet<number> = new Set();
export const ESHUTDOWN = 108;

export class Judge {
  readonly #sectors: number;
  readonly #nowMs: () => number;
  #history: History;
  #reign: Reign | undefined;
  /** The last of each process, by its life. */
  readonly #reigns = new Map<number, Reign>();
  #lastStamp = 0;
  #operations: Operation[] = [];
  /** Raised where everything that was under way is over. */
  #epoch = 0;
  /** Numbers of NBD that a client may be answered beside ESHUTDOWN: what the disks now suffer. */
  allowedErrors: ReadonlySet<number> = NO_ERRORS;
  onFinding: (finding: Finding) => void = () => undefined;
  answered = 0;
  /** Changes of the host that serves. */
  failovers = 0;

  constructor(sectors: number, nowMs: () => number) {
    this.#sectors = sectors;
    this.#nowMs = nowMs;
    this.#history = new History(sectors);
  }

  session(of: Omit<Session, 'reign'>): Session {
    const known = this.#reigns.get(of.life);
    const reign = known === undefined || known.isOver ? { ...of, isOver: false } : known;
    reign.generation = Math.max(reign.generation, of.generation);
    this.#reigns.set(of.life, reign);
    return { ...of, reign };
  }

  read(session: Session, range: SectorRange): (error: number | undefined, data: Uint8Array) => void {
    const operation = this.#begin('read', session, range, 0);
    const begunAt = this.#history.now();
    const epoch = this.#epoch;
    return (error, data) => {
      if (!this.#ended(operation, session, error) || epoch !== this.#epoch) return;
      const { stamps, problem } = readSectors(data, range.first);
      operation.stamps = stamps;
      this.#found(problem ?? this.#history.readAnswered(range, begunAt, data), operation);
    };
  }

  /** `stamp` 0: zeroes. */
  write(
    kind: 'write' | 'zero' | 'trim',
    session: Session,
    range: SectorRange,
    stamp: number,
    fua: boolean,
  ): (error: number | undefined) => void {
    const operation = this.#begin(kind, session, range, stamp);
    const write = this.#history.writeBegan(stamp, range, session.reign);
    const epoch = this.#epoch;
    return (error) => {
      const isDone = this.#ended(operation, session, error);
      if (epoch !== this.#epoch) return;
      if (isDone) this.#acknowledged(write, operation, fua);
      else if (error !== undefined) this.#history.writeRefused(write);
    };
  }

  flush(session: Session): (error: number | undefined) => void {
    const operation = this.#begin('flush', session, { first: 0, count: 0 }, 0);
    const begunAt = this.#history.now();
    const epoch = this.#epoch;
    return (error) => {
      if (this.#ended(operation, session, error) && epoch === this.#epoch)
        this.#history.flushAnswered(begunAt);
    };
  }

  nextStamp(): number {
    return ++this.#lastStamp;
  }

  /**
   * The whole volume, read while nothing was under way: from here on it is what it is, and whatever was asked before
   * and not answered is never to appear.
   */
  settle(data: Uint8Array): void {
    const { stamps, problem } = readSectors(data, 0);
    this.#found(problem);
    const before = this.#history;
    const begunAt = before.now();
    this.#found(before.readAnswered({ first: 0, count: this.#sectors }, begunAt, data));
    this.#history = new History(this.#sectors);
    this.#history.reset(stamps);
    this.#operations = [];
    this.#epoch++;
  }

  /** Of every host at once, none of which runs now: what was acknowledged and not flushed may be gone. */
  powerLost(): void {
    this.#history.powerLost(() => false);
    this.#epoch++;
  }

  /** Everything that was done to a sector since the volume was last read as a whole. */
  historyOf(sector: number): readonly Operation[] {
    return this.#operations.filter(
      ({ range }) => range.first <= sector && sector < range.first + range.count,
    );
  }

  #acknowledged(write: Write, operation: Operation, fua: boolean): void {
    this.#found(this.#history.writeAcknowledged(write), operation);
    if (fua) this.#history.fuaAnswered(write);
  }

  #begin(kind: Operation['kind'], session: Session, range: SectorRange, stamp: number): Operation {
    const begunMs = this.#nowMs();
    const facts = { endedMs: undefined, result: 'unanswered', stamps: undefined };
    const operation: Operation = { kind, range, stamp, session: session.name, begunMs, ...facts };
    this.#operations.push(operation);
    return operation;
  }

  /** Answers whether it was done. `error` undefined: nobody knows. */
  #ended(operation: Operation, session: Session, error: number | undefined): boolean {
    operation.endedMs = this.#nowMs();
    operation.result = error === undefined ? 'cut off' : error === 0 ? 'done' : `error ${error}`;
    if (error === undefined) return false;
    this.answered++;
    if (error !== 0) {
      if (error !== ESHUTDOWN && !this.allowedErrors.has(error))
        this.#found(`a ${operation.kind} on ${session.name} was answered with error ${error}`, operation);
      return false;
    }
    this.#heard(session);
    return true;
  }

  #heard({ reign, generation }: Session): void {
    const now = this.#reign;
    if (reign === now) return;
    const isNewer =
      now === undefined ||
      generation > now.generation ||
      (generation === now.generation && reign.life > now.life);
    // Of a primary that was replaced: it answers late what it was asked before.
    if (!isNewer) return;
    if (now !== undefined && now.host !== reign.host) this.failovers++;
    if (now !== undefined) now.isOver = true;
    this.#reign = reign;
    this.#history.reignBegan(reign);
  }

  #found(problem: string | undefined, operation?: Operation): void {
    if (problem === undefined) return;
    const sector = /sector (\d+)/.exec(problem)?.[1];
    const by = operation === undefined ? '' : `, as a ${operation.kind} on ${operation.session} showed`;
    this.onFinding({ what: `${problem}${by}`, sector: sector === undefined ? undefined : Number(sector) });
  }
}
