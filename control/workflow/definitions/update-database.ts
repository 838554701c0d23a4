/**
 * update-database: parameters, growth, and what only the record knows.
 *
 * The parameters come first, since they can be taken back. Growth is not: the replicas grow before the primary, the
 * primary before the file system (docs/replication.md), each can be asked for again, and what stops on its way leaves a
 * database that is used at its old size. The volume's record says what its replicas have, the database's record what
 * its file system has.
 */
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { DatabaseRecord } from '../../model/records.ts';
import type { WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import type { HostActions } from './host-actions.ts';
import { DEVICE_MS, ENGINE_MS, type PowerState, powerStep } from './power-steps.ts';
import { growSecondaries } from './resize-volume.ts';
import { describeOutcome, letGo } from './steps.ts';
import type { Surroundings } from './surroundings.ts';
import { whileHeard } from './while-heard.ts';

/** As the record is to say it afterwards; what is absent stays. */
export type UpdateWish = Partial<
  Pick<DatabaseRecord, 'sizeBytes' | 'parameters' | 'tags' | 'deletionProtection' | 'copies'>
>;

export type UpdateState = PowerState & {
  readonly wish: UpdateWish;
  /** Else the parameters wait for its start, and nothing has to be told. */
  readonly isRunning: boolean;
  readonly pendingRestart?: readonly string[];
};

const MIB = 1024 * 1024;

export function updateDatabase(around: Surroundings): WorkflowDefinition<UpdateState> {
  const grows = ({ wish }: UpdateState): boolean => wish.sizeBytes !== undefined;
  return {
    type: 'update-database',
    version: 1,
    steps: [
      powerStep<UpdateState>(around, {
        name: 'configure-engine',
        title: ({ wish, primary }) =>
          wish.parameters === undefined ? 'No parameter changes' : `Configure the engine on ${primary}`,
        deadlineMs: ENGINE_MS,
        when: ({ wish, isRunning }) => wish.parameters !== undefined && isRunning,
        act: async (hosts, state) => {
          const { parameters = state.parameters } = state.wish;
          return { pendingRestart: await hosts.configureEngine(state.primary, { ...state, parameters }) };
        },
        // Where the host is gone the engine has to be started again, with the parameters of the record.
        undo: async (hosts, state) => {
          if (!around.hosts.isGone(state.primary)) await hosts.configureEngine(state.primary, state);
        },
      }),
      powerStep<UpdateState>(around, {
        name: 'grow-secondaries',
        title: (state) => (grows(state) ? 'Make the other copies larger' : 'No copy grows'),
        deadlineMs: DEVICE_MS,
        when: grows,
        act: (hosts, state, signal) =>
          whileHeard(around, { hosts, host: state.primary, signal }, async (bounded) => {
            // What has grown is not made smaller again by an undo.
            await bounded.checkFileSystemGrowth(state.primary);
            await growSecondaries(around, bounded, { volume: state.volume, sizeBytes: sizeOf(state) });
          }),
      }),
      powerStep<UpdateState>(around, {
        name: 'grow-primary',
        title: (state) =>
          grows(state) ? `Make the volume on ${state.primary} larger` : 'The primary does not grow',
        deadlineMs: DEVICE_MS,
        when: grows,
        act: (hosts, state) => growPrimary(around, hosts, state),
      }),
      powerStep<UpdateState>(around, {
        name: 'grow-file-system',
        title: (state) =>
          grows(state) ? `Make the file system on ${state.primary} larger` : 'The file system does not grow',
        deadlineMs: 2 * ENGINE_MS,
        when: grows,
        act: (hosts, state) => growFileSystem(around, hosts, state),
      }),
    ],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

const sizeOf = ({ wish }: UpdateState): number => wish.sizeBytes ?? 0;

async function growPrimary(around: Surroundings, hosts: HostActions, state: UpdateState): Promise<void> {
  const sizeBytes = sizeOf(state);
  await hosts.growReplica(state.primary, sizeBytes);
  const { value: before } = await around.repository.requireVolume(state.volume);
  const message = `from ${mebibytes(before.sizeBytes)} to ${mebibytes(sizeBytes)} MiB`;
  await around.repository.updateVolume(
    state.volume,
    (record) => (record.sizeBytes >= sizeBytes ? undefined : { ...record, sizeBytes }),
    ({ generation }) => [{ reason: 'VOLUME_RESIZED', message, generation, workflow: state.workflow }],
  );
}

async function growFileSystem(around: Surroundings, hosts: HostActions, state: UpdateState): Promise<void> {
  const sizeBytes = sizeOf(state);
  await hosts.growFileSystem(state.primary);
  await around.repository.updateDatabase(state.database, (record) => {
    if (record.busyWith !== state.workflow)
      throw new LockstepError('ABORTED', `${record.id} is held by ${record.busyWith}`);
    return record.sizeBytes >= sizeBytes ? undefined : { ...record, sizeBytes };
  });
}

async function finished(around: Surroundings, state: UpdateState, outcome: WorkflowOutcome): Promise<void> {
  const { sizeBytes, ...records } = state.wish;
  switch (outcome.kind) {
    case 'done': {
      const pending = state.pendingRestart === undefined ? {} : { pendingRestart: state.pendingRestart };
      return letGo(around, state, () => ({ ...records, ...pending }), [
        { reason: 'UPDATED', message: `a person changed ${Object.keys(state.wish).map(wordFor).join(', ')}` },
      ]);
    }
    case 'undone':
      return letGo(around, state, () => ({}), [
        { reason: 'UPDATE_FAILED', message: `${describeOutcome(outcome)}${againFor(sizeBytes)}` },
      ]);
    case 'stuck':
      // The running engine may have the new values: those of the record come with its next start.
      return letGo(
        around,
        state,
        ({ pendingRestart }) => ({ pendingRestart: pendingOf(state, pendingRestart) }),
        [{ reason: 'UPDATE_FAILED', message: `${describeOutcome(outcome)}; reboot it` }],
      );
  }
}

function pendingOf({ wish, parameters }: UpdateState, before: readonly string[]): readonly string[] {
  const wanted = wish.parameters ?? parameters;
  const names = [...Object.keys(wanted), ...Object.keys(parameters)];
  const changed = names.filter((name) => wanted[name] !== parameters[name]);
  return [...new Set([...before, ...changed])].sort();
}

const WORDS: Readonly<Record<keyof UpdateWish, string>> = {
  sizeBytes: 'the size',
  parameters: 'parameters',
  tags: 'tags',
  deletionProtection: 'the deletion protection',
  copies: 'the number of copies',
};
const wordFor = (key: string): string => WORDS[key as keyof UpdateWish];

const againFor = (sizeBytes: number | undefined): string =>
  sizeBytes === undefined ? '' : `; ask again for ${mebibytes(sizeBytes)} MiB`;

const mebibytes = (bytes: number): string => String(Math.round(bytes / MIB));
