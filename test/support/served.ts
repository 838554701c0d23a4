/** A server over a buffer in memory, on a port of its own, that ends with its test. */
import type { Test } from 'tap';
import type { NbdLimits } from '../../daemon/nbd/limits.ts';
import { NbdServer } from '../../daemon/nbd/server.ts';
import type { NbdTls } from '../../daemon/nbd/tls.ts';
import { ExportTable, type TableEntry } from './export-table.ts';
import { MemoryBackend } from './memory-backend.ts';
import { EXTENDED_HEADERS, metaData, RawClient, SET_META_CONTEXT, STRUCTURED_REPLY } from './nbd-client.ts';

export const MIB = 1024 * 1024;

export interface Served {
  readonly backend: MemoryBackend;
  readonly exports: ExportTable;
  readonly server: NbdServer;
  readonly port: number;
  /** Reasons and limits that were logged. */
  readonly logged: string[];
  readonly client: () => RawClient;
  /** A client past its handshake. */
  readonly ready: () => Promise<RawClient>;
  /** The same with structured replies, or extended headers, and the contexts asked for. */
  readonly negotiated: (style: 'structured' | 'extended', contexts?: readonly string[]) => Promise<RawClient>;
}

export async function serve(
  t: Test,
  options: {
    readonly hold?: boolean;
    readonly sizeBytes?: number;
    readonly limits?: Partial<NbdLimits>;
    readonly tls?: NbdTls;
    readonly entry?: Omit<TableEntry, 'backend'>;
  } = {},
): Promise<Served> {
  const backend = new MemoryBackend(options.sizeBytes ?? MIB, { hold: options.hold ?? false });
  const exports = new ExportTable({ orders: { backend, ...options.entry } });
  const logged: string[] = [];
  const server = new NbdServer({
    exports,
    log: (message, facts) => logged.push(`${message} ${JSON.stringify(facts)}`),
    limits: { closeDrainMs: 50, ...options.limits },
    tls: options.tls,
  });
  const port = await server.listenTcp('127.0.0.1', 0);
  t.teardown(() => server.close());
  const client = () => {
    const made = new RawClient({ port });
    t.teardown(() => {
      made.destroy();
    });
    return made;
  };
  const ready = async () => {
    const made = client();
    await made.go('orders');
    return made;
  };
  const negotiated = async (style: 'structured' | 'extended', contexts: readonly string[] = []) => {
    const made = client();
    await made.greet();
    await made.option(style === 'structured' ? STRUCTURED_REPLY : EXTENDED_HEADERS);
    if (contexts.length > 0) await made.option(SET_META_CONTEXT, metaData('orders', contexts));
    await made.goOn('orders');
    return made;
  };
  return { backend, exports, server, port, logged, client, ready, negotiated };
}
