/** Ctrl-C ends a measurement behind the run that is under way: nothing of it is left on the machine. */

/** Answers whether the process was told to end since. */
export function watchInterruption(): () => boolean {
  let isInterrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      isInterrupted = true;
    });
  return () => isInterrupted;
}
