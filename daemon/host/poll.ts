import { setTimeout as sleep } from 'node:timers/promises';
import { bootClock } from '../sys/clock.ts';

/** Asks until there is an answer other than undefined; undefined when the time is over. */
export async function poll<Value>(
  ask: () => Promise<Value | undefined>,
  options: { readonly everyMs: number; readonly timeoutMs: number },
): Promise<Value | undefined> {
  const endMs = bootClock.nowMs() + options.timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (bootClock.nowMs() >= endMs) return undefined;
    await sleep(options.everyMs);
  }
}

/** One at a time for each key, in the order of asking. */
export class KeyedMutex {
  private readonly tails = new Map<string, Promise<unknown>>();

  async run<Value>(key: string, work: () => Promise<Value>): Promise<Value> {
    const before = this.tails.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.tails.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.tails.get(key) === mine) this.tails.delete(key);
    }
  }
}
