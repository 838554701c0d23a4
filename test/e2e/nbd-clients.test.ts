/** The NBD server under the clients that people use, with a plain file behind it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { NbdServer } from '../../daemon/nbd/server.ts';
import { ExportTable } from '../support/export-table.ts';
import { FileBackend } from '../support/file-backend.ts';
import {
  checkFio,
  checkNbdcopy,
  checkNbdinfo,
  checkNbdinfoList,
  checkQemuIo,
  type ServedExport,
} from '../support/nbd-real-clients.ts';

const SIZE_BYTES = 8 * 1024 * 1024;

const folder = mkdtempSync(join(tmpdir(), 'nbd-e2e-'));
const socket = join(folder, 'nbd.sock');
const backend = new FileBackend({ path: join(folder, 'volume'), sizeBytes: SIZE_BYTES });
const server = new NbdServer({ exports: new ExportTable({ orders: backend }) });
t.teardown(async () => {
  await server.close();
  backend.close();
  rmSync(folder, { recursive: true, force: true });
});
const port = await server.listenTcp('127.0.0.1', 0);
await server.listenUnix(socket);

const described = { name: 'orders', description: 'volume orders', sizeBytes: SIZE_BYTES };
const transports: Readonly<Record<string, ServedExport>> = {
  TCP: { ...described, uri: `nbd://127.0.0.1:${String(port)}/orders` },
  'a Unix socket': { ...described, uri: `nbd+unix:///orders?socket=${socket}` },
};

for (const [transport, served] of Object.entries(transports)) {
  t.test(`nbdinfo sees over ${transport} what the export can do`, (t) => checkNbdinfo(t, served));
  t.test(`nbdinfo lists the exports over ${transport}`, (t) => checkNbdinfoList(t, served));
  t.test(`nbdcopy copies there and back over ${transport}`, (t) => checkNbdcopy(t, served));
  t.test(`qemu-io reads over ${transport} what it wrote, zeroed and discarded`, (t) =>
    checkQemuIo(t, served),
  );
  t.test(`fio verifies over ${transport} what it wrote`, (t) => checkFio(t, served));
}
