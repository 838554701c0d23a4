/** The `lockstep` command: docs/cli.md. Everything it can do, client/lockstep.ts can do for a program. */
import { CommanderError } from 'commander';
import { type GlobalOptions, serverOf, wantsJson } from './context.ts';
import { errorJson, exitCodeOf, renderError } from './errors.ts';
import { jsonText } from './json.ts';
import { makeProgram } from './program.ts';
import { paintFor } from './text.ts';

// `lockstep database list | head -1`: a reader that has enough is no error.
process.stdout.on('error', () => undefined);

const program = makeProgram();
try {
  await program.parseAsync();
} catch (error) {
  // Commander has said its own errors already.
  if (!(error instanceof CommanderError)) report(error, program.opts<GlobalOptions>());
  process.exitCode = exitCodeOf(error);
}

function report(error: unknown, options: GlobalOptions): void {
  const server = serverOf(options);
  const text = wantsJson(options)
    ? jsonText(errorJson(error, server))
    : renderError(error, server, paintFor(process.stderr));
  process.stderr.write(text);
}
