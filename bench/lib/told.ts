/** What a process of the measurement says to its parent. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** The next message. Rejects where the process ends instead. */
export async function told(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  const { signal } = over;
  const message = once(child, 'message', { signal }).then(([value]: unknown[]) => value);
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`a process of the measurement ended with ${String(code)}`);
  });
  try {
    return await Promise.race([message, ended]);
  } finally {
    // Whichever of the two did not come is waited for no more.
    for (const one of [message, ended]) one.catch(() => undefined);
    over.abort();
  }
}
