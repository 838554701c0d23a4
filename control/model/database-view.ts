/**
 * A database as the public API shows it, from the records and from what hosts said lately. Pure.
 *
 * The rule of this file is that it never lies: IN_SYNC is said only while both hosts are heard and agree that it is
 * so at the record's generation; one copy is never called healthy; "safe to fail over" means that the monitor would.
 */
import {
  type Database,
  DatabaseState,
  type Endpoint,
  Redundancy,
  RedundancyMode,
  type Replica,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { type CopyPlans, lostCopies, secondCopy } from '../monitor/replace.ts';
import { NO_ENGINE } from './engines.ts';
import { copyRuns, type Observed, type ObservedReplica, silenceOf } from './observation.ts';
import type { DatabaseRecord, HostRecord, VolumeRecord } from './records.ts';

export interface RunningOperation {
  readonly id: string;
  readonly type: string;
  /** Title and progress of the step that runs, for people. */
  readonly doing: string;
}

export interface DatabaseFacts {
  readonly database: DatabaseRecord;
  readonly databaseRevision: number;
  readonly volume: VolumeRecord | undefined;
  readonly hostRecords: ReadonlyMap<string, HostRecord>;
  readonly observed: Observed;
  /** The operation that holds the database, if it has not finished. */
  readonly operation: RunningOperation | undefined;
  readonly dns: { readonly zone: string; readonly server: string };
  readonly silenceMs: number;
  readonly controlUpSinceMs: number;
  readonly nowMs: number;
  /** Where copies could go; absent where none is missing. */
  readonly plans?: CopyPlans;
}

/** What is said of one aspect: the value, one sentence why, and what a person should do (empty: nothing). */
interface Verdict<Value> {
  readonly value: Value;
  readonly reason: string;
  readonly nextStep: string;
}

export function viewDatabase(facts: DatabaseFacts): Database {
  const { database, volume } = facts;
  const redundancy = redundancyOf(facts);
  const state = stateOf(facts);
  const primary = lookAt(facts, volume?.primary ?? '');
  const copy = primary.replica?.copy;
  return {
    name: `databases/${database.id}`,
    uid: database.uid,
    etag: etagOf(facts.databaseRevision, volume),
    createTime: new Date(database.createTimeMs),
    engine: database.engine,
    engineVersion: database.engineVersion,
    sizeBytes: BigInt(database.sizeBytes),
    state: state.value,
    redundancy: redundancy.value,
    reason: [state.reason, redundancy.reason].filter((text) => text !== '').join('; '),
    nextStep: state.nextStep === '' ? redundancy.nextStep : state.nextStep,
    safeToFailOver: whyNotSafe(facts) === undefined,
    primary:
      volume === undefined || volume.primary === '' ? undefined : replicaMessage(facts, volume.primary),
    secondary: secondaryOf(facts),
    generation: BigInt(volume?.generation ?? 0),
    lagBytes: BigInt(
      redundancy.value === Redundancy.REDUNDANCY_IN_SYNC ? 0 : (primary.replica?.lagBytes ?? 0),
    ),
    copyLeftBytes: BigInt(copyRuns(copy) ? copy.leftBytes : 0),
    copyBytesPerSecond: BigInt(copyRuns(copy) ? copy.bytesPerSecond : 0),
    endpoint: endpointOf(facts),
    busyWith: facts.operation === undefined ? '' : `operations/${facts.operation.id}`,
    passwordUnclaimed: database.unclaimedPassword !== '',
    tags: { ...database.tags },
    parameters: { ...database.parameters },
    parametersPendingRestart: [...database.pendingRestart],
    deletionProtection: database.deletionProtection,
    redundancyMode:
      database.copies === 1
        ? RedundancyMode.REDUNDANCY_MODE_SINGLE
        : RedundancyMode.REDUNDANCY_MODE_REPLICATED,
    volume: `volumes/${database.volume}`,
    deleteTime: timeOf(database.deleteTimeMs),
    expireTime: timeOf(database.expireTimeMs),
    finalSnapshot:
      database.finalSnapshot === '' ? '' : `volumes/${database.volume}/snapshots/${database.finalSnapshot}`,
  };
}

const timeOf = (timeMs: number): Date | undefined => (timeMs === 0 ? undefined : new Date(timeMs));

/** Changes whenever what a writer could have based its decision on changes. */
export function etagOf(databaseRevision: number, volume: VolumeRecord | undefined): string {
  return `${String(databaseRevision)}.${String(volume?.generation ?? 0)}`;
}

/** An engine runs, or is to run. */
const IN_USE: ReadonlySet<string> = new Set(['creating', 'active', 'failing-over', 'failed', 'deleting']);
/** Nothing else goes on with it, so that what is missing is told of, with what to do. */
const SETTLED: ReadonlySet<string> = new Set(['active', 'stopped']);

/** Why a failover asked for now would be refused; undefined when it is safe: nothing acknowledged would be lost. */
export function whyNotSafe(facts: DatabaseFacts): string | undefined {
  const { database, volume } = facts;
  if (volume === undefined || database.lifecycle === 'creating') return 'the database is not created yet';
  if (database.lifecycle === 'deleting') return 'the database is being deleted';
  if (!IN_USE.has(database.lifecycle))
    return `the database is ${database.lifecycle}, so there is nothing to move`;
  const candidates = volume.inSync.filter((host) => host !== volume.primary);
  if (candidates.length === 0) return `${volume.primary} alone holds every acknowledged write`;
  if (safeSuccessor(facts) !== undefined) return undefined;
  return candidates.map((candidate) => whyNotReady(facts, volume, candidate) ?? '').join('; ');
}

/** Who would take over, were a failover asked for now; undefined where nobody can. */
export function safeSuccessor(facts: DatabaseFacts): string | undefined {
  const { volume } = facts;
  return volume?.inSync.find(
    (host) => host !== volume.primary && whyNotReady(facts, volume, host) === undefined,
  );
}

function whyNotReady(facts: DatabaseFacts, volume: VolumeRecord, candidate: string): string | undefined {
  const { reachable, replica } = lookAt(facts, candidate);
  if (!reachable) return `${candidate} cannot be reached`;
  if (replica === undefined) return `${candidate} reports no replica of the volume`;
  if (replica.state !== 'SECONDARY' || replica.generation !== volume.generation)
    return `${candidate} is ${replica.state} at generation ${String(replica.generation)}`;
  if (replica.hostRebooted)
    return `the machine of ${candidate} was restarted and may lack acknowledged writes`;
  return undefined;
}

/** Why nobody can be copied from now; undefined while the primary does I/O at the record's generation. */
export function whyNotServed(facts: DatabaseFacts): string | undefined {
  const { volume } = facts;
  if (volume === undefined) return 'its volume has no record';
  const { reachable, replica, silence } = lookAt(facts, volume.primary);
  if (!reachable) return `the primary ${volume.primary} ${silence}`;
  if (replica === undefined) return `host ${volume.primary} reports no replica`;
  return isServing(replica, volume) ? undefined : `the primary's replica is ${replica.state}`;
}

/** One behind is a primary whose own proposal was granted since its last heartbeat: it serves all the same. */
function isServing({ state, generation }: ObservedReplica, volume: VolumeRecord): boolean {
  const isCurrent = generation === volume.generation || generation === volume.generation - 1;
  return isCurrent && (state === 'SERVING' || state === 'SOLO');
}

function stateOf(facts: DatabaseFacts): Verdict<DatabaseState> {
  const { database } = facts;
  const doing = facts.operation?.doing ?? '';
  switch (database.lifecycle) {
    case 'creating':
      return said(
        DatabaseState.DATABASE_STATE_CREATING,
        `it is being created${doing === '' ? '' : `: ${doing}`}`,
      );
    case 'deleting':
      return said(
        DatabaseState.DATABASE_STATE_DELETING,
        `it is being deleted${doing === '' ? '' : `: ${doing}`}${database.failure === '' ? '' : `; ${database.failure}`}`,
      );
    case 'failing-over':
      return said(
        DatabaseState.DATABASE_STATE_FAILING_OVER,
        `it fails over${doing === '' ? '' : `: ${doing}`}`,
      );
    case 'failed':
      return said(
        DatabaseState.DATABASE_STATE_FAILED,
        database.failure,
        'see its events, mend what the reason names, then delete it or wait: what can be tried again is tried again',
      );
    case 'stopping':
      return said(
        DatabaseState.DATABASE_STATE_STOPPING,
        `it is being stopped${doing === '' ? '' : `: ${doing}`}`,
      );
    case 'stopped':
      return said(
        DatabaseState.DATABASE_STATE_STOPPED,
        'a person stopped it',
        `to use it: lockstep database start ${database.id}`,
      );
    case 'starting':
      return said(
        DatabaseState.DATABASE_STATE_STARTING,
        `it is being started${doing === '' ? '' : `: ${doing}`}`,
      );
    case 'deleted':
      return said(
        DatabaseState.DATABASE_STATE_DELETED,
        `it was deleted, and is kept until ${new Date(database.expireTimeMs).toISOString()}`,
        `to have it back: lockstep database undelete ${database.id}`,
      );
    case 'active':
      return servingState(facts);
  }
}

function servingState(facts: DatabaseFacts): Verdict<DatabaseState> {
  const { volume } = facts;
  const unavailable = (reason: string, nextStep: string): Verdict<DatabaseState> =>
    said(DatabaseState.DATABASE_STATE_UNAVAILABLE, reason, nextStep);
  if (volume === undefined) return unavailable('its volume has no record', 'restore the control store');
  const { reachable, replica, silence, engineState } = lookAt(facts, volume.primary);
  if (!reachable) {
    const refusal = whyNotSafe(facts);
    const what = `the primary ${volume.primary} ${silence}`;
    return refusal === undefined
      ? unavailable(`${what}; a failover follows`, 'nothing; watch the failover')
      : unavailable(`${what}, and ${refusal}`, `bring ${volume.primary} back`);
  }
  if (replica === undefined)
    return unavailable(
      `host ${volume.primary} reports no replica`,
      `look at the log of host ${volume.primary}`,
    );
  if (!isServing(replica, volume))
    return unavailable(
      `the primary's replica is ${replica.state}${replica.reason === '' ? '' : `: ${replica.reason}`}`,
      'wait; if it stays so, look at the hosts below and bring back those that are not reachable',
    );
  if (engineState !== 'RUNNING' && facts.operation?.type === 'reboot-database')
    return unavailable(`it is being rebooted: ${facts.operation.doing}`, 'nothing; wait for it');
  if (engineState !== 'RUNNING')
    return unavailable(
      `the engine on ${volume.primary} is ${engineState}`,
      'wait for it to be started; if it stays so, see the events and the log of the engine',
    );
  if (facts.database.aliasHost !== volume.primary)
    return unavailable('the alias does not name the primary yet', 'wait for it to be moved');
  return said(DatabaseState.DATABASE_STATE_ACTIVE, '');
}

function redundancyOf(facts: DatabaseFacts): Verdict<Redundancy> {
  const { database, volume, operation } = facts;
  const disagreement = volume === undefined ? 'no copy exists yet' : whyNotInSync(facts, volume);
  if (disagreement === undefined) return said(Redundancy.REDUNDANCY_IN_SYNC, inSyncReason(facts));
  const copy = lookAt(facts, volume?.primary ?? '').replica?.copy;
  // Two hosts in the set and a broken agreement is not a copy under way, even where an old one is still reported.
  const isWanted = copyRuns(copy) && volume?.inSync.length === 1 && volume.replicas.includes(copy.target);
  const target = isWanted ? copy.target : undefined;
  const where = target === undefined ? '' : ` on ${target}`;
  if (database.lifecycle === 'creating' && database.copies === 1)
    return said(Redundancy.REDUNDANCY_NONE, 'it is made with one copy');
  if (database.lifecycle === 'creating' || operation?.type === 'convert-redundancy')
    return said(
      Redundancy.REDUNDANCY_SEEDING,
      target === undefined ? 'one copy so far' : `the second copy is made${where}`,
    );
  if (operation?.type === 'replace-replica' && volume?.inSync.length === 1)
    return said(Redundancy.REDUNDANCY_RESYNCING, `one copy only while another is made anew${where}`);
  if (database.lifecycle !== 'deleting' && (target !== undefined || operation?.type === 'reseed'))
    return said(
      Redundancy.REDUNDANCY_RESYNCING,
      `one copy only while ${target ?? 'the other'} is brought up to date`,
    );
  const isSingle = volume?.replicas.length === 1;
  if (database.lifecycle !== 'deleting' && isSingle && database.copies === 1)
    return said(Redundancy.REDUNDANCY_NONE, `one copy was asked for; it is on ${volume.primary}`);
  return said(
    Redundancy.REDUNDANCY_DEGRADED,
    `one copy only that can be relied on: ${isSingle ? 'the second one is still to be made' : disagreement}`,
    SETTLED.has(database.lifecycle) ? adviceFor(facts, volume) : '',
  );
}

function inSyncReason({ volume, operation }: DatabaseFacts): string {
  const reason = 'both zones hold every acknowledged write';
  if (operation?.type !== 'replace-replica') return reason;
  const others = (volume?.replicas ?? []).filter((host) => host !== volume?.primary);
  return `${reason}; a copy moves (${others.join(', ')})`;
}

/** Undefined only when records and both hosts agree that both copies hold every acknowledged write. */
function whyNotInSync(facts: DatabaseFacts, volume: VolumeRecord): string | undefined {
  const secondaries = volume.inSync.filter((host) => host !== volume.primary);
  if (!volume.inSync.includes(volume.primary) || secondaries.length === 0)
    return `${missingHosts(volume)} not in sync`;
  const primary = whyNotAgreed(facts, volume, volume.primary);
  if (primary !== undefined) return primary;
  // Of three members one that agrees is enough: it holds every acknowledged write.
  const refusals = secondaries.map((host) => whyNotAgreed(facts, volume, host));
  return refusals.includes(undefined) ? undefined : refusals[0];
}

function whyNotAgreed(facts: DatabaseFacts, volume: VolumeRecord, host: string): string | undefined {
  const { reachable, replica, silence } = lookAt(facts, host);
  const expected = host === volume.primary ? 'SERVING' : 'SECONDARY';
  if (!reachable) return `${host} ${silence}`;
  if (replica === undefined) return `${host} reports no replica`;
  if (replica.state !== expected) return `${host} is ${replica.state}`;
  if (replica.generation !== volume.generation)
    return `${host} stands at generation ${String(replica.generation)}, the record at ${String(volume.generation)}`;
  if (replica.hostRebooted)
    return `the machine of ${host} was restarted and may have lost what it had not flushed`;
  return replica.peerConnected ? undefined : `${host} is not connected to its peer`;
}

function missingHosts(volume: VolumeRecord): string {
  const missing = volume.replicas.filter((host) => !volume.inSync.includes(host));
  return missing.length === 0
    ? 'another host is'
    : `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'}`;
}

function adviceFor(facts: DatabaseFacts, volume: VolumeRecord | undefined): string {
  if (volume === undefined) return 'restore the control store';
  const { plans } = facts;
  if (volume.replicas.length === 1) {
    const choice = plans === undefined ? undefined : secondCopy(volume, plans);
    return choice?.ok === false
      ? `make room for a second copy: ${choice.message}`
      : 'nothing; a second copy follows';
  }
  const silent = volume.replicas.filter((host) => !lookAt(facts, host).reachable);
  if (silent.length === 0) return 'nothing; a reseed follows by itself';
  const back = `bring ${silent.join(', ')} back; it is then brought up to date by itself`;
  const [lost] =
    plans === undefined ? [] : lostCopies({ ...facts, record: volume, hosts: facts.observed }, plans);
  if (lost === undefined) return back;
  const { successor, dueInMs } = lost;
  if (!successor.ok) return `${back}; no other host can take its copy: ${successor.message}`;
  const when = dueInMs === 0 ? 'soon' : `in ${String(Math.ceil(dueInMs / 1000))} s`;
  return `${back}; else ${successor.host.host} gets its copy ${when}`;
}

interface Look {
  readonly reachable: boolean;
  readonly silence: string;
  readonly replica: ObservedReplica | undefined;
  readonly engineState: string;
}

function lookAt(facts: DatabaseFacts, host: string): Look {
  const observation = facts.observed.get(host);
  const silenceMs = silenceOf(observation, facts.controlUpSinceMs, facts.nowMs);
  const engine = observation?.engines.find((candidate) => candidate.volume === facts.database.volume);
  return {
    reachable: observation !== undefined && silenceMs < facts.silenceMs,
    silence:
      observation === undefined
        ? 'has not been heard since control started'
        : `has been silent for ${(silenceMs / 1000).toFixed(1)} s`,
    replica: observation?.replicas.get(facts.database.volume),
    engineState: facts.database.engine === NO_ENGINE ? 'RUNNING' : (engine?.state ?? 'not running'),
  };
}

function secondaryOf(facts: DatabaseFacts): Replica | undefined {
  const { volume } = facts;
  if (volume === undefined || volume.primary === '') return undefined;
  const others = volume.replicas.filter((host) => host !== volume.primary);
  const copy = lookAt(facts, volume.primary).replica?.copy;
  const host =
    others.find((candidate) => volume.inSync.includes(candidate)) ??
    others.find((candidate) => copyRuns(copy) && candidate === copy.target) ??
    others[0];
  if (host === undefined) return undefined;
  // Before its replica exists there is nothing to show; afterwards a silent host is shown as such.
  const exists = lookAt(facts, host).replica !== undefined || facts.database.lifecycle !== 'creating';
  return exists ? replicaMessage(facts, host) : undefined;
}

function replicaMessage(facts: DatabaseFacts, host: string): Replica {
  const { reachable, replica } = lookAt(facts, host);
  return {
    host,
    zone: facts.hostRecords.get(host)?.zone ?? '',
    role: !reachable ? 'UNREACHABLE' : (replica?.state ?? 'NONE'),
    generation: BigInt(replica?.generation ?? 0),
    reachable,
  };
}

function endpointOf(facts: DatabaseFacts): Endpoint {
  const { database, volume, dns, hostRecords } = facts;
  const address = (host: string): string => hostRecords.get(host)?.address ?? '';
  const primaryFirst = [...(volume?.replicas ?? [])].sort(
    (a, b) => Number(b === volume?.primary) - Number(a === volume?.primary),
  );
  return {
    alias: `${database.id}.${dns.zone}`,
    port: database.port,
    user: database.user,
    database: database.engineDatabase,
    // As the responder answers: an alias whose host is no longer the primary names nobody.
    address:
      database.aliasHost !== '' && database.aliasHost === volume?.primary ? address(database.aliasHost) : '',
    multiHost: primaryFirst.map((host) => `${address(host)}:${String(database.port)}`).join(','),
    dnsServer: dns.server,
  };
}

function said<Value>(value: Value, reason: string, nextStep = ''): Verdict<Value> {
  return { value, reason, nextStep };
}
