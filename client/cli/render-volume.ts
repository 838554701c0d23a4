/** `lockstep volume status`: a verdict, a line for each replica, and a sentence for everything that waits. Pure. */
import {
  type Resync,
  type Volume,
  type VolumeReplica,
  VolumeReplicaRole as Role,
} from '../../proto/gen/lockstep/v1/volume_service.ts';
import { databaseId, hostId, volumeId } from '../lockstep.ts';
import { nbdUri, primaryListener } from './nbd-target.ts';
import { replicaRoleName, resyncModeName } from './names.ts';
import { scrubSection } from './render-scrub.ts';
import { formatSize } from './size.ts';
import { counted, formatDuration, formatTime, type Paint, printable, table, wrapped } from './text.ts';
import { judgeVolume, runningResync } from './volume-verdict.ts';

const WIDTH = 80;
/** A limit that is so many times the rate holds nothing. */
const FAR = 2n;
/** What these say of themselves is that nothing is to be said. */
const WELL: ReadonlySet<string> = new Set(['SERVING', 'SECONDARY']);
const BAR_CELLS = 30;

export function renderVolume(
  volume: Volume,
  view: { readonly server: string; readonly paint: Paint },
): string {
  const { paint } = view;
  const { level, headline } = judgeVolume(volume);
  const id = printable(volumeId(volume.name));
  const facts = [
    `of database ${printable(databaseId(volume.database))}`,
    formatSize(volume.sizeBytes),
    `generation ${String(volume.generation)}`,
  ];
  const resync = runningResync(volume);
  const lines = [
    ...wrapped(printable(headline), WIDTH, '').map((line) => paint(level, line)),
    `${paint('heading', id)} ${facts.join(', ')}`,
    paint('faint', `control ${view.server}, ${formatTime(volume.time)}`),
    '',
    ...replicaTable(volume, paint),
    ...spaceTable(volume, paint),
    ...(resync === undefined ? [] : resyncSection(resync, paint)),
    ...scrubSection(volume, paint),
    ...nbdSection(volume, paint),
    ...waitSection(volume, paint),
    ...adviceSection(volume),
  ];
  return `${lines.join('\n')}\n`;
}

function replicaTable(volume: Volume, paint: Paint): readonly string[] {
  const columns = [
    { title: 'HOST' },
    { title: 'ZONE' },
    { title: 'ROLE' },
    { title: 'STATE' },
    { title: 'GEN', align: 'right' },
    { title: 'LEASE LEFT', align: 'right' },
    { title: 'MAY LACK', align: 'right' },
    { title: 'REPORTED', align: 'right' },
  ] as const;
  const rows = volume.replicas.map((replica) => [
    paint('heading', printable(hostId(replica.host))),
    printable(replica.zone) || '-',
    replicaRoleName(replica.role).toLowerCase().replaceAll('_', ' '),
    stateCell(replica, paint),
    replica.state === '' ? '-' : String(replica.generation),
    replica.leaseLeftMs === undefined ? leaseless(replica) : formatDuration(replica.leaseLeftMs),
    lackCell(replica, paint),
    reportCell(replica, paint),
  ]);
  return table(columns, rows, paint);
}

function stateCell(replica: VolumeReplica, paint: Paint): string {
  if (replica.reportAgeMs === undefined) return paint('danger', 'never heard');
  const state = printable(replica.state) || 'no replica';
  if (!replica.reachable) return paint('danger', `was ${state}`);
  const isWell = state === 'SERVING' || state === 'SECONDARY' || state === 'SOLO';
  return paint(isWell ? 'good' : 'warning', state);
}

/** A primary alone needs no lease: nobody else can be chosen. */
function leaseless(replica: VolumeReplica): string {
  return replica.state === 'SOLO' ? 'not needed' : '-';
}

function lackCell(replica: VolumeReplica, paint: Paint): string {
  if (replica.role === Role.VOLUME_REPLICA_ROLE_PRIMARY) return '-';
  if (replica.mayLackBytes === undefined) return paint('warning', 'unknown');
  // Of one outside the set that is no promise: it may have what the others lack.
  const isWhole = replica.mayLackBytes === 0n && replica.role === Role.VOLUME_REPLICA_ROLE_SECONDARY;
  return isWhole ? 'nothing' : paint('warning', formatSize(replica.mayLackBytes));
}

