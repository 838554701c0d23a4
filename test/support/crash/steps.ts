/**
 * What a process did to its disk, in order: what is enough to say which states a crash may leave. `upTo` of a sync is
 * the number of steps before it began: it covers those.
 */
import type { CatalogueChange } from '../../../daemon/store/layers/catalogue.ts';

export type Inode = number;

export interface LostSector {
  readonly sector: number;
  /** A read gets what is on the disk again, not what was written. */
  readonly isDropped: boolean;
}

export type DiskStep =
  | { readonly type: 'write'; readonly inode: Inode; readonly offset: number; readonly data: Uint8Array }
  | { readonly type: 'zero'; readonly inode: Inode; readonly offset: number; readonly length: number }
  | { readonly type: 'grow'; readonly inode: Inode; readonly sizeBytes: number }
  | { readonly type: 'create'; readonly inode: Inode; readonly path: string; readonly sizeBytes: number }
  | { readonly type: 'rename'; readonly from: string; readonly to: string }
  | { readonly type: 'remove'; readonly path: string }
  | { readonly type: 'synced'; readonly inode: Inode; readonly upTo: number }
  /** What the kernel makes of dirty pages that could not be written: they pass for clean from then on. */
  | {
      readonly type: 'sync-failed';
      readonly inode: Inode;
      readonly upTo: number;
      readonly lost: readonly LostSector[];
    }
  | { readonly type: 'folder-synced'; readonly folder: string; readonly upTo: number }
  | { readonly type: 'commit'; readonly changes: readonly CatalogueChange[] }
  /** The oldest one under way. */
  | { readonly type: 'committed' };

export function describeStep(step: DiskStep): string {
  switch (step.type) {
    case 'write':
      return `write file ${step.inode} ${step.offset}+${step.data.length}`;
    case 'zero':
      return `zero file ${step.inode} ${step.offset}+${step.length}`;
    case 'sync-failed':
      return `sync of file ${step.inode} failed, lost ${step.lost.map(({ sector, isDropped }) => `${sector}${isDropped ? ' (dropped)' : ''}`).join(', ')}`;
    case 'commit':
      return `commit ${JSON.stringify(step.changes)}`;
    default: {
      const { type, ...rest } = step;
      return `${type} ${Object.values(rest).join(' ')}`;
    }
  }
}
