/**
 * The audit: what the records say compared with what is there, at one instant. Pure.
 *
 * What a running workflow works on is no orphan: it is half made, or half gone, and that workflow sees to it. So is
 * nothing on a host that could not be asked. Each finding says what a person can do; those that can be mended without a
 * loss carry the mending. A replica that was ever complete is never among them: nobody but a person knows that it is
 * needed no more.
 */
import { AuditKind } from '../../proto/gen/lockstep/v1/cluster_service.ts';
import type { GetInventoryResponse } from '../../proto/gen/lockstep/agent/v1/inventory.ts';
import { cloneSnapshotOf, isCloneSnapshot } from './clone-snapshot.ts';
import type { Observed, ObservedReplica } from './observation.ts';
import { findRecordFaults } from './audit-records.ts';
import type {
  DatabaseRecord,
  DroppedCopyRecord,
  HostAdminRecord,
  HostRecord,
  VolumeRecord,
} from './records.ts';

export interface AuditInput {
  readonly databases: readonly DatabaseRecord[];
  readonly volumes: readonly VolumeRecord[];
  readonly hosts: ReadonlyMap<string, HostRecord>;
  readonly hostAdmins: readonly HostAdminRecord[];
  readonly ports: readonly { readonly port: number; readonly database: string }[];
  readonly droppedCopies: readonly DroppedCopyRecord[];
  /** Volumes that are kept without a database. */
  readonly archives: ReadonlySet<string>;
  readonly workflows: readonly AuditWorkflow[];
  /** Of the hosts that answered. */
  readonly inventories: ReadonlyMap<string, GetInventoryResponse>;
  readonly observed: Observed;
}

export interface AuditWorkflow {
  readonly id: string;
  /** `stuck`: it waits for a person. `undone`: it ended without having done what it was for. */
  readonly standing: 'running' | 'done' | 'undone' | 'stuck';
  readonly target: string;
  readonly reason: string;
  readonly nextStep: string;
  /** Every word of its state: names of volumes and hosts among them. */
  readonly words: ReadonlySet<string>;
}

export type Mending =
  | { readonly kind: 'clear-traces'; readonly host: string; readonly volume: string }
  | {
      readonly kind: 'delete-snapshot';
      readonly host: string;
      readonly volume: string;
      readonly snapshot: string;
    }
  /** Of a copy that was never complete. */
  | {
      readonly kind: 'delete-replica';
      readonly host: string;
      readonly volume: string;
      readonly generation: number;
    }
  | { readonly kind: 'release-database'; readonly database: string; readonly workflow: string }
  | { readonly kind: 'release-host'; readonly host: string; readonly workflow: string }
  | { readonly kind: 'free-port'; readonly port: number; readonly database: string };

export interface Finding {
  readonly kind: AuditKind;
  /** Empty: in control's own records. */
  readonly host: string;
  readonly subject: string;
  readonly what: string;
  readonly nextStep: string;
  readonly mending?: Mending;
}

export interface AuditResult {
  readonly findings: readonly Finding[];
  /** How many things were looked at. */
  readonly checked: number;
}

/** The same finding in two looks, a moment apart, is one that stays. */
export const findingKey = ({ kind, host, subject }: Finding): string => `${String(kind)} ${host} ${subject}`;

const REPAIR = 'lockstep doctor --repair takes it away';

export function audit(input: AuditInput): AuditResult {
  const known = new Known(input);
  const onHosts = [...input.inventories].flatMap(([host, inventory]) => [
    ...replicasOf(known, host, inventory),
    ...snapshotsOf(known, host, inventory),
    ...cloneSnapshotsOf(known, host, inventory),
    ...tracesOf(known, host, inventory),
  ]);
  const missing = missingCopies(known);
  const findings = [...onHosts, ...missing, ...findRecordFaults(input, (volume) => known.isBusy(volume))];
  return { findings, checked: countOf(input) };
}

/** The records, by what is asked of them. */
class Known {
  readonly input: AuditInput;
  readonly #volumes: ReadonlyMap<string, VolumeRecord>;
  readonly #databases: ReadonlyMap<string, DatabaseRecord>;
  readonly #atWork: readonly AuditWorkflow[];