/** What each replica takes up, and what is left of the disk that it is on, which others use too. */
function spaceTable({ replicas }: Volume, paint: Paint): readonly string[] {
  const told = replicas.filter(({ diskTotalBytes, state }) => diskTotalBytes > 0n && state !== '');
  if (told.length === 0) return [];
  const columns = [
    { title: 'HOST' },
    { title: 'USED', align: 'right' },
    { title: 'DISK LEFT', align: 'right' },
    { title: 'OF', align: 'right' },
  ] as const;
  const rows = told.map(({ host, allocatedBytes, diskAvailableBytes, diskTotalBytes, spaceWarning }) => [
    paint('heading', printable(hostId(host))),
    formatSize(allocatedBytes),
    spaceWarning === '' ? formatSize(diskAvailableBytes) : paint('warning', formatSize(diskAvailableBytes)),
    formatSize(diskTotalBytes),
  ]);
  return ['', ...table(columns, rows, paint)];
}

/** Where the clients of the volume connect now: they follow its primary. */
function nbdSection(volume: Volume, paint: Paint): readonly string[] {
  const nbd = primaryListener(volume);
  return nbd === undefined ? [] : ['', `${paint('faint', 'NBD')}  ${printable(nbdUri(volume, nbd))}`];
}

function reportCell(replica: VolumeReplica, paint: Paint): string {
  if (replica.reportAgeMs === undefined) return '-';
  const age = `${formatDuration(replica.reportAgeMs)} ago`;
  return replica.reachable ? age : paint('danger', age);
}

const MEANINGS: Readonly<Record<string, string>> = {
  SEED: 'a first copy: what is allocated is sent',
  QUICK: 'only what either side changed is sent',
  COMPARE: 'every region is compared, and sent where it differs',
};

function resyncSection(resync: Resync, paint: Paint): readonly string[] {
  const total = resync.doneBytes + resync.leftBytes;
  const percent = total === 0n ? 100 : Number((resync.doneBytes * 100n) / total);
  const cells = Math.floor((percent * BAR_CELLS) / 100);
  const bar = `${'#'.repeat(cells)}${'.'.repeat(BAR_CELLS - cells)}`;
  const mode = resyncModeName(resync.mode);
  return [
    '',
    `${paint('faint', 'RESYNC')} to ${paint('heading', printable(hostId(resync.target)))}, ${mode}: ${MEANINGS[mode] ?? ''}`,
    `  ${paint('busy', `[${bar}]`)} ${String(percent)} %  ${formatSize(resync.doneBytes)} of ${formatSize(total)}`,
    ...wrapped(printable(paceOf(resync)), WIDTH, '  '),
  ];
}

function paceOf(resync: Resync): string {
  const { bytesPerSecond, limitBytesPerSecond, leftMs, phase, sentBytes } = resync;
  const held =
    limitBytesPerSecond === 0n || limitBytesPerSecond > bytesPerSecond * FAR
      ? ''
      : `, held to ${formatSize(limitBytesPerSecond)}/s for the clients`;
  const rate = bytesPerSecond === 0n ? 'its rate is not known yet' : `${formatSize(bytesPerSecond)}/s${held}`;
  const left = leftMs === undefined ? '' : `, ${formatDuration(Number(leftMs))} left`;
  const step = phase === 'ASKING' ? '; it waits for the consent of control' : '';
  return `${rate}${left}${step}; ${formatSize(sentBytes)} were sent`;
}

/** Each of these is a full sentence of whoever waits. */
function waitSection(volume: Volume, paint: Paint): readonly string[] {
  const waits = [
    ...volume.replicas.flatMap((replica) =>
      sentencesOf(volume, replica).map((text) => [hostId(replica.host), text] as const),
    ),
    ...(volume.waitsFor === '' ? [] : [['control', volume.waitsFor] as const]),
    ...(volume.busyWith === ''
      ? []
      : [['control', `${volume.busyWith} is at work: lockstep operation watch ${volume.busyWith}`] as const]),
  ];
  if (waits.length === 0) return [];
  const width = Math.max(...waits.map(([who]) => who.length));
  return [
    '',
    ...waits.flatMap(([who, text]) => {
      const [first = '', ...rest] = wrapped(printable(text), WIDTH - width - 2, '');
      const indent = ' '.repeat(width + 2);
      return [
        `${paint('heading', printable(who.padEnd(width)))}  ${first}`,
        ...rest.map((line) => indent + line),
      ];
    }),
  ];
}

