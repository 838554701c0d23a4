/** What a run of many seeds adds up to, and how it is shown. Pure. */
import { type ReplicaState, transitions } from '../../daemon/replication/states.ts';
import type { FaultKind } from '../support/harness/fault-plan.ts';
import type { SeedResult } from './worker.ts';

/** `from -> to` */
export type Transition = string;

const MS_PER_HOUR = 3_600_000;

export const transitionName = (from: ReplicaState, to: ReplicaState): Transition => `${from} -> ${to}`;

export class Tally {
  seeds = 0;
  simulatedMs = 0;
  readonly failed: number[] = [];
  readonly #taken = new Map<Transition, number>();
  readonly #struck = new Map<FaultKind, number>();
  #staleReads = 0;

  add({ seed, failure, simulatedMs, taken, struck, staleReads }: SeedResult): void {
    this.seeds++;
    this.simulatedMs += simulatedMs;
    if (failure !== undefined) this.failed.push(seed);
    this.#staleReads += staleReads;
    for (const kind of struck) this.#struck.set(kind, (this.#struck.get(kind) ?? 0) + 1);
    for (const [name, count] of taken) this.#taken.set(name, (this.#taken.get(name) ?? 0) + count);
  }

  /** One line while it runs. */
  progress(total: number, elapsedMs: number): string {
    const share = total === 0 ? 100 : (100 * this.seeds) / total;
    return `${this.seeds} of ${total} seeds (${share.toFixed(0)} %), ${this.#rate(elapsedMs)}, ${this.failed.length} failed`;
  }

  summary(elapsedMs: number): string {
    const simulated = `${(this.simulatedMs / MS_PER_HOUR).toFixed(2)} simulated hours`;
    const failed = this.failed.length === 0 ? 'none failed' : `failed: ${this.failed.join(' ')}`;
    const seconds = (elapsedMs / 1000).toFixed(1);
    return `${this.seeds} seeds in ${seconds} s (${simulated}): ${this.#rate(elapsedMs)}; ${failed}`;
  }

  /** Every transition of the legality table, and how often it was taken. */
  coverage(): string {
    const legal = legalTransitions();
    const missing = legal.filter((name) => !this.#taken.has(name)).length;
    const width = Math.max(...legal.map((name) => name.length));
    return [
      `transitions taken: ${legal.length - missing} of ${legal.length}`,
      ...legal.map((name) => {
        const count = this.#taken.get(name);
        return `  ${name.padEnd(width)} ${(count === undefined ? 'NEVER' : String(count)).padStart(10)}`;
      }),
    ].join('\n');
  }

  /** How often what was broken. */
  faults(): string {
    const counts = [...this.#struck]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([kind, count]) => `${kind} ${count}`);
    return `faults: ${counts.join(', ')}\nstale reads with clocks beyond the bound: ${this.#staleReads}`;
  }

  #rate(elapsedMs: number): string {
    const seconds = Math.max(elapsedMs, 1) / 1000;
    const hours = this.simulatedMs / Math.max(elapsedMs, 1);
    return `${(this.seeds / seconds).toFixed(0)} seeds/s, ${hours.toFixed(0)} simulated hours per hour`;
  }
}

function legalTransitions(): readonly Transition[] {
  const states = Object.keys(transitions) as ReplicaState[];
  return states.flatMap((from) => transitions[from].map((to) => transitionName(from, to)));
}
