/** The `lockstep` command: docs/cli.md. Everything it can do, client/lockstep.ts can do for a program. */
import { Command, CommanderError, Option } from 'commander';
import { DEFAULT_SERVER } from '../lockstep.ts';
import { addConnectCommand } from './connect.ts';
import { type GlobalOptions, parseOutput, serverOf } from './context.ts';
import { addDatabaseCommands } from './database-commands.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { errorJson, exitCodeOf, renderError } from './errors.ts';
import { jsonText } from './json.ts';
import { addOperationCommands } from './operation-commands.ts';
import { addStatusCommand } from './status-command.ts';
import { paintFor } from './text.ts';
import { addVolumeCommands } from './volume-commands.ts';

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

function makeProgram(): Command {
  const made = new Command('lockstep')
    .description('Replicated databases on your own hosts: see how they are, create, connect, fail over.')
    .addOption(
      new Option('--server <host:port>', 'the control daemon').env('LOCKSTEP_SERVER').default(DEFAULT_SERVER),
    )
    .addOption(new Option('-o, --output <format>', 'text or json').argParser(parseOutput).default('text'))
    .showHelpAfterError('See: lockstep help')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  addStatusCommand(made);
  addDoctorCommand(made);
  addDatabaseCommands(made);
  addVolumeCommands(made);
  addConnectCommand(made);
  addOperationCommands(made);
  return made;
}

function report(error: unknown, options: GlobalOptions): void {
  const server = serverOf(options);
  const text =
    options.output === 'json'
      ? jsonText(errorJson(error, server))
      : renderError(error, server, paintFor(process.stderr));
  process.stderr.write(text);
}
