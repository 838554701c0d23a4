/**
 * Works off the list of copies that no record names any more: each is deleted when its host can be reached, and when the
 * primary is known to go on without it. Fenced by the generation that goes without it: should the host know a newer one,
 * it refuses, and the copy stays until a person has looked.
 */
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { AgentServiceService as agent } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import type { Agents } from '../agents.ts';
import { isStillNeeded } from '../model/dropped-copy.ts';
import type { DroppedCopyRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { Entry } from '../store/store.ts';
import { Damper } from './damper.ts';
import type { Observations } from './observations.ts';

export interface ReachOptions {
  readonly repository: Repository;
  readonly agents: Agents;
  readonly observations: Observations;
  readonly nowMs: () => number;
  readonly log: Log;
}

export interface DroppedCopiesOptions extends ReachOptions {
  /** For how long a host is silent before its copy is given up: then the one too many does not stay for it. */
  readonly replaceAfterMs: number;
}

/** Engine, mount and device may have to be taken away first. */
const DELETE_MS = 60_000;

export class DroppedCopies {
  readonly #options: DroppedCopiesOptions;
  readonly #damper = new Damper();
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: DroppedCopiesOptions) {
    this.#options = options;
  }

  /** Begins what can be done now, and does not wait for it: a slow host is not the databases' business. */
  async look(): Promise<void> {
    const { repository, observations, nowMs } = this.#options;
    const entries = await repository.droppedCopies();
    this.#damper.keepOnly(new Set(entries.map(({ key }) => key)));
    for (const entry of entries) {
      const { key, value } = entry;
      if (this.#underWay.has(key) || !observations.isReachable(value.host)) continue;
      if (!this.#damper.mayStart(key, 'delete', nowMs()) || !(await this.#isDue(value))) continue;
      this.#damper.started(key, 'delete', nowMs());
      const work = this.#delete(entry).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, work);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** Not while the workflow that dropped it is about to do it, and not one that is wanted again. */
  async #isDue(dropped: DroppedCopyRecord): Promise<boolean> {
    const { host, volume, generation } = dropped;
    const { repository, observations, replaceAfterMs } = this.#options;
    const record = (await repository.volume(volume))?.value;
    if (record === undefined) return true;
    if (record.replicas.includes(host)) return false;
    if (isStillNeeded(dropped, record, (one) => observations.silence(one) >= replaceAfterMs)) return false;
    const holder = (await repository.database(record.database))?.value.busyWith ?? '';
    const primary = observations.hosts.get(record.primary)?.replicas.get(volume);
    return holder === '' && (primary?.generation ?? 0) >= generation;
  }

  async #delete({ key, revision, value }: Entry<DroppedCopyRecord>): Promise<void> {
    const { repository, agents, log } = this.#options;
    const { host, volume } = value;
    try {
      const current = (await repository.volume(volume))?.value.generation ?? 0;
      const generation = BigInt(Math.max(value.generation, current));
      const fence = { generation, workflow: 'dropped-copies', step: 'delete' };
      await agents.call(host, agent.deleteReplica, { fence, volume }, { deadlineMs: DELETE_MS });
    } catch (error) {
      if (!(error instanceof LockstepError && error.code === 'NOT_FOUND')) {
        log.warn(
          { host, volume, error: messageOf(error) },
          'a dropped copy cannot be deleted; it is tried again',
        );
        return;
      }
    }
    await repository.store.transact([{ key, revision }], [{ key, deleted: true }]);
    log.info({ host, volume }, 'a dropped copy was deleted');
  }
}
