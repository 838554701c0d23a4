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
