/**
 * Works off the list of snapshots that were taken for copies on hosts which could not be reached at the end of the copy:
 * each is deleted when its host is heard. Its name is of one workflow and one process, so that nothing else is meant; a
 * host whose process is another by then has none of that name, and says that all is well.
 */
import { messageOf } from '../../daemon/sys/errors.ts';
import { AgentServiceService as agent } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { keys, type LeftSnapshotRecord } from '../model/records.ts';
import type { Entry } from '../store/store.ts';
import { Damper } from './damper.ts';
import type { ReachOptions } from './dropped-copies.ts';

const DELETE_MS = 60_000;

export class LeftSnapshots {
  readonly #options: ReachOptions;
  readonly #damper = new Damper();
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  /** Begins what can be done now, and does not wait for it. */
  async look(): Promise<void> {
    const { repository, observations, nowMs } = this.#options;
    const entries = await repository.store.list<LeftSnapshotRecord>(keys.leftSnapshots);
    this.#damper.keepOnly(new Set(entries.map(({ key }) => key)));
    for (const entry of entries) {
      const { key, value } = entry;
      if (this.#underWay.has(key) || !observations.isReachable(value.host)) continue;
      if (!this.#damper.mayStart(key, 'delete', nowMs())) continue;
      this.#damper.started(key, 'delete', nowMs());
      const work = this.#delete(entry).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, work);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  async #delete({ key, revision, value }: Entry<LeftSnapshotRecord>): Promise<void> {
    const { repository, agents, log } = this.#options;
    const { host, volume, snapshot } = value;
    try {
      const generation = BigInt((await repository.volume(volume))?.value.generation ?? 0);
      const fence = { generation, workflow: 'left-snapshots', step: 'delete' };
      await agents.call(host, agent.deleteSnapshot, { fence, volume, snapshot }, { deadlineMs: DELETE_MS });
      await repository.store.transact([{ key, revision }], [{ key, deleted: true }]);
      log.info({ host, volume, snapshot }, 'the snapshot of a copy that had ended was deleted');
    } catch (error) {
      const why = 'the snapshot of a copy that has ended cannot be deleted; it is tried again';
      log.warn({ host, volume, snapshot, error: messageOf(error) }, why);
    }
  }
}
