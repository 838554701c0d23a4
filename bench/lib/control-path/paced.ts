/**
 * Questions at a fixed rate that does not wait for the answers. A latency counts from when the question was due, so that
 * whoever stands still for a second is seen by every question of that second.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Probe {
  readonly name: string;
  readonly perSecond: number;
  /** Rejects where there is no answer, or a wrong one. */
  readonly ask: () => Promise<void>;
}

export interface Answers {
  readonly name: string;
  readonly latenciesMs: readonly number[];
  /** The first reason, and how often there was one. */
  readonly failures: { readonly count: number; readonly first: string };
}

const MS_PER_SECOND = 1000;

export async function askAll(probes: readonly Probe[], seconds: number): Promise<readonly Answers[]> {
  return Promise.all(probes.map((probe) => askOne(probe, seconds)));
}

async function askOne({ name, perSecond, ask }: Probe, seconds: number): Promise<Answers> {
  const latenciesMs: number[] = [];
  const failures = { count: 0, first: '' };
  const underWay = new Set<Promise<void>>();
  const startMs = performance.now();
  for (let count = 0; count < perSecond * seconds; count++) {
    const dueMs = startMs + (count * MS_PER_SECOND) / perSecond;
    await sleep(Math.max(0, dueMs - performance.now()));
    const asked = ask().then(
      () => {
        latenciesMs.push(performance.now() - dueMs);
      },
      (error: unknown) => {
        failures.count++;
        failures.first ||= error instanceof Error ? error.message : String(error);
      },
    );
    underWay.add(asked);
    void asked.finally(() => underWay.delete(asked));
  }
  await Promise.all(underWay);
  return { name, latenciesMs, failures };
}
