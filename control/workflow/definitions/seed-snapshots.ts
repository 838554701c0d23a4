/**
 * The end of the snapshots that a copy reads from. They slow the primary's writes down and take room, as long as the
 * daemon process that took them lives. A source that is gone may live all the same, cut off for a while: no workflow waits
 * for it, since a failover may wait for the workflow. What it may have goes on a list in the control store, which
 * left-snapshots.ts works off.
 */
import { keys, type LeftSnapshotRecord } from '../../model/records.ts';
import { seedName, snapshotName } from './copy.ts';
import { HostActions } from './host-actions.ts';
import { patiently, type StepRun, type Surroundings } from './surroundings.ts';

interface Seeding {
  readonly workflow: string;
  readonly volume: string;
  readonly source: string;
  /** The one that was used; empty: none is known. */
  readonly snapshot: string;
}

/** The one that was used, and the one that a step which was cut off may have taken since. */
export function deleteSeedSnapshots(around: Surroundings, run: StepRun, seeding: Seeding): Promise<void> {
  return patiently(around, run.signal, () => deleteNow(around, run, seeding));
}

async function deleteNow(around: Surroundings, run: StepRun, seeding: Seeding): Promise<void> {
  const { volume, source, snapshot } = seeding;
  if (around.hosts.isGone(source)) return leave(around, seeding);
  const names = new Set([snapshot, await snapshotName(around, seeding, run.signal)]);
  names.delete('');
  const actions = new HostActions(around, run, volume);
  for (const name of names) await actions.deleteSnapshot(source, name);
}

/** Of a process that this control has not heard nothing is known but what the log has. */
async function leave(around: Surroundings, { workflow, volume, source, snapshot }: Seeding): Promise<void> {
  const incarnation = around.hosts.incarnation(source);
  const names = new Set([snapshot, incarnation === undefined ? '' : seedName(workflow, incarnation)]);
  names.delete('');
  const left = [...names].map((name): LeftSnapshotRecord => ({ host: source, volume, snapshot: name }));
  await around.repository.store.transact(
    [],
    left.map((value) => ({ key: keys.leftSnapshot(value), value })),
  );
}
