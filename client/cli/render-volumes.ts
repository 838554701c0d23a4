/** `lockstep volume list`: a line for each. Pure. */
import type { Volume } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { databaseId, hostId, volumeId } from '../resource-names.ts';
import { formatSize } from './size.ts';
import { type Paint, printable, table } from './text.ts';
import { judgeVolume } from './volume-verdict.ts';

const COLUMNS = [
  { title: 'VOLUME' },
  { title: 'OF' },
  { title: 'SIZE', align: 'right' },
  { title: 'GEN', align: 'right' },
  { title: 'PRIMARY' },
  { title: 'IN SYNC' },
  { title: 'VERDICT' },
] as const;

export function renderVolumes(volumes: readonly Volume[], paint: Paint): string {
  if (volumes.length === 0) return 'No volumes. Make one: lockstep volume create NAME --size 1GiB\n';
  const rows = volumes.map((volume) => {
    const { level, headline } = judgeVolume(volume);
    return [
      paint('heading', printable(volumeId(volume.name))),
      printable(databaseId(volume.database)),
      formatSize(volume.sizeBytes),
      String(volume.generation),
      volume.primary === '' ? '-' : printable(hostId(volume.primary)),
      volume.inSync.map((host) => printable(hostId(host))).join(', ') || '-',
      paint(level, printable(headline)),
    ];
  });
  return `${table(COLUMNS, rows, paint).join('\n')}\n`;
}