  constructor(input: AuditInput) {
    this.input = input;
    this.#volumes = new Map(input.volumes.map((record) => [record.volume, record]));
    this.#databases = new Map(input.databases.map((record) => [record.volume, record]));
    const holders = new Set(input.databases.map(({ busyWith }) => busyWith));
    this.#atWork = input.workflows.filter(
      ({ id, standing }) => standing === 'running' || (standing !== 'done' && holders.has(id)),
    );
  }

  volume(name: string): VolumeRecord | undefined {
    return this.#volumes.get(name);
  }

  /** Whether something is at work on it, or holds it half done: that is one finding, and not one for each trace. */
  isBusy(volume: string): boolean {
    const database = this.#databases.get(volume);
    const target = database === undefined ? undefined : `databases/${database.id}`;
    return this.#atWork.some((workflow) => workflow.target === target || workflow.words.has(volume));
  }

  dropped(host: string, volume: string): DroppedCopyRecord | undefined {
    return this.input.droppedCopies.find((copy) => copy.host === host && copy.volume === volume);
  }

  observed(host: string, volume: string): ObservedReplica | undefined {
    return this.input.observed.get(host)?.replicas.get(volume);
  }
}

function replicasOf(known: Known, host: string, { replicas }: GetInventoryResponse): readonly Finding[] {
  return replicas.flatMap((volume) => {
    const record = known.volume(volume);
    const isNamed = record?.replicas.includes(host) === true;
    if (isNamed || known.isBusy(volume)) return [];
    const observed = known.observed(host, volume);
    const dropped = known.dropped(host, volume);
    const refusal = dropped === undefined ? '' : refusalToDelete(dropped, record, observed);
    if (refusal === undefined) return [];
    const whose =
      record === undefined
        ? 'a copy of a volume that no record knows'
        : `a copy that the record of its volume, on ${record.replicas.join(' and ')}, does not name`;
    const what = whose + refusal;
    const about = { kind: AuditKind.AUDIT_KIND_REPLICA, host, subject: `volumes/${volume}` } as const;
    if (observed?.consistentAt === 0 && observed.state === 'BLANK') {
      const { generation } = observed;
      const mending = { kind: 'delete-replica', host, volume, generation } as const;
      return [{ ...about, what: `${what}; it was never complete`, nextStep: REPAIR, mending }];
    }
    return [{ ...about, what, nextStep: deleteCommand(known, { host, volume }, observed) }];
  });
}

/** Undefined: it is deleted by itself, once its host is heard (monitor/dropped-copies.ts has the fence). */
function refusalToDelete(
  { generation }: DroppedCopyRecord,
  record: VolumeRecord | undefined,
  observed: ObservedReplica | undefined,
): string | undefined {
  const fence = Math.max(generation, record?.generation ?? 0);
  if (observed === undefined || observed.generation <= fence) return undefined;
  const [theirs, ours] = [String(observed.generation), String(fence)];
  return `; it was dropped, but its host is at generation ${theirs}, and refuses what control asks at ${ours}`;
}

/** Nobody else than a person may: it may hold what nothing else holds. */
function deleteCommand(
  { input }: Known,
  { host, volume }: { readonly host: string; readonly volume: string },
  observed: ObservedReplica | undefined,
): string {
  const record = input.hosts.get(host);
  const address = record === undefined ? host : `${record.address}:${String(record.agentPort)}`;
  const fence = `"fence":{"generation":"${String(observed?.generation ?? 0)}"}`;
  return (
    'if nothing on it is needed, delete it: grpcurl -plaintext ' +
    `-d '{"volume":"${volume}",${fence}}' ${address} lockstep.agent.v1.AgentService/DeleteReplica`
  );
}

function snapshotsOf(known: Known, host: string, { snapshots }: GetInventoryResponse): readonly Finding[] {
  return snapshots
    .filter(({ volume, transient }) => transient && !known.isBusy(volume))
    .map(({ volume, snapshot }) => ({
      kind: AuditKind.AUDIT_KIND_SNAPSHOT,
      host,
      subject: `volumes/${volume}/snapshots/${snapshot}`,
      what: 'taken for a copy, and no copy of the volume is under way',
      nextStep: REPAIR,
      mending: { kind: 'delete-snapshot', host, volume, snapshot },
    }));
}

