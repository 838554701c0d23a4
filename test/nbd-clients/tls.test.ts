/** libnbd and QEMU over TLS, both of which are GnuTLS, against a server that takes nobody without a certificate. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeCertificates } from '../support/certificates.ts';
import { attempt, output } from '../support/client-command.ts';
import { MIB, VolumeServer } from '../support/volume-server.ts';

const SIZE_BYTES = 16 * MIB;
const { folder } = makeCertificates(t);
const server = await VolumeServer.start(t, SIZE_BYTES, folder);
const uri = `nbds://127.0.0.1:${server.port}/orders?tls-certificates=${folder}`;

t.test('nbdinfo sees the export and that TLS is on', async (t) => {
  const info = JSON.parse(await output('nbdinfo', '--json', uri)) as Record<string, unknown>;
  t.match(info, {
    TLS: true,
    structured: true,
    exports: [{ 'export-name': 'orders', 'export-size': SIZE_BYTES }],
  });
});

t.test('what 4 connections of nbdcopy copied there comes back', async (t) => {
  const image = randomBytes(SIZE_BYTES);
  const [source, target] = [join(server.folder, 'source'), join(server.folder, 'target')];
  writeFileSync(source, image);
  await output('nbdcopy', '--flush', '--connections=4', source, uri);
  await output('nbdcopy', '--connections=4', uri, target);
  t.ok(readFileSync(target).equals(image));
});

t.test('qemu-img compares over TLS what the Unix socket serves without', async (t) => {
  const credentials = `tls-creds-x509,id=tls,dir=${folder},endpoint=client`;
  const image = `driver=nbd,host=127.0.0.1,port=${server.port},export=orders,tls-creds=tls`;
  const plain = `driver=nbd,path=${server.socket},export=orders`;
  await output('qemu-img', 'compare', '--object', credentials, '--image-opts', image, plain);
  t.pass('it ends with 0 only if they are identical');
});

t.test('a client without TLS is refused', async (t) => {
  const { status, stderr } = await attempt('nbdinfo', server.overTcp.uri);
  t.equal(status, 1);
  // What libnbd makes of NBD_REP_ERR_TLS_REQD.
  t.match(stderr, /Operation not supported/);
});
