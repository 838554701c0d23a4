/** A fixed set of exports that remembers who uses them. */
import type {
  BlockBackend,
  DifferenceSource,
  ExportEntry,
  Exports,
  FindResult,
  OpenExport,
} from '../../daemon/nbd/block.ts';

export interface TableEntry {
  readonly backend: BlockBackend;
  readonly isReadOnly?: boolean;
  readonly differences?: readonly DifferenceSource[];
}

export class ExportTable implements Exports {
  readonly #entries: ReadonlyMap<string, TableEntry>;
  readonly #users = new Map<() => void, string>();
  readonly #idle: (() => void)[] = [];
  /** How often one was opened, and how often one was looked up. */
  openCount = 0;
  findCount = 0;

  constructor(entries: Readonly<Record<string, BlockBackend | TableEntry>>) {
    this.#entries = new Map(
      Object.entries(entries).map(([name, entry]) => [name, 'backend' in entry ? entry : { backend: entry }]),
    );
  }

  list(): readonly ExportEntry[] {
    return [...this.#entries.keys()].map((name) => ({ name, description: `volume ${name}` }));
  }

  find(name: string): FindResult {
    this.findCount += 1;
    const entry = this.#entries.get(name);
    if (entry === undefined) return { ok: false, reason: 'UNKNOWN', message: `no export "${name}"` };
    const { backend, isReadOnly = false, differences = [] } = entry;
    const { sizeBytes, zeroesFast: offersFastZero } = backend;
    const open = (onRevoke: () => void): OpenExport => this.#open(name, backend, onRevoke);
    const found = {
      name,
      description: `volume ${name}`,
      sizeBytes,
      offersFastZero,
      isReadOnly,
      differences,
      open,
    };
    return { ok: true, found };
  }

  get userCount(): number {
    return this.#users.size;
  }

  async untilUnused(): Promise<void> {
    if (this.#users.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
    });
  }

  revoke(): void {
    for (const onRevoke of [...this.#users.keys()]) onRevoke();
  }

  #open(name: string, backend: BlockBackend, onRevoke: () => void): OpenExport {
    this.openCount += 1;
    this.#users.set(onRevoke, name);
    const close = (): void => {
      if (!this.#users.delete(onRevoke)) throw new Error(`${name} was closed without being open`);
      if (this.#users.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    };
    return { backend, close };
  }
}
