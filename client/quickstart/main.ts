/**
 * `npm run quickstart`: docs/quickstart.md. quickstart.sh has seen to Node and the npm dependencies.
 *
 * Ctrl-C is listened for before anything else is loaded, which takes half a second: there is no moment at which it is
 * not answered with what to do next.
 */
const interrupt = new AbortController();
// The first one lets the step at hand end; whoever presses it again does not want to wait for that.
process.once('SIGINT', () => {
  interrupt.abort();
});
process.once('SIGTERM', () => {
  interrupt.abort();
});

// Whoever reads the words may go; the work goes on.
process.stdout.on('error', () => undefined);

const { quickstart } = await import('./run.ts');
process.exitCode = await quickstart(process.argv.slice(2), interrupt.signal);

// A module, although it imports nothing at first.
export {};
