/** The steps that more than one workflow takes. */
import { NO_ENGINE } from '../../model/engines.ts';
import type { DatabaseRecord, VolumeRecord } from '../../model/records.ts';
import type { NewEvent } from '../../repository.ts';
import type { WorkflowOutcome } from '../workflow.ts';
import type { HostActions } from './host-actions.ts';
import { superseded, type Surroundings } from './surroundings.ts';

/** What every workflow on a database knows from the start. */
export type DatabaseWork = {
  readonly workflow: string;
  readonly database: string;
  readonly volume: string;
  readonly engine: string;
  readonly port: number;
  readonly user: string;
  readonly engineDatabase: string;
  /** Empty before it is installed. */
  readonly engineVersion: string;
  readonly parameters: Readonly<Record<string, string>>;
};

export function workOn(workflow: string, database: DatabaseRecord): DatabaseWork {
  const { id, volume, engine, port, user, engineDatabase, engineVersion, parameters } = database;
  return { workflow, database: id, volume, engine, port, user, engineDatabase, engineVersion, parameters };
}

/** The record, as long as it still names this primary. */
export async function requirePrimary(
  around: Surroundings,
  volume: string,
  host: string,
): Promise<VolumeRecord> {
  const { value } = await around.repository.requireVolume(volume);
  if (value.primary !== host) throw superseded(value, host);
  return value;
}

/** For the engine: a volume without one is used over NBD. */
export async function attachAndMount(
  hosts: HostActions,
  host: string,
  work: Pick<DatabaseWork, 'engine'>,
): Promise<void> {
  if (work.engine === NO_ENGINE) return;
  await hosts.attach(host);
  await hosts.mount(host);
}

/** The alias names the host only as of a generation; the responder compares it with the volume's record. */
export async function pointAlias(around: Surroundings, work: DatabaseWork, host: string): Promise<void> {
  const { generation } = await requirePrimary(around, work.volume, host);
  await around.repository.updateDatabase(work.database, (record) =>
    record.aliasHost === host && record.aliasGeneration >= generation
      ? undefined
      : { ...record, aliasHost: host, aliasGeneration: generation },
  );
}

/** Ends the workflow's hold. Nothing where another one holds it by now: the hook ran before. */
export async function letGo(
  around: Surroundings,
  work: DatabaseWork,
  change: (record: DatabaseRecord) => Partial<DatabaseRecord>,
  events: readonly Omit<NewEvent, 'generation' | 'workflow'>[],
): Promise<void> {
  const generation = (await around.repository.volume(work.volume))?.value.generation ?? 0;
  await around.repository.updateDatabase(
    work.database,
    (record) =>
      record.busyWith === work.workflow ? { ...record, busyWith: '', ...change(record) } : undefined,
    events.map((event) => ({ ...event, generation, workflow: work.workflow })),
  );
}

/** One sentence for people. */
export function describeOutcome(outcome: Exclude<WorkflowOutcome, { kind: 'done' }>): string {
  const where = outcome.kind === 'stuck' ? `undoing step ${outcome.step}` : `step ${outcome.step}`;
  return `${where} failed: ${outcome.error.message}`;
}
