/** CoordinatorService: what hosts tell control, and the records that control answers with. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { isIPv4 } from 'node:net';
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type {
  CoordinatorServiceServer,
  HeartbeatRequest,
  HeartbeatResponse,
  ProposeViewRequest,
  ProposeViewResponse,
  ReplicaStatus,
} from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { type HostAdminRecord, type HostRecord, keys, type VolumeRecord } from '../model/records.ts';
import { newestView, whyBehind, whyTooEarly } from '../monitor/catch-up.ts';
import type { Observations } from '../monitor/observations.ts';
import { answerProposal, isKnownRebooted, type Proposal, type ProposalAnswer } from '../monitor/propose.ts';
import type { Timeline } from '../monitor/timeline.ts';
import { conditionOf, type NewEvent, type Repository, viewOf } from '../repository.ts';
import type { Entry } from '../store/store.ts';
import { DNS_LABEL, DNS_LABEL_ALLOWED } from './fields.ts';

/** What loses the race this often is told so and asks again. */
const MAX_CONFLICTS = 10;

export interface CoordinatorOptions {
  readonly repository: Repository;
  readonly observations: Observations;
  readonly timeline: Timeline;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly log: Log;
}

export function coordinatorService(
  options: CoordinatorOptions,
): CoordinatorServiceServer & UntypedServiceImplementation {
  return {
    heartbeat: unary(options.log, (request: HeartbeatRequest) => heartbeat(options, request)),
    proposeView: unary(options.log, (request: ProposeViewRequest) => proposeView(options, request)),
  };
}

async function heartbeat(options: CoordinatorOptions, request: HeartbeatRequest): Promise<HeartbeatResponse> {
  if (!DNS_LABEL.test(request.host)) throw invalidField('host', request.host, DNS_LABEL_ALLOWED);
  if (!isIPv4(request.address)) throw invalidField('address', request.address, 'an IPv4 address');
  // First of all: what the monitor decides as soon as this host is heard must know it.
  const [admin] = await Promise.all([
    options.repository.hostAdmin(request.host),
    options.timeline.hear(request.host, request.store),
  ]);
  checkWanted(admin.value, request);
  options.observations.hear(request);
  const known = await recordsOf(options.repository);
  const changed = [await remember(options.repository, request, known.hosts, admin)];
  for (const status of request.replicas) changed.push(await adopt(options, status, known.volumes));
  await options.timeline.settle();
  const { hosts, volumes } = changed.includes(true) ? await recordsOf(options.repository) : known;
  const addresses = new Map(hosts.map(({ value }) => [value.host, value]));
  const reported = new Set(request.replicas.map((replica) => replica.volume));
  // A replica that the record no longer names is told so as well: it learns that it serves nobody.
  const concerns = ({ replicas, volume }: VolumeRecord): boolean =>
    replicas.includes(request.host) || reported.has(volume);
  return {
    views: volumes.filter(({ value }) => concerns(value)).map(({ value }) => viewOf(value, addresses)),
    store: options.timeline.position,
  };
}

/** What people decided about the host goes before what it says of itself. */
function checkWanted(admin: HostAdminRecord, { host, zone, address }: HeartbeatRequest): void {
  const refuse = (reason: string, message: string, next: string): LockstepError =>
    new LockstepError('FAILED_PRECONDITION', message, {
      reason,
      metadata: { subject: `hosts/${host}`, next },
    });
  if (admin.removed)
    throw refuse(
      'HOST_REMOVED',
      `hosts/${host} was removed`,
      `to have it back: lockstep host register ${host} --zone ${zone}`,
    );
  const again = `correct the configuration of ${host}, or: lockstep host remove ${host}, then register it again`;
  if (admin.zone !== '' && admin.zone !== zone)
    throw refuse(
      'HOST_ZONE_DIFFERS',
      `hosts/${host} is registered for zone ${admin.zone}, not ${zone}`,
      again,
    );
  if (admin.address !== '' && admin.address !== address)
    throw refuse(
      'HOST_ADDRESS_DIFFERS',
      `hosts/${host} is registered for the address ${admin.address}, not ${address}`,
      again,
    );
}

interface Records {
  readonly hosts: readonly Entry<HostRecord>[];
  readonly volumes: readonly Entry<VolumeRecord>[];
}

/** Read once: each wait for the store is a way through other threads, which on a busy machine takes milliseconds. */
async function recordsOf(repository: Repository): Promise<Records> {
  const [hosts, volumes] = await Promise.all([repository.hostEntries(), repository.volumes()]);
  return { hosts, volumes };
}

/**
 * Written only when a fact has changed: four heartbeats a second must not be four synced writes a second. Answers
 * whether it was.
 */
async function remember(
  repository: Repository,
  request: HeartbeatRequest,
  hosts: Records['hosts'],
  admin: Entry<HostAdminRecord>,
): Promise<boolean> {
  const facts: HostRecord = {
    host: request.host,
    zone: request.zone,
    address: request.address,
    agentPort: request.agentPort,
    replicationPort: request.replicationPort,
    metricsPort: request.metricsPort,
    ...(request.nbd === undefined ? {} : { nbd: request.nbd }),
    roles: request.roles,
    capacityBytes: Number(request.capacityBytes),
    version: request.version,
  };
  const key = keys.host(facts.host);
  const known = hosts.find(({ value }) => value.host === facts.host);
  if (known !== undefined && JSON.stringify(known.value) === JSON.stringify(facts)) return false;
  const condition = known === undefined ? { key, absent: true as const } : { key, revision: known.revision };
  // Lost the race, perhaps to a person who removed the host: the next heartbeat is a quarter of a second away.
  await repository.store.transact([condition, conditionOf(admin)], [{ key, value: facts }]);
  return true;
}

