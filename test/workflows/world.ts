/** Control with its hosts, for one trial: begins a workflow, lets control die and live again, and looks at what is left. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { type Operation } from '../../proto/gen/google/longrunning/operations.ts';
import { AuditKind, ClusterServiceService as cluster } from '../../proto/gen/lockstep/v1/cluster_service.ts';
import {
  type Database,
  DatabaseServiceService as databases,
  DatabaseState,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import {
  type Workflow,
  WorkflowServiceService as workflows,
  WorkflowState,
} from '../../proto/gen/lockstep/v1/workflow_service.ts';
import type { AgentDouble } from '../support/agent-double.ts';
import { ControlHarness } from '../support/control-harness.ts';
import { changeVolume } from '../support/stored-volume.ts';
import type { Interference } from './interference.ts';

const {
  DATABASE_STATE_ACTIVE: ACTIVE,
  DATABASE_STATE_FAILED: FAILED,
  DATABASE_STATE_STOPPED: STOPPED,
} = DatabaseState;
const IN_SYNC = 3;
const LIMIT_MS = 20_000;
/** A machine under load must not make a host look lost. */
const SILENCE_MS = 1500;
const POLL_MS = 5;
const CREATE_ATTEMPTS = 3;

const ENDED: ReadonlySet<WorkflowState> = new Set([
  WorkflowState.WORKFLOW_STATE_DONE,
  WorkflowState.WORKFLOW_STATE_UNDONE,
  WorkflowState.WORKFLOW_STATE_STUCK,
  WorkflowState.WORKFLOW_STATE_ABANDONED,
]);

/** What a world is taken down with, in a test and outside of one. */
export class Cleanup {
  readonly #work: (() => unknown)[] = [];

  teardown(work: () => unknown): void {
    this.#work.push(work);
  }

  async run(): Promise<void> {
    for (const work of this.#work.reverse()) await work();
  }
}

export class World {
  readonly harness: ControlHarness;
  readonly #interference: Interference;
  #hosts = 2;
  #third: AgentDouble | undefined;

  private constructor(harness: ControlHarness, interference: Interference) {
    this.harness = harness;
    this.#interference = interference;
  }

  static async open(cleanup: Cleanup, interference: Interference): Promise<World> {
    const harness = await ControlHarness.open(cleanup, { hosts: false, silenceMs: SILENCE_MS });
    const world = new World(harness, interference);
    await Promise.all([harness.a.start(), harness.b.start()]);
    await harness.stopControl();
    await world.#start();
    await harness.hostsHeard();
    return world;
  }

  /** Control dies where it stands; the next one knows what is durable. */
  async restart(): Promise<void> {
    await this.harness.stopControl();
    this.#interference.revive();
    await this.#start();
  }

  async #start(): Promise<void> {
    const { define, afterLog } = this.#interference;
    await this.harness.startControl({ definitions: define, afterLog });
  }

  idOf({ name }: Operation): string {
    return name.replace('operations/', '');
  }

  async death(): Promise<void> {
    await this.#until('the death of control', () => this.#interference.isDead);
  }

  /** One that the monitor begins. */
  async begun(): Promise<string> {
    await this.#until(`a ${this.#interference.type}`, () => this.#interference.workflow !== undefined);
    return this.#interference.workflow ?? '';
  }

  workflow(id: string): Promise<Workflow> {
    return this.harness.call(workflows.getWorkflow, { name: `workflows/${id}` });
  }

  /** Done, undone, or waiting for a person. */
  async ended(id: string): Promise<Workflow> {
    let last = await this.workflow(id);
    await this.#until(`the end of ${id}`, async () => ENDED.has((last = await this.workflow(id)).state));
    return last;
  }

  /** Again where the monitor is at work on the database just now. False: it has been overtaken by others. */
  async retry(id: string): Promise<boolean> {
    try {
      await this.#untilFree(() => this.harness.call(workflows.retryWorkflow, { name: `workflows/${id}` }));
      return true;
    } catch (error) {
      if (error instanceof LockstepError && error.reason === 'WORKFLOW_OVERTAKEN') return false;
      throw error;
    }
  }

  async abandon(id: string): Promise<void> {
    await this.harness.call(workflows.abandonWorkflow, { name: `workflows/${id}`, acceptHalfDone: true });
  }

  async done(operation: Operation): Promise<void> {
    const { error } = await this.harness.finished(operation);
    if (error !== undefined) throw new Error(error.message);
  }

