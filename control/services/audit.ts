/**
 * AuditCluster: asks every storage host what is there, compares it with the records, and mends what can be mended.
 *
 * Inventories are read before the records: what is made meanwhile was written down before it was made. What is removed
 * meanwhile would look like an orphan, so only what is found again a moment later counts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { AgentServiceService as agent, type Fence } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import {
  type GetInventoryResponse,
  InventoryServiceService as inventory,
} from '../../proto/gen/lockstep/agent/v1/inventory.ts';
import type {
  AuditClusterRequest,
  AuditClusterResponse,
} from '../../proto/gen/lockstep/v1/cluster_service.ts';
import type { Agents } from '../agents.ts';
import {
  audit,
  type AuditResult,
  type AuditWorkflow,
  type Finding,
  findingKey,
  type Mending,
} from '../model/audit.ts';
import {
  type DatabaseRecord,
  type DroppedCopyRecord,
  type HostAdminRecord,
  type HostRecord,
  keys,
  type VolumeRecord,
} from '../model/records.ts';
import { nextStepOf, reasonOf } from '../model/workflow-view.ts';
import type { Observations } from '../monitor/observations.ts';
import type { Repository } from '../repository.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import type { WorkflowSnapshot } from '../workflow/snapshot.ts';

export interface AuditOptions {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly agents: Agents;
  readonly observations: Observations;
  readonly wallClock: () => number;
  readonly log: Log;
}

/** A host reads its processes, mounts and devices. */
const INVENTORY_MS = 10_000;
const MENDING_MS = 60_000;
/** How long a finding has to be there: a fenced host clears up by itself, and a step that ends removes its traces. */
const MOMENT_MS = 1500;
const FENCE = { workflow: 'audit', step: 'repair' } as const;

interface Look extends AuditResult {
  readonly unreachable: readonly string[];
}

export async function auditCluster(
  options: AuditOptions,
  { repair }: AuditClusterRequest,
): Promise<AuditClusterResponse> {
  const found = await settledLook(options);
  const mended = repair ? await mendAll(options, found.findings) : new Map<string, string>();
  // What was taken away is looked for once more: an answer is no proof.
  const left = mended.size === 0 ? found : await look(options);
  const still = new Set(left.findings.map(findingKey));
  return {
    time: new Date(options.wallClock()),
    findings: found.findings.map((finding) => {
      const { kind, host, subject, what, nextStep } = finding;
      const error = mended.get(findingKey(finding));
      const repaired = error === '' && !still.has(findingKey(finding));
      const failure = error === undefined || error === '' ? '' : `; repairing it failed: ${error}`;
      return {
        kind,
        host: host === '' ? '' : `hosts/${host}`,
        subject,
        what: what + failure,
        nextStep: repaired ? '' : nextStep,
        repaired,
      };
    }),
    unreachable: found.unreachable.map((host) => `hosts/${host}`),
    checked: found.checked,
  };
}

async function settledLook(options: AuditOptions): Promise<Look> {
  const first = await look(options);
  if (first.findings.length === 0) return first;
  await sleep(MOMENT_MS);
  const second = await look(options);
  const before = new Set(first.findings.map(findingKey));
  return { ...second, findings: second.findings.filter((finding) => before.has(findingKey(finding))) };
}

async function look(options: AuditOptions): Promise<Look> {
  const { repository, observations, engine } = options;
  const { store } = repository;
  const admins = await store.list<HostAdminRecord>(keys.hostAdmins);
  const removed = new Set(admins.filter(({ value }) => value.removed).map(({ value }) => value.host));
  const hosts = await repository.hosts();
  const asked = [...hosts.values()].filter(
    ({ host, roles }) => roles.includes('storage') && !removed.has(host),
  );
  const { inventories, unreachable } = await askHosts(options, asked);
  const [databases, volumes, ports, dropped, archives, workflows, hostAdmins] = await Promise.all([
    repository.databases(),
    repository.volumes(),
    store.list<{ readonly database: string }>(keys.ports),
    store.list<DroppedCopyRecord>(keys.droppedCopies),
    store.list(keys.archives),
    engine.list(),
    store.list<HostAdminRecord>(keys.hostAdmins),
  ]);
  const result = audit({
    databases: databases.map(({ value }) => value),
    volumes: volumes.map(({ value }) => value),
    hosts,
    hostAdmins: hostAdmins.map(({ value }) => value),
    ports: ports.map(({ key, value }) => ({
      port: Number(key.slice(keys.ports.length)),
      database: value.database,
    })),
    droppedCopies: dropped.map(({ value }) => value),
    archives: new Set(archives.map(({ key }) => key.slice(keys.archives.length))),
    workflows: workflows.map(auditedWorkflow),
    inventories,
    observed: observations.hosts,
  });
  return { ...result, unreachable };
}

async function askHosts(
  { agents, observations }: AuditOptions,
  hosts: readonly HostRecord[],
): Promise<{
  readonly inventories: ReadonlyMap<string, GetInventoryResponse>;
  readonly unreachable: readonly string[];
}> {
  const inventories = new Map<string, GetInventoryResponse>();
  const unreachable: string[] = [];
  await Promise.all(
    hosts.map(async ({ host }) => {
      try {
        if (!observations.isReachable(host)) throw new LockstepError('UNAVAILABLE', 'it is silent');
        const options = { deadlineMs: INVENTORY_MS };
        inventories.set(host, await agents.call(host, inventory.getInventory, {}, options));
      } catch {
        unreachable.push(host);
      }
    }),
  );
  return { inventories, unreachable: unreachable.sort() };
}

