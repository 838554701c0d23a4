/** How far a scrub is, and what it found, for a terminal. Pure. */
import type { Mismatch, Scrub, Volume } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { hostId } from '../resource-names.ts';
import { formatSize } from './size.ts';
import { counted, listed, type Paint, printable, wrapped } from './text.ts';
import { scrubOf } from './volume-verdict.ts';

const WIDTH = 80;
const BAR_CELLS = 30;
/** Of regions that no checksum decides about. */
const SHOWN = 10;

export function scrubSection(volume: Volume, paint: Paint): readonly string[] {
  const scrub = scrubOf(volume);
  if (scrub === undefined) return [];
  const { doneBytes, totalBytes, mismatches, mismatchedRegions } = scrub;
  const percent = totalBytes === 0n ? 100 : Number((doneBytes * 100n) / totalBytes);
  const cells = Math.floor((percent * BAR_CELLS) / 100);
  const bar = `${'#'.repeat(cells)}${'.'.repeat(BAR_CELLS - cells)}`;
  const shown = mismatches.slice(0, SHOWN);
  const more = Number(mismatchedRegions) - shown.length;
  return [
    '',
    `${paint('faint', 'SCRUB')} ${printable(phaseOf(scrub))}`,
    `  ${paint('busy', `[${bar}]`)} ${String(percent)} %  ${formatSize(doneBytes)} of ${formatSize(totalBytes)}`,
    ...wrapped(foundOf(scrub), WIDTH, '  '),
    ...shown.flatMap((mismatch) =>
      wrapped(printable(mismatchText(mismatch)), WIDTH, '    ').map((line) => paint('danger', line)),
    ),
    ...(more > 0 ? [paint('danger', `    and ${String(more)} more`)] : []),
  ];
}

function phaseOf({ phase, error, limitBytesPerSecond, alone }: Scrub): string {
  if (alone) return phase === 'RUNNING' ? 'holds the copy against its checksums' : 'has looked at the copy';
  switch (phase) {
    case 'RUNNING':
      return limitBytesPerSecond === 0n
        ? 'compares the replicas'
        : `compares the replicas, held to ${formatSize(limitBytesPerSecond)}/s for the clients`;
    case 'DONE':
      return 'has compared the replicas';
    case 'STOPPED':
      return 'was stopped; the next one goes on from there';
    default:
      return `broke off: ${error}; the next one goes on from there`;
  }
}

function foundOf({ repairedRegions, mismatchedRegions, alone }: Scrub): string {
  if (alone && mismatchedRegions > 0n)
    return `found ${counted(Number(mismatchedRegions), 'region')} damaged, and there is no other copy`;
  const repaired = repairedRegions === 0n ? '' : `repaired ${counted(Number(repairedRegions), 'region')}`;
  const left =
    mismatchedRegions === 0n
      ? ''
      : `found ${counted(Number(mismatchedRegions), 'region')} that no checksum decides about`;
  const found = listed([repaired, left].filter((text) => text !== ''));
  return found === '' ? `no ${alone ? 'damage' : 'difference'} so far` : found;
}

function mismatchText({ offset, length, differ, damaged }: Mismatch): string {
  const parts = [
    differ.length === 0 ? '' : `${listed(differ.map(hostId))} not as the primary has it`,
    damaged.length === 0 ? '' : `damaged on ${listed(damaged.map(hostId))}`,
  ];
  return `${String(offset)} to ${String(offset + length - 1n)}: ${parts.filter((part) => part !== '').join('; ')}`;
}
