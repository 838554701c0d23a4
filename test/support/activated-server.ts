/** An NBD server on the sockets that it was passed, for test/sys/activation.test.ts. Says what a child of it inherits. */
import { execFileSync } from 'node:child_process';
import { NbdServer } from '../../daemon/nbd/server.ts';
import { takePassedSockets } from '../../daemon/sys/activation.ts';
import { ExportTable } from './export-table.ts';
import { MemoryBackend } from './memory-backend.ts';

const server = new NbdServer({ exports: new ExportTable({ orders: new MemoryBackend(4096) }) });
for (const { fd } of takePassedSockets()) await server.listenDescriptor(fd);
const listing = 'ls -l /proc/self/fd/3 2>/dev/null | grep -c socket || true; env | grep ^LISTEN_ || true';
const [sockets, ...environment] = execFileSync('sh', ['-c', listing], { encoding: 'utf8' })
  .trim()
  .split('\n');
process.stdout.write(JSON.stringify({ inherited: sockets !== '0', environment }));
