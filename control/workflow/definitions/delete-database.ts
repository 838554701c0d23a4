/**
 * delete-database: the alias first, so that nobody is sent to what is going; the records last, since they are what a
 * delete that was cut off is taken up from. Nothing is undone: where a host cannot be reached the workflow stops, the
 * database is marked as failed, and a person deletes again once the host is back.
 */
import type { Step, StepContext, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { keys } from '../../model/records.ts';
import { removeDatabase } from './create-database.ts';
import { HostActions } from './host-actions.ts';
import { type DatabaseWork, describeOutcome, letGo } from './steps.ts';
import { gently, patiently, type Surroundings } from './surroundings.ts';

export type DeleteState = DatabaseWork & Readonly<Record<string, unknown>>;
type Context = StepContext<DeleteState>;

const STEP_MS = 5 * 60_000;
const ATTEMPTS = 3;

export function deleteDatabase(around: Surroundings): WorkflowDefinition<DeleteState> {
  const ordinary = { deadlineMs: STEP_MS, attempts: ATTEMPTS, backoffMs: around.pace.backoffMs };
  const steps: readonly Step<DeleteState>[] = [
    {
      ...ordinary,
      name: 'withdraw-alias',
      title: ({ database }) => `Withdraw the alias of ${database}`,
      async do({ state }) {
        await around.repository.updateDatabase(state.database, (record) =>
          record.aliasHost === '' ? undefined : { ...record, aliasHost: '' },
        );
      },
    },
    {
      ...ordinary,
      name: 'release-hosts',
      title: () => 'Stop the engine, unmount and detach on every host',
      do: (context) =>
        onEveryHost(around, context, (hosts, host) =>
          gently(around, () => hosts.release(host, context.state, { kill: true })),
        ),
    },
    {
      ...ordinary,
      name: 'delete-replicas',
      title: () => 'Delete the copies of the volume',
      do: (context) => onEveryHost(around, context, (hosts, host) => hosts.deleteReplica(host)),
    },
    {
      ...ordinary,
      name: 'remove-records',
      title: () => 'Remove the records',
      async do({ state }) {
        await around.repository.store.transact([], [{ key: keys.volume(state.volume), deleted: true }]);
        await removeDatabase(around, state);
      },
    },
  ];
  return {
    type: 'delete-database',
    version: 1,
    steps,
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

async function onEveryHost(
  around: Surroundings,
  context: Context,
  act: (hosts: HostActions, host: string) => Promise<void>,
): Promise<void> {
  const record = (await around.repository.volume(context.state.volume))?.value;
  const hosts = new HostActions(around, context, context.state.volume);
  // All of them before the first failure is told: what can be released is.
  const results = await Promise.allSettled(
    (record?.replicas ?? []).map((host) => patiently(around, context.signal, () => act(hosts, host))),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function finished(around: Surroundings, state: DeleteState, outcome: WorkflowOutcome): Promise<void> {
  if (outcome.kind === 'done') return;
  const failure = `the delete stopped, ${describeOutcome(outcome)}`;
  // It keeps its hold, so that nothing brings back what is half gone; a delete takes it over.
  await letGo(around, state, () => ({ lifecycle: 'failed', failure, busyWith: state.workflow }), [
    { reason: 'DELETE_FAILED', message: failure },
  ]);
}