  heard(): Promise<void> {
    return this.harness.hostsHeard(this.#hosts);
  }

  async addHost(host: string, zone: string): Promise<void> {
    this.#third = await this.harness.addHost(host, zone);
    this.#hosts++;
    await this.heard();
  }

  /** The host that was added has one more copy of orders, as after a workflow that was ended half done. */
  async addReplica(): Promise<void> {
    const { harness } = this;
    const third = this.#third;
    const volume = (await harness.get()).volume.replace('volumes/', '');
    const other = harness.b.replicas.get(volume);
    if (third === undefined || other === undefined)
      throw new Error('there is no third host, or no second copy');
    await harness.stopControl();
    third.replicas.set(volume, { ...other, state: 'STALE' });
    await changeVolume(harness, volume, (record) => ({
      ...record,
      replicas: [...record.replicas, third.host],
    }));
    await this.#start();
    await this.heard();
  }

  /** On a machine under load a host may be late with its heartbeats at that moment. */
  async createOrders(): Promise<Database> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.heard();
        return await this.harness.createOrders();
      } catch (error) {
        if (attempt === CREATE_ATTEMPTS) throw error;
      }
    }
  }

  /** The double of the host that the database runs on. */
  get primary(): AgentDouble {
    return this.harness.b.engines.size > 0 ? this.harness.b : this.harness.a;
  }

  /** Used, by everybody who needs it, in as many copies as were asked for. */
  async well(name = 'databases/orders', isIt: (database: Database) => boolean = inSync): Promise<Database> {
    let last: Database | undefined;
    await this.#until(
      `${name} in use`,
      async () => {
        last = await this.harness.get(name);
        return last.state === ACTIVE && last.busyWith === '' && isIt(last);
      },
      () => `${String(last?.state)} ${String(last?.redundancy)} ${last?.reason ?? ''}`,
    );
    if (last === undefined) throw new Error('never looked');
    return last;
  }

  async deleted(): Promise<void> {
    await this.#until('orders deleted', async () => {
      const { state, busyWith } = await this.harness.get();
      return state === DatabaseState.DATABASE_STATE_DELETED && busyWith === '';
    });
  }

  async stopped(): Promise<void> {
    await this.#until('orders stopped', async () => {
      const { state, busyWith } = await this.harness.get();
      return state === STOPPED && busyWith === '';
    });
    const left = [...this.harness.a.leftovers(), ...this.harness.b.leftovers()];
    const inUse = left.filter((what) => !what.startsWith('replica'));
    if (inUse.length > 0) throw new Error(`a stopped database uses ${inUse.join(', ')}`);
  }

  async isThere(name = 'databases/orders'): Promise<boolean> {
    try {
      await this.harness.get(name);
      return true;
    } catch (error) {
      if (error instanceof LockstepError && error.code === 'NOT_FOUND') return false;
      throw error;
    }
  }

  /** As if it had never been. */
  async gone(): Promise<void> {
    await this.#until('orders gone', async () => !(await this.isThere()));
    const left = this.harness.leftovers();
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
  }

  /** Marked as failed, and told so by the audit: what was begun can only be ended by doing it again. */
  async halfDone(): Promise<void> {
    await this.#until('orders failed', async () => (await this.harness.get()).state === FAILED);
    const { findings } = await this.harness.call(cluster.auditCluster, {});
    const others = findings.filter(({ kind }) => kind !== AuditKind.AUDIT_KIND_WORKFLOW);
    if (findings.length === 0 || others.length > 0)
      throw new Error(
        `the audit finds ${JSON.stringify(findings.map(({ subject, what }) => [subject, what]))}`,
      );
  }

  async delete(name = 'databases/orders'): Promise<void> {
    const { harness } = this;
    await this.done(
      await this.#untilFree(() => harness.call(databases.deleteDatabase, { name, skipFinalSnapshot: true })),
    );
  }

  /** Once all hosts are heard, the audit finds nothing. */
  async clean(): Promise<void> {
    await this.heard();
    const { findings, unreachable } = await this.harness.call(cluster.auditCluster, {});
    const told = findings.map(({ host, subject, what }) => `${host} ${subject}: ${what}`);
    if (told.length + unreachable.length > 0)
      throw new Error(`the audit finds ${[...told, ...unreachable].join('; ')}`);
  }

  /** Something else may hold the database for a moment. */
  async #untilFree<Value>(ask: () => Promise<Value>): Promise<Value> {
    const endMs = performance.now() + LIMIT_MS;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        const isBusy = error instanceof LockstepError && error.code === 'ABORTED';
        if (!isBusy || performance.now() > endMs) throw error;
      }
      await sleep(POLL_MS);
    }
  }

  async #until(
    what: string,
    isSo: () => boolean | Promise<boolean>,
    describe: () => string = () => '',
  ): Promise<void> {
    const endMs = performance.now() + LIMIT_MS;
    while (!(await isSo())) {
      if (performance.now() > endMs) throw new Error(`not in time: ${what} ${describe()}`);
      await sleep(POLL_MS);
    }
  }
}

const inSync = ({ redundancy }: Database): boolean => redundancy === IN_SYNC;