/** Its host was away when the clone dropped it. Left to a person, whose own it may be. */
function cloneSnapshotsOf(
  { input }: Known,
  host: string,
  { snapshots }: GetInventoryResponse,
): readonly Finding[] {
  const atWork = input.workflows.filter(({ standing }) => standing === 'running' || standing === 'stuck');
  const owned = new Set(atWork.map(({ id }) => cloneSnapshotOf(id)));
  return snapshots
    .filter(({ snapshot, transient }) => !transient && isCloneSnapshot(snapshot) && !owned.has(snapshot))
    .map(({ volume, snapshot }) => ({
      kind: AuditKind.AUDIT_KIND_SNAPSHOT,
      host,
      subject: `volumes/${volume}/snapshots/${snapshot}`,
      what: 'by its name it was taken for a clone, and no such clone is under way',
      nextStep: `unless somebody named it so, delete it: lockstep volume snapshot delete ${volume} ${snapshot} --host ${host}`,
    }));
}

interface Trace {
  readonly kind: AuditKind;
  readonly subject: string;
  readonly volume: string;
  readonly noun: string;
}

/** What uses a volume belongs on its primary alone, and of a volume that there is. */
function tracesOf(known: Known, host: string, inventory: GetInventoryResponse): readonly Finding[] {
  const traces: readonly Trace[] = [
    ...inventory.processes.map(({ name, pid, volume, alive }) => ({
      kind: AuditKind.AUDIT_KIND_PROCESS,
      subject: `${name} (pid ${String(pid)})`,
      volume,
      noun: alive ? 'a process' : 'the record of a process that has died,',
    })),
    ...inventory.mounts.map(({ mountPoint, volume }) => ({
      kind: AuditKind.AUDIT_KIND_MOUNT,
      subject: mountPoint,
      volume,
      noun: 'a mount',
    })),
    ...inventory.devices.map(({ device, volume }) => ({
      kind: AuditKind.AUDIT_KIND_DEVICE,
      subject: device === '' ? `attach/${volume}` : device,
      volume,
      noun: device === '' ? 'the remains of a device' : 'a device',
    })),
    ...inventory.records.map(({ volume }) => ({
      kind: AuditKind.AUDIT_KIND_ENGINE_RECORD,
      subject: `run/volumes/${volume}`,
      volume,
      noun: 'the record of an attach',
    })),
  ];
  return traces.flatMap((trace) => traceFinding(known, host, trace));
}

function traceFinding(
  known: Known,
  host: string,
  { kind, subject, volume, noun }: Trace,
): readonly Finding[] {
  if (volume === '')
    return [
      {
        kind,
        host,
        subject,
        what: `${noun} of the daemon's, and it cannot be told what volume it works on`,
        nextStep: 'look at it on the host, and end it there',
      },
    ];
  const record = known.volume(volume);
  if (record?.primary === host || known.isBusy(volume)) return [];
  const of =
    record === undefined
      ? `of volumes/${volume}, which no record knows`
      : `of volumes/${volume}, whose primary is ${record.primary || 'not chosen'}`;
  const mending = { kind: 'clear-traces', host, volume } as const;
  return [{ kind, host, subject, what: `${noun} ${of}`, nextStep: REPAIR, mending }];
}

/** A copy that is to be there and is not: of a host that was set up anew. */
function missingCopies(known: Known): readonly Finding[] {
  const { volumes, inventories } = known.input;
  return volumes.flatMap(({ volume, replicas, database }) =>
    replicas.flatMap((host) => {
      const inventory = inventories.get(host);
      if (inventory === undefined || inventory.replicas.includes(volume) || known.isBusy(volume)) return [];
      return [
        {
          kind: AuditKind.AUDIT_KIND_RECORD,
          host,
          subject: `volumes/${volume}`,
          what: 'the record names a copy here, and there is none',
          nextStep: `it is made anew by itself where the primary serves: lockstep database status ${database}`,
        },
      ];
    }),
  );
}

function countOf(input: AuditInput): number {
  const { databases, volumes, hostAdmins, ports, workflows, inventories } = input;
  const records = [databases, volumes, hostAdmins, ports, workflows];
  const found = [...inventories.values()].flatMap(
    ({ replicas, snapshots, processes, mounts, devices, records: kept }) => [
      replicas,
      snapshots,
      processes,
      mounts,
      devices,
      kept,
    ],
  );
  return [...records, ...found].reduce((sum, list) => sum + list.length, 0);
}
