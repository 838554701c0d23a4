/**
 * The JSON of `-o json`: a contract with people's scripts. Every key is always there (null where there is nothing),
 * names are camelCase, times are ISO 8601 in UTC, states are the words of the API without their prefix, and integers
 * are numbers as long as a number holds them exactly, else strings.
 */
import type { ClusterStatus } from '../../proto/gen/lockstep/v1/cluster_service.ts';
import type { Database, Endpoint, Replica, Task } from '../../proto/gen/lockstep/v1/database_service.ts';
import type { Event } from '../../proto/gen/lockstep/v1/event_service.ts';
import type { Host } from '../../proto/gen/lockstep/v1/host_service.ts';
import { databaseId, hostId } from '../resource-names.ts';
import { type Operation, operationOf } from '../operations.ts';
import { redundancyModeName, redundancyName, stateName, taskStateName } from './names.ts';
import { verdictOf } from './verdict.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export function jsonText(value: Json): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function statusJson(server: string, status: ClusterStatus): Json {
  const verdict = verdictOf(status);
  return {
    server,
    time: time(status.time),
    healthy: verdict.level === 'good',
    verdict: { level: verdict.level, headline: verdict.headline },
    findings: verdict.findings.map(({ level, subject, meaning, advice }) => ({
      level,
      subject,
      meaning,
      advice,
    })),
    databases: status.databases.map(databaseJson),
    hosts: status.hosts.map(hostJson),
    operations: status.operations.map((raw) => operationJson(operationOf(raw))),
  };
}

export function databaseJson(database: Database): Json {
  return {
    name: database.name,
    id: databaseId(database.name),
    uid: database.uid,
    etag: database.etag,
    createTime: time(database.createTime),
    engine: database.engine,
    engineVersion: database.engineVersion,
    sizeBytes: integer(database.sizeBytes),
    state: stateName(database.state),
    redundancy: redundancyName(database.redundancy),
    reason: database.reason,
    nextStep: database.nextStep,
    safeToFailOver: database.safeToFailOver,
    primary: replicaJson(database.primary),
    secondary: replicaJson(database.secondary),
    generation: integer(database.generation),
    lagBytes: integer(database.lagBytes),
    copyLeftBytes: integer(database.copyLeftBytes),
    copyBytesPerSecond: integer(database.copyBytesPerSecond),
    endpoint: endpointJson(database.endpoint),
    busyWith: orNull(database.busyWith),
    passwordUnclaimed: database.passwordUnclaimed,
    tags: { ...database.tags },
    parameters: { ...database.parameters },
    parametersPendingRestart: [...database.parametersPendingRestart],
    deletionProtection: database.deletionProtection,
    redundancyMode: redundancyModeName(database.redundancyMode),
    volume: orNull(database.volume),
    deleteTime: time(database.deleteTime),
    expireTime: time(database.expireTime),
    finalSnapshot: orNull(database.finalSnapshot),
  };
}

function replicaJson(replica: Replica | undefined): Json {
  if (replica === undefined) return null;
  return {
    host: hostId(replica.host),
    zone: replica.zone,
    role: replica.role,
    generation: integer(replica.generation),
    reachable: replica.reachable,
  };
}

function endpointJson(endpoint: Endpoint | undefined): Json {
  if (endpoint === undefined) return null;
  const { alias, port, user, database, address, multiHost, dnsServer } = endpoint;
  return { alias, port, user, database, address: address === '' ? null : address, multiHost, dnsServer };
}

export function hostJson(host: Host): Json {
  return {
    name: host.name,
    id: hostId(host.name),
    zone: host.zone === '' ? null : host.zone,
    address: host.address,
    roles: [...host.roles],
    reachable: host.reachable,
    silenceMs: host.silenceMs,
    capacityBytes: integer(host.capacityBytes),
    availableBytes: integer(host.availableBytes),
    version: host.version,
    metrics: host.metrics,
    cordoned: host.cordoned,
    cordonReason: orNull(host.cordonReason),
    primaries: host.primaries.map(databaseId),
    secondaries: host.secondaries.map(databaseId),
    placedBytes: integer(host.placedBytes),
    awaited: host.awaited,
    registerTime: time(host.registerTime),
    etag: orNull(host.etag),
    busyWith: orNull(host.busyWith),
  };
}

export function operationJson(operation: Operation): Json {
  const { metadata, outcome } = operation;
  return {
    name: operation.name,
    workflow: metadata.workflow,
    target: metadata.target,
    createTime: time(metadata.createTime),
    endTime: time(metadata.endTime),
    state: outcome.kind.toUpperCase(),
    error:
      outcome.kind === 'failed'
        ? { code: outcome.error.code, reason: outcome.error.reason, message: outcome.error.message }
        : null,
    database:
      outcome.kind === 'succeeded' && outcome.database !== undefined ? databaseJson(outcome.database) : null,
    tasks: metadata.tasks.map(taskJson),
  };
}

export function taskJson(task: Task): Json {
  return {
    name: task.name,
    title: task.title,
    state: taskStateName(task.state),
    startTime: time(task.startTime),
    endTime: time(task.endTime),
    progress: task.progress,
    percent: task.percent,
    error: task.error === '' ? null : task.error,
    attempts: task.attempts,
  };
}

export function eventJson(event: Event): Json {
  return {
    name: event.name,
    time: time(event.time),
    reason: event.reason,
    message: event.message,
    generation: integer(event.generation),
    phases: event.phases.map(({ phase, durationMs }) => ({ phase, durationMs })),
    operation: orNull(event.operation),
  };
}

/** The API says with an empty text that there is nothing. */
export function orNull(text: string): string | null {
  return text === '' ? null : text;
}

export function time(value: Date | undefined): string | null {
  return value === undefined ? null : value.toISOString();
}

export function integer(value: bigint): number | string {
  const asNumber = Number(value);
  return Number.isSafeInteger(asNumber) ? asNumber : String(value);
}
