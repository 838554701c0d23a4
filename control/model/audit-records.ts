/** The part of the audit that looks at control's own records: which of them contradict each other. Pure. */
import { AuditKind } from '../../proto/gen/lockstep/v1/cluster_service.ts';
import type { AuditInput, AuditWorkflow, Finding } from './audit.ts';
import type { DatabaseRecord } from './records.ts';

const REPAIR = 'lockstep doctor --repair mends it';
const RECORD = { kind: AuditKind.AUDIT_KIND_RECORD, host: '' } as const;

export function findRecordFaults(input: AuditInput, isBusy: (volume: string) => boolean): readonly Finding[] {
  return [
    ...volumesOfNobody(input, isBusy),
    ...input.databases.flatMap((database) => databaseFaults(input, database, isBusy(database.volume))),
    ...portsOfNobody(input),
    ...hostHolds(input),
    ...input.workflows.filter(({ standing }) => standing === 'stuck').map(stuckFinding),
  ];
}

function volumesOfNobody(
  { volumes, databases, archives }: AuditInput,
  isBusy: (volume: string) => boolean,
): readonly Finding[] {
  const owned = new Set(databases.map(({ volume }) => volume));
  return volumes
    .filter(({ volume }) => !owned.has(volume) && !archives.has(volume) && !isBusy(volume))
    .map(({ volume, database, replicas }) => ({
      ...RECORD,
      subject: `volumes/${volume}`,
      what: `a volume on ${replicas.join(' and ') || 'no host'} whose database, ${database}, is not there or has another one`,
      nextStep:
        'its copies may hold what is needed: docs/workflows.md says how to look at them and delete them',
    }));
}

function databaseFaults(input: AuditInput, database: DatabaseRecord, isBusy: boolean): readonly Finding[] {
  const subject = `databases/${database.id}`;
  const hold = holdFault(input, database);
  if (isBusy) return hold;
  const volume = input.volumes.find((record) => record.volume === database.volume);
  if (volume === undefined)
    return [
      ...hold,
      {
        ...RECORD,
        subject,
        what: `its volume, volumes/${database.volume}, has no record`,
        nextStep: `delete it: lockstep database delete ${database.id}`,
      },
    ];
  const port = input.ports.find((held) => held.port === database.port);
  const portFault =
    database.port === 0 || port?.database === database.id
      ? []
      : [
          {
            ...RECORD,
            subject: `${subject} port`,
            what: `its port ${String(database.port)} is held by ${port === undefined ? 'nobody' : `databases/${port.database}`}`,
            nextStep: 'another database may be given that port: move this one to a clone of it',
          },
        ];
  const aliasFault =
    database.aliasHost === '' || volume.replicas.includes(database.aliasHost)
      ? []
      : [
          {
            kind: AuditKind.AUDIT_KIND_ALIAS,
            host: '',
            subject,
            what: `its alias names ${database.aliasHost}, which has no copy of it`,
            nextStep: 'it moves by itself once the primary serves; if it does not, fail over or delete it',
          },
        ];
  return [...hold, ...portFault, ...aliasFault];
}

function holdFault({ workflows }: AuditInput, database: DatabaseRecord): readonly Finding[] {
  const { id, busyWith, lifecycle, failure } = database;
  if (busyWith === '') return [];
  const subject = `databases/${id}`;
  const holder = workflows.find((workflow) => workflow.id === busyWith);
  if (holder?.standing === 'running' || holder?.standing === 'stuck') return [];
  // Kept on purpose: nothing may bring up what was left half done.
  if (holder?.standing === 'undone' && lifecycle === 'failed')
    return [
      {
        kind: AuditKind.AUDIT_KIND_WORKFLOW,
        host: '',
        subject,
        what: `operations/${busyWith} left it half done: ${failure}`,
        nextStep: `do it again, or delete it: lockstep database delete ${id}`,
      },
    ];
  return [
    {
      ...RECORD,
      subject: `${subject} hold`,
      what: `it is held by operations/${busyWith}, ${goneOr(holder)}`,
      nextStep: REPAIR,
      mending: { kind: 'release-database', database: id, workflow: busyWith },
    },
  ];
}

const goneOr = (holder: AuditWorkflow | undefined): string =>
  holder === undefined ? 'which is not there' : 'which has ended';

function portsOfNobody({ ports, databases }: AuditInput): readonly Finding[] {
  return ports
    .filter(
      ({ port, database }) => !databases.some((record) => record.id === database && record.port === port),
    )
    .map(({ port, database }) => ({
      ...RECORD,
      subject: `ports/${String(port)}`,
      what: `held for databases/${database}, which is not there or has another one`,
      nextStep: REPAIR,
      mending: { kind: 'free-port', port, database },
    }));
}

function hostHolds({ hostAdmins, workflows }: AuditInput): readonly Finding[] {
  return hostAdmins.flatMap(({ host, busyWith }) => {
    if (busyWith === '') return [];
    const holder = workflows.find((workflow) => workflow.id === busyWith);
    if (holder?.standing === 'running' || holder?.standing === 'stuck') return [];
    return [
      {
        ...RECORD,
        subject: `hosts/${host} hold`,
        what: `it is held by operations/${busyWith}, ${goneOr(holder)}`,
        nextStep: REPAIR,
        mending: { kind: 'release-host', host, workflow: busyWith },
      },
    ];
  });
}

const stuckFinding = ({ id, target, reason, nextStep }: AuditWorkflow): Finding => ({
  kind: AuditKind.AUDIT_KIND_WORKFLOW,
  host: '',
  subject: `operations/${id}`,
  what: `it waits for a person, on ${target || 'what cannot be told'}: ${reason}`,
  nextStep,
});
