/** The words of the `lockstep` command: docs/cli.md has every one of them. */
import { Command, Option } from 'commander';
import { DEFAULT_SERVER } from '../lockstep.ts';
import { addCompletionCommand } from './completion-command.ts';
import { addConnectCommand } from './connect.ts';
import { parseOutput } from './context.ts';
import { addDatabaseCommands } from './database-commands.ts';
import { addEngineCommands } from './engine-commands.ts';
import { addEventCommands } from './event-commands.ts';
import { addExplainCommand } from './explain-command.ts';
import { addHostCommands } from './host-commands.ts';
import { addOperationCommands } from './operation-commands.ts';
import { addSnapshotCommands } from './snapshot-commands.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { addStatusCommand } from './status-command.ts';
import { addVolumeCommands } from './volume-commands.ts';
import { addWorkflowCommands } from './workflow-commands.ts';

export function makeProgram(): Command {
  const program = new Command('lockstep')
    .description('Replicated databases on your own hosts: see how they are, create, connect, fail over.')
    .addOption(
      new Option('--server <host:port>', 'the control daemon').env('LOCKSTEP_SERVER').default(DEFAULT_SERVER),
    )
    .addOption(new Option('-o, --output <format>', 'table or json').argParser(parseOutput).default('table'))
    .option('--json', 'the same as -o json')
    .addOption(new Option('--tls', 'TLS with the authorities that Node.js trusts').env('LOCKSTEP_TLS'))
    .addOption(
      new Option('--tls-ca <file>', 'TLS with the authorities in this PEM file').env('LOCKSTEP_TLS_CA'),
    )
    .addOption(
      new Option('--tls-certificate <file>', 'your own, where the server wants one').env(
        'LOCKSTEP_TLS_CERTIFICATE',
      ),
    )
    .addOption(new Option('--tls-key <file>', 'that belongs to it').env('LOCKSTEP_TLS_KEY'))
    .addOption(
      new Option('--tls-server-name <name>', "that the server's certificate is for, if not its host").env(
        'LOCKSTEP_TLS_SERVER_NAME',
      ),
    )
    .showHelpAfterError('See: lockstep help')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  addStatusCommand(program);
  addDoctorCommand(program);
  addDatabaseCommands(program);
  addSnapshotCommands(program);
  addVolumeCommands(program);
  addConnectCommand(program);
  addHostCommands(program);
  addEngineCommands(program);
  addEventCommands(program);
  addOperationCommands(program);
  addWorkflowCommands(program);
  addExplainCommand(program);
  addCompletionCommand(program);
  return program;
}
