/** Files of which nothing is in the page cache while a test says so, and whose late reads are as slow as it likes. */
import { type BlockFile, type Files, systemFiles } from '../../daemon/store/files.ts';

interface Waiting {
  readonly file: BlockFile;
  readonly into: Uint8Array;
  readonly offset: number;
  readonly done: (error: Error | null) => void;
}

export class ColdFiles {
  isCold = false;
  /** Instead of what the disk says. */
  failure: Error | null = null;
  readonly #waiting: Waiting[] = [];

  readonly files: Files = {
    ...systemFiles,
    create: (path, sizeBytes) => this.#over(systemFiles.create(path, sizeBytes)),
    open: (path) => this.#over(systemFiles.open(path)),
  };

  /** Late reads that the disk has not answered. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Answers one; it takes the second half of its bytes only now, and the first it took when it was asked. */
  finish(at = 0): void {
    const [read] = this.#waiting.splice(at, 1);
    if (read === undefined) return;
    const { file, into, offset, done } = read;
    if (this.failure === null) {
      const half = Math.floor(into.length / 2);
      file.read(into.subarray(half), offset + half);
    }
    done(this.failure);
  }

  #over(file: BlockFile): BlockFile {
    const overrides: Partial<BlockFile> = {
      readCached: (into, offset) => {
        if (this.isCold) return 0;
        file.read(into, offset);
        return into.length;
      },
      readLater: (into, offset, done) => {
        file.read(into.subarray(0, Math.floor(into.length / 2)), offset);
        this.#waiting.push({ file, into, offset, done });
      },
    };
    return new Proxy(file, {
      get: (target, key) => {
        const value: unknown = Reflect.get(key in overrides ? overrides : target, key);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
}
