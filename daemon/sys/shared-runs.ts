/** Work whose result is shared by all who ask for it before it begins. */

/**
 * Whoever asks while it runs waits for the next run, and shares that: no answer is older than the question, and as many
 * questions as come at once cost two runs.
 */
export function sharedRuns<Value>(work: () => Promise<Value>): () => Promise<Value> {
  let running: Promise<Value> | undefined;
  let next: Promise<Value> | undefined;
  const begin = (): Promise<Value> => {
    next = undefined;
    const run = work();
    running = run;
    const ended = (): void => {
      if (running === run) running = undefined;
    };
    run.then(ended, ended);
    return run;
  };
  return () => {
    if (running === undefined) return begin();
    next ??= running.then(begin, begin);
    return next;
  };
}
