/** What a step has a host do with the kept snapshots of one volume, fenced by the record's generation at that instant. */
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { Fence } from '../../../proto/gen/lockstep/agent/v1/agent.ts';
import {
  type Snapshot,
  SnapshotServiceService as agent,
} from '../../../proto/gen/lockstep/agent/v1/snapshot.ts';
import type { StepRun, Surroundings } from './surroundings.ts';

/** From memory. */
const QUICK_MS = 5000;
/** A flush, which on a busy disk takes seconds. */
const DISK_MS = 60_000;

export class SnapshotActions {
  readonly #around: Surroundings;
  readonly #run: StepRun;
  readonly #volume: string;

  constructor(around: Surroundings, run: StepRun, volume: string) {
    this.#around = around;
    this.#run = run;
    this.#volume = volume;
  }

  async list(host: string): Promise<readonly Snapshot[]> {
    const call = { deadlineMs: QUICK_MS, signal: this.#run.signal };
    const request = { volume: this.#volume };
    return (await this.#around.agents.call(host, agent.listSnapshots, request, call)).snapshots;
  }

  /** One of this name is there already: it is of an earlier call of the step. */
  async take(host: string, snapshot: string): Promise<void> {
    const call = { deadlineMs: DISK_MS, signal: this.#run.signal };
    const request = { fence: await this.#fence(), volume: this.#volume, snapshot, quiesce: false };
    try {
      await this.#around.agents.call(host, agent.takeSnapshot, request, call);
    } catch (error) {
      if (!(error instanceof LockstepError && error.code === 'ALREADY_EXISTS')) throw error;
    }
  }

  /** What is not there is already gone. */
  async remove(host: string, snapshot: string): Promise<void> {
    const call = { deadlineMs: DISK_MS, signal: this.#run.signal };
    const request = { fence: await this.#fence(), volume: this.#volume, snapshot };
    try {
      await this.#around.agents.call(host, agent.removeSnapshot, request, call);
    } catch (error) {
      if (!(error instanceof LockstepError && error.code === 'NOT_FOUND')) throw error;
    }
  }

  /** Answers the size of the new volume, in bytes. Idempotent: a volume's name is never given twice. */
  async clone(host: string, snapshot: string, clone: string): Promise<number> {
    const call = { deadlineMs: DISK_MS, signal: this.#run.signal };
    const request = { fence: await this.#fence(), volume: this.#volume, snapshot, clone };
    return Number((await this.#around.agents.call(host, agent.cloneSnapshot, request, call)).sizeBytes);
  }

  async #fence(): Promise<Fence> {
    const record = (await this.#around.repository.volume(this.#volume))?.value;
    return {
      generation: BigInt(record?.generation ?? 0),
      workflow: this.#run.workflowId,
      step: this.#run.step,
    };
  }
}
