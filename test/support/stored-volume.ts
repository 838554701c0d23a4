/** The record of a volume in the store of a control that does not run. */
import { join } from 'node:path';
import { keys, type VolumeRecord } from '../../control/model/records.ts';
import { openLevelStore } from '../../control/store/level-store.ts';
import type { ControlHarness } from './control-harness.ts';

/** Answers the record as it then is. */
export async function changeVolume(
  harness: ControlHarness,
  volume: string,
  change: (record: VolumeRecord) => VolumeRecord = (record) => record,
): Promise<VolumeRecord> {
  const store = await openLevelStore(join(harness.folder, 'control'));
  try {
    const key = keys.volume(volume);
    const entry = await store.get<VolumeRecord>(key);
    if (entry === undefined) throw new Error(`no record of ${volume}`);
    const value = change(entry.value);
    await store.transact([], [{ key, value }]);
    return value;
  } finally {
    await store.close();
  }
}
