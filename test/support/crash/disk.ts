/**
 * A disk with one file system and one catalogue, and what the kernel holds in memory of it: takes the steps of a
 * process, and says what a crash leaves of them.
 *
 * A killed process leaves all that it did. A loss of power leaves what a sync covered that was over by then; of
 * everything after that any part, sector by sector, size by size, name by name. Of the commits under way both leave
 * the first ones, as many as they like: they take effect in their order, each as a whole.
 */
import { dirname } from 'node:path';
import { assert } from '../../../daemon/sys/errors.ts';
import type { CatalogueChange } from '../../../daemon/store/layers/catalogue.ts';
import { CatalogueState } from './catalogue-state.ts';
import { type Chooser, DiskFile } from './disk-file.ts';
import type { DiskStep, Inode } from './steps.ts';

interface NameChange {
  /** The step that made it. */
  readonly at: number;
  readonly folder: string;
  /** Without one: the name is gone. */
  readonly names: readonly { readonly path: string; readonly inode: Inode | undefined }[];
}

export class Disk {
  readonly #files = new Map<Inode, DiskFile>();
  #names = new Map<string, Inode>();
  #stableNames = new Map<string, Inode>();
  #nameChanges: NameChange[] = [];
  #catalogue = CatalogueState.empty;
  #commits: (readonly CatalogueChange[])[] = [];
  /** How many steps it took. */
  steps = 0;
  nextInode: Inode = 1;

  /** What commits that were over left. */
  get catalogue(): CatalogueState {
    return this.#catalogue;
  }

  /** Of the paths as the process sees them. */
  get names(): ReadonlyMap<string, Inode> {
    return this.#names;
  }

  file(inode: Inode): DiskFile {
    const file = this.#files.get(inode);
    assert(file !== undefined, `there is a file ${inode}`);
    return file;
  }

  /** It has a name. */
  has(inode: Inode): boolean {
    return this.#files.has(inode);
  }

  apply(step: DiskStep): void {
    const at = this.steps++;
    switch (step.type) {
      case 'write': {
        this.file(step.inode).write(step.data, step.offset, at);
        return;
      }
      case 'zero': {
        this.file(step.inode).zero(step.offset, step.length, at);
        return;
      }
      case 'grow': {
        this.file(step.inode).grow(step.sizeBytes, at);
        return;
      }
      case 'create':
        this.#files.set(step.inode, DiskFile.create(step.inode, step.sizeBytes, at));
        this.nextInode = step.inode + 1;
        {
          this.#rename(at, [{ path: step.path, inode: step.inode }]);
          return;
        }
      case 'rename': {
        this.#rename(at, [
          { path: step.from, inode: undefined },
          { path: step.to, inode: this.#names.get(step.from) },
        ]);
        return;
      }
      case 'remove': {
        this.#rename(at, [{ path: step.path, inode: undefined }]);
        return;
      }
      case 'synced': {
        this.file(step.inode).synced(step.upTo);
        return;
      }
      case 'sync-failed': {
        this.file(step.inode).syncFailed(step.lost, step.upTo);
        return;
      }
      case 'folder-synced': {
        this.#folderSynced(step.folder, step.upTo);
        return;
      }
      case 'commit':
        this.#commits.push(step.changes);
        return;
      case 'committed':
        this.#catalogue = this.#catalogue.after(this.#commits.shift() ?? []);
        return;
    }
  }

  /** Of a disk on which nothing is under way. */
  copy(): Disk {
    assert(this.#commits.length === 0, 'no commit is under way');
    return this.killed(() => 0);
  }

  /** The death of the process: what was not on stable storage still is not. */
  killed(choose: Chooser): Disk {
    const disk = this.#found(choose);
    for (const [path, inode] of this.#names) {
      disk.#names.set(path, inode);
      disk.#files.set(inode, this.file(inode).copy());
    }
    disk.#stableNames = new Map(this.#stableNames);
    for (const inode of this.#stableNames.values()) disk.#files.set(inode, this.file(inode).copy());
    disk.#nameChanges = [...this.#nameChanges];
    for (const { names } of this.#nameChanges)
      for (const { inode } of names) if (inode !== undefined) disk.#files.set(inode, this.file(inode).copy());
    disk.steps = this.steps;
    return disk;
  }

  /** As `killed`, for a process after which there will be no loss of power: all is on stable storage. */
  killedForGood(choose: Chooser): Disk {
    const disk = this.#found(choose);
    for (const [path, inode] of this.#names) {
      disk.#names.set(path, inode);
      disk.#files.set(inode, this.file(inode).settled());
    }
    return disk;
  }

  withoutPower(choose: Chooser): Disk {
    const disk = this.#found(choose);
    const names = new Map(this.#stableNames);
    for (const change of this.#nameChanges) {
      const what = change.names
        .map(({ path, inode }) => `${path}${inode === undefined ? ' gone' : ''}`)
        .join(', ');
      if (choose(2, { kind: 'name', inode: 0, what }) === 1) put(names, change);
    }
    for (const [path, inode] of names) {
      disk.#names.set(path, inode);
      disk.#files.set(inode, this.file(inode).crashed(choose));
    }
    disk.#stableNames = new Map(disk.#names);
    return disk;
  }

  #found(choose: Chooser): Disk {
    const disk = new Disk();
    const commits = this.#commits;
    const kept =
      commits.length === 0 ? 0 : choose(commits.length + 1, { kind: 'commits', inode: 0, what: 'commits' });
    disk.#catalogue = commits
      .slice(0, kept)
      .reduce((state, changes) => state.after(changes), this.#catalogue);
    disk.nextInode = this.nextInode;
    return disk;
  }

  #rename(at: number, names: NameChange['names']): void {
    const change = { at, folder: dirname(names[0]?.path ?? ''), names };
    this.#nameChanges.push(change);
    put(this.#names, change);
  }

  #folderSynced(folder: string, upTo: number): void {
    const isCovered = (change: NameChange): boolean => change.folder === folder && change.at < upTo;
    for (const change of this.#nameChanges.filter(isCovered)) put(this.#stableNames, change);
    this.#nameChanges = this.#nameChanges.filter((change) => !isCovered(change));
  }
}

function put(names: Map<string, Inode>, change: NameChange): void {
  for (const { path, inode } of change.names)
    if (inode === undefined) names.delete(path);
    else names.set(path, inode);
}
