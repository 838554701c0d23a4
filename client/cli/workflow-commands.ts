/** `lockstep workflow ...`: what is behind the operations, and what to do with one that is stuck. */
import { type Command, Option } from 'commander';
import { WorkflowState } from '../../proto/gen/lockstep/v1/workflow_service.ts';
import { operationName, workflowId } from '../resource-names.ts';
import { type ChangeOptions, collect, confirm, run, settle, YES_OPTION } from './command.ts';
import type { Context, GlobalOptions } from './context.ts';
import { UsageError } from './errors.ts';
import { workflowStateName } from './names.ts';
import {
  logEntryJson,
  renderWorkflow,
  renderWorkflowLog,
  renderWorkflows,
  workflowJson,
} from './render-workflow.ts';

type Words = readonly string[];

const NAME = ['<name>', 'of the workflow, or of its operation'] as const;

const STATES = Object.values(WorkflowState).filter(
  (state) => state !== WorkflowState.WORKFLOW_STATE_UNSPECIFIED,
);
const STATE_WORDS = STATES.map((state) => workflowStateName(state).toLowerCase());

export function addWorkflowCommands(program: Command): void {
  const workflow = program.command('workflow').description('the steps and logs behind the operations');
  workflow
    .command('list')
    .description('every workflow, newest first')
    .option('--target <name>', 'databases/NAME or hosts/NAME')
    .addOption(
      new Option('--state <state>', `${STATE_WORDS.join(', ')}; any number of times`).argParser(collect),
    )
    .action(run(list));
  workflow
    .command('get')
    .description('one, with its steps')
    .argument(...NAME)
    .action(run(get));
  workflow
    .command('log')
    .description('what was written down before and after each step, oldest first')
    .argument(...NAME)
    .action(run(log));
  workflow
    .command('retry')
    .description('have one that is stuck go on from where it stopped')
    .argument(...NAME)
    .option('--no-wait', 'do not wait for its end')
    .option('--wait', 'wait for its end (the default)')
    .action(run(retry));
  workflow
    .command('abandon')
    .description('end one that is stuck as it is, half done')
    .argument(...NAME)
    .option(...YES_OPTION)
    .action(run(abandon));
}

interface ListOptions extends GlobalOptions {
  readonly target?: string;
  readonly state?: readonly string[];
}

async function list(context: Context, _words: Words, options: ListOptions): Promise<void> {
  const { target, state = [] } = options;
  const workflows = await context.client.workflows.list({
    states: state.map(parseState),
    signal: context.signal,
    ...(target === undefined ? {} : { target }),
  });
  context.print(
    () => renderWorkflows(workflows, context.paint),
    () => workflows.map(workflowJson),
  );
}

function parseState(word: string): WorkflowState {
  const state = STATES[STATE_WORDS.indexOf(word.toLowerCase())];
  if (state === undefined) throw new UsageError(`--state is ${JSON.stringify(word)}`, STATE_WORDS.join(', '));
  return state;
}

async function get(context: Context, [name = '']: Words): Promise<void> {
  const workflow = await context.client.workflows.get(name, { signal: context.signal });
  context.print(
    () => renderWorkflow(workflow, context.paint),
    () => workflowJson(workflow),
  );
}

async function log(context: Context, [name = '']: Words): Promise<void> {
  const entries = await context.client.workflows.log(name, { signal: context.signal });
  context.print(
    () => renderWorkflowLog(entries, context.paint),
    () => entries.map(logEntryJson),
  );
}

async function retry(context: Context, [name = '']: Words, options: ChangeOptions): Promise<void> {
  const { client, signal } = context;
  const begun = await client.workflows.retry(name, { signal });
  const operation = await client.operations.get(operationName(workflowId(begun.name)), { signal });
  await settle(context, options, operation, () => get(context, [begun.name]));
}

async function abandon(context: Context, [name = '']: Words, options: ChangeOptions): Promise<void> {
  const id = workflowId(name);
  await confirm(context, options, {
    loss: `This ends ${id} as it is: what it did stays half done.`,
    id,
  });
  const workflow = await context.client.workflows.abandon(name, {
    acceptHalfDone: true,
    signal: context.signal,
  });
  context.print(
    () => renderWorkflow(workflow, context.paint),
    () => workflowJson(workflow),
  );
}