function auditedWorkflow(snapshot: WorkflowSnapshot): AuditWorkflow {
  const { record, state } = snapshot;
  return {
    id: record.id,
    target: record.target,
    standing: standingOf(snapshot),
    reason: reasonOf(snapshot),
    nextStep: nextStepOf(snapshot),
    words: wordsOf(state),
  };
}

function standingOf({ standing }: WorkflowSnapshot): AuditWorkflow['standing'] {
  if (standing.kind !== 'finished') return standing.kind === 'running' ? 'running' : 'stuck';
  const { kind } = standing.outcome;
  return kind === 'abandoned' ? 'undone' : kind;
}

function wordsOf(value: unknown, words = new Set<string>()): ReadonlySet<string> {
  if (typeof value === 'string') words.add(value);
  else if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) wordsOf(part, words);
  return words;
}

/** Of each finding that was mended: '' or why it was not. One call for all that the same mending takes away. */
async function mendAll(
  options: AuditOptions,
  findings: readonly Finding[],
): Promise<ReadonlyMap<string, string>> {
  const outcomes = new Map<string, Promise<string>>();
  const results = new Map<string, string>();
  for (const finding of findings) {
    if (finding.mending === undefined) continue;
    const key = JSON.stringify(finding.mending);
    const outcome = outcomes.get(key) ?? mendOne(options, finding.mending);
    outcomes.set(key, outcome);
    results.set(findingKey(finding), await outcome);
  }
  return results;
}

async function mendOne(options: AuditOptions, mending: Mending): Promise<string> {
  try {
    await mend(options, mending);
    options.log.warn({ ...mending }, 'the audit mended what no record and no operation accounts for');
    return '';
  } catch (error) {
    return messageOf(error);
  }
}

async function mend({ agents, repository }: AuditOptions, mending: Mending): Promise<void> {
  const options = { deadlineMs: MENDING_MS };
  switch (mending.kind) {
    case 'clear-traces':
      await agents.call(mending.host, inventory.clearTraces, { volume: mending.volume }, options);
      return;
    case 'delete-snapshot': {
      const { host, volume, snapshot } = mending;
      const fence = fenceOf((await repository.volume(volume))?.value);
      await agents.call(host, agent.deleteSnapshot, { fence, volume, snapshot }, options);
      return;
    }
    case 'delete-replica': {
      const { host, volume, generation } = mending;
      const { replica } = await agents.call(host, agent.getReplica, { volume }, options);
      if (replica?.state !== 'BLANK' || replica.consistentAt !== 0n)
        throw new LockstepError('FAILED_PRECONDITION', `it is ${replica?.state ?? 'gone'} by now`);
      const fence = { ...FENCE, generation: BigInt(generation) };
      await agents.call(host, agent.deleteReplica, { fence, volume }, options);
      return;
    }
    case 'release-database': {
      const failure = `operations/${mending.workflow}, which held it, is gone`;
      await repository.updateDatabase(mending.database, (record) =>
        record.busyWith === mending.workflow
          ? { ...record, busyWith: '', ...settled(record, failure) }
          : undefined,
      );
      return;
    }
    case 'release-host':
      return releaseHost(repository, mending);
    case 'free-port':
      return freePort(repository, mending);
  }
}

/** What was on its way somewhere is nowhere: a person has to see that. */
function settled({ lifecycle }: DatabaseRecord, failure: string): Partial<DatabaseRecord> {
  return lifecycle === 'active' || lifecycle === 'stopped' || lifecycle === 'deleted'
    ? {}
    : { lifecycle: 'failed', failure };
}

const fenceOf = (record: VolumeRecord | undefined): Fence => ({
  ...FENCE,
  generation: BigInt(record?.generation ?? 0),
});

async function releaseHost(
  { store }: Repository,
  { host, workflow }: Extract<Mending, { kind: 'release-host' }>,
): Promise<void> {
  const entry = await store.get<HostAdminRecord>(keys.hostAdmin(host));
  if (entry?.value.busyWith !== workflow) return;
  const { key, revision, value } = entry;
  await requireWritten(store.transact([{ key, revision }], [{ key, value: { ...value, busyWith: '' } }]));
}

async function freePort(
  { store }: Repository,
  { port, database }: Extract<Mending, { kind: 'free-port' }>,
): Promise<void> {
  const entry = await store.get<{ readonly database: string }>(keys.port(port));
  if (entry?.value.database !== database) return;
  const owner = await store.get(keys.database(database));
  const unchanged =
    owner === undefined
      ? { key: keys.database(database), absent: true as const }
      : { key: owner.key, revision: owner.revision };
  await requireWritten(
    store.transact(
      [{ key: entry.key, revision: entry.revision }, unchanged],
      [{ key: entry.key, deleted: true }],
    ),
  );
}

async function requireWritten(writing: ReturnType<Repository['store']['transact']>): Promise<void> {
  const result = await writing;
  if (!result.ok) throw new LockstepError('ABORTED', `${result.conflict} changed meanwhile; try again`);
}
