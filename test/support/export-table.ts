/** A fixed set of exports that remembers who uses them. */
import type { BlockBackend, ExportDirectory, ExportEntry, OpenResult } from '../../daemon/nbd/block.ts';

export class ExportTable implements ExportDirectory {
  readonly #backends: ReadonlyMap<string, BlockBackend>;
  readonly #users = new Map<() => void, string>();
  readonly #idle: (() => void)[] = [];

  constructor(backends: Readonly<Record<string, BlockBackend>>) {
    this.#backends = new Map(Object.entries(backends));
  }

  list(): readonly ExportEntry[] {
    return [...this.#backends.keys()].map((name) => ({ name, description: `volume ${name}` }));
  }

  open(name: string, onRevoke: () => void): OpenResult {
    const backend = this.#backends.get(name);
    if (backend === undefined) return { ok: false, reason: 'UNKNOWN', message: `no export "${name}"` };
    this.#users.set(onRevoke, name);
    return { ok: true, backend };
  }

  close(name: string, onRevoke: () => void): void {
    if (this.#users.get(onRevoke) !== name) throw new Error(`${name} was closed without being open`);
    this.#users.delete(onRevoke);
    if (this.#users.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
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
}