/**
 * A replica that has persisted a newer generation than the record means that the store went back in time, to an old
 * backup. What a replica has persisted is never undercut: two generations of one number would be two histories. Answers
 * whether the record may be another now.
 */
async function adopt(
  options: CoordinatorOptions,
  status: ReplicaStatus,
  volumes: Records['volumes'],
): Promise<boolean> {
  const { repository, observations, log } = options;
  const { volume } = status;
  const entry = volumes.find(({ value }) => value.volume === volume);
  if (entry === undefined || entry.value.generation >= Number(status.generation)) return false;
  await renewGrace(options, volume);
  const adopted = await repository.updateVolume(volume, (record) => {
    const newest = newestView(record, observations.hosts);
    return newest.kind === 'newer' ? newest.next : undefined;
  });
  const facts = { volume, recorded: entry.value.generation, reported: Number(status.generation) };
  if (adopted === undefined) {
    const newest = newestView(entry.value, observations.hosts);
    const why = newest.kind === 'unclear' ? newest.why : 'it is reported by a host that is no replica';
    log.warn({ ...facts, why }, 'a generation that control does not know is reported; it is left alone');
    return false;
  }
  log.warn(facts, 'the control store is older than what a host has persisted; its generation was adopted');
  return true;
}

/**
 * Before the newer generation is taken over, which says that the record is as new as anything: a database that the store
 * has as deleted may have been undeleted since, and be in use. Its grace time begins anew, so that a person can see it.
 */
async function renewGrace(
  { repository, observations, wallClock, log }: CoordinatorOptions,
  volume: string,
): Promise<void> {
  const record = (await repository.volume(volume))?.value;
  if (record === undefined || newestView(record, observations.hosts).kind !== 'newer') return;
  const message = 'a host knows of a newer generation than this store, so that it may have been undeleted';
  const renewed = await repository.updateDatabase(
    record.database,
    (value) =>
      value.expireTimeMs > 0
        ? { ...value, expireTimeMs: wallClock() + value.expireTimeMs - value.deleteTimeMs }
        : undefined,
    [{ reason: 'GRACE_RENEWED', message, generation: record.generation }],
  );
  if (renewed === undefined) return;
  const { id: database, expireTimeMs } = renewed;
  log.warn(
    { database, volume, expireTimeMs },
    'a deleted database may be in use; its grace time begins anew',
  );
}

async function proposeView(
  options: CoordinatorOptions,
  request: ProposeViewRequest,
): Promise<ProposeViewResponse> {
  const { repository, log } = options;
  await options.timeline.hear(request.host, request.store);
  const proposal: Proposal = {
    host: request.host,
    fromGeneration: Number(request.fromGeneration),
    inSync: request.inSync,
    hostRebooted: request.hostRebooted,
  };
  const { answer, record } = await decideAndWrite(options, request, proposal);
  const { host, volume, reason } = request;
  const outcome = answer.accepted ? 'accepted' : `refused: ${answer.reason}`;
  log.info(
    { volume, host, from: proposal.fromGeneration, inSync: request.inSync, reason, outcome },
    'a view was proposed',
  );
  const view = viewOf(record, await repository.hosts());
  return { accepted: answer.accepted, view, reason: answer.accepted ? '' : answer.reason };
}

async function decideAndWrite(
  options: CoordinatorOptions,
  request: ProposeViewRequest,
  proposal: Proposal,
): Promise<{ readonly answer: ProposalAnswer; readonly record: VolumeRecord }> {
  const { repository, observations, timeline } = options;
  for (let conflicts = 0; ; conflicts++) {
    const { key, revision, value } = await repository.requireVolume(request.volume);
    const hasLost = (host: string): boolean => isKnownRebooted(value, observations.hosts, host);
    const { hosts } = observations;
    const behind =
      whyBehind(value, hosts, timeline.isUnconfirmed(request.volume)) ??
      whyTooEarly(value, hosts, observations);
    const answer = answerProposal(value, proposal, hasLost, behind);
    if (!answer.accepted) return { answer, record: value };
    const events = await repository.eventWrites(value.database, eventsOf(answer, request));
    const result = await repository.store.transact(
      [{ key, revision }, ...events.conditions],
      [{ key, value: answer.next }, ...events.mutations],
    );
    if (result.ok) return { answer, record: answer.next };
    if (conflicts >= MAX_CONFLICTS)
      return { answer: { accepted: false, reason: 'the record changes all the time' }, record: value };
  }
}

function eventsOf(
  answer: Extract<ProposalAnswer, { accepted: true }>,
  request: ProposeViewRequest,
): NewEvent[] {
  const { generation } = answer.next;
  const why = request.reason === '' ? '' : `: ${request.reason}`;
  return [
    ...answer.removed.map((host) => ({
      reason: 'SECONDARY_LOST' as const,
      message: `${request.host} goes on without ${host}${why}`,
      generation,
    })),
    ...answer.added.map((host) => ({
      reason: 'IN_SYNC' as const,
      message: `${host} holds every acknowledged write`,
      generation,
    })),
  ];
}