function sentencesOf(volume: Volume, replica: VolumeReplica): readonly string[] {
  const { heldRequests, repairedRegions, reportAgeMs, reachable, reason, state } = replica;
  const sentences: string[] = [];
  if (reportAgeMs === undefined) sentences.push('has not been heard since control started');
  else if (!reachable)
    sentences.push(`is silent; what is shown of it is its report of ${formatDuration(reportAgeMs)} ago`);
  if (reason !== '' && !(reachable && WELL.has(state)))
    sentences.push(reachable ? reason : `said last: ${reason}`);
  if (heldRequests > 0 && reachable)
    sentences.push(`holds ${counted(heldRequests, 'request')} of clients until it is decided how to go on`);
  if (replica.spaceWarning !== '' && reachable) sentences.push(replica.spaceWarning);
  if (replica.mixed && replica.consistentAt > 0n && runningResync(volume) === undefined)
    sentences.push(
      `is half of a copy; should the rest be lost, it can go back to generation ${String(replica.consistentAt)}${untilText(replica)}`,
    );
  if (replica.machineRestarted && replica.reportAgeMs !== undefined)
    sentences.push('its machine was started anew: it may lack what was acknowledged and not flushed');
  if (repairedRegions > 0n)
    sentences.push(
      `could not read ${counted(Number(repairedRegions), 'region')} of its disk, repaired from another replica; look at that disk`,
    );
  return sentences;
}

/** Only where nobody serves and nobody will by itself. */
function adviceSection(volume: Volume): readonly string[] {
  const primary = volume.replicas.find(({ role }) => role === Role.VOLUME_REPLICA_ROLE_PRIMARY);
  if (primary === undefined || primary.reachable || volume.waitsFor === '') return [];
  const old = volume.replicas.find((one) => one !== primary && one.reachable && one.consistentAt > 0n);
  const force =
    old === undefined
      ? ''
      : ` If it is lost for good, an older copy can be chosen: lockstep volume force ${volumeId(volume.name)} --host ${hostId(old.host)}`;
  return ['', ...wrapped(printable(`-> Bring ${hostId(primary.host)} back.${force}`), WIDTH, '')];
}

function untilText(replica: VolumeReplica): string {
  return replica.consistentUntil === undefined ? '' : `, as of ${formatTime(replica.consistentUntil)}`;
}

/** Before a person chooses an old copy: what it is, and what goes with the one that is lost. */
export function renderOldCopy(volume: Volume, host: string, paint: Paint): string {
  const replica = volume.replicas.find((one) => hostId(one.host) === host);
  if (replica === undefined) return '';
  const lines = [
    `The copy on ${printable(host)} held every acknowledged write up to generation ${String(replica.consistentAt)} of ${String(volume.generation)}${ageText(volume, replica)}.`,
    `What was acknowledged after that is lost for good: ${lossText(volume, replica)}.`,
    ...(replica.mixed ? ['It was being brought up to date: what came of that is undone first.'] : []),
    ...(replica.machineRestarted
      ? ['Its machine was started anew since: what was acknowledged and not flushed may be missing too.']
      : []),
    `Bring ${printable(hostId(volume.primary))} back instead, if there is any way to.`,
  ];
  return `${lines
    .flatMap((line) => wrapped(line, WIDTH, ''))
    .map((line) => paint('warning', line))
    .join('\n')}\n`;
}

function ageText({ time }: Volume, { consistentUntil }: VolumeReplica): string {
  if (consistentUntil === undefined) return '';
  const ageMs = time === undefined ? undefined : time.getTime() - consistentUntil.getTime();
  return `, until ${formatTime(consistentUntil)}${ageMs === undefined ? '' : `, ${formatDuration(ageMs)} ago`}`;
}

function lossText(volume: Volume, { mayLackBytes }: VolumeReplica): string {
  if (mayLackBytes === undefined) return 'nobody knows how much that is';
  const primary = volume.replicas.find(({ role }) => role === Role.VOLUME_REPLICA_ROLE_PRIMARY);
  const age = primary?.reportAgeMs;
  const when = age === undefined ? '' : ` by the last report of its primary, ${formatDuration(age)} ago`;
  return `at least ${formatSize(mayLackBytes)} had been changed${when}`;
}
