import t from 'tap';
import { nbdUri, primaryListener, targetOf } from '../../../client/cli/nbd-target.ts';
import { UsageError } from '../../../client/cli/errors.ts';
import type { NbdListener } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { volumeInSync } from '../fixtures.ts';

const volume = volumeInSync();
const listener = (tls: string): NbdListener => ({
  address: '10.0.1.10:10810',
  socket: '/run/a "folder"/nbd.sock',
  tls,
});
const fileOf = (fileName: string): unknown => JSON.parse(fileName.replace(/^json:/, ''));

t.test('clients are sent to the primary, wherever it is', async (t) => {
  t.equal(primaryListener(volume)?.address, '10.0.1.10:10809');
  t.equal(primaryListener({ ...volume, primary: 'hosts/host-b' })?.address, '10.0.2.10:10809');
  t.equal(primaryListener({ ...volume, primary: '' }), undefined);
});

t.test('an address says whether TLS is needed', async (t) => {
  t.equal(nbdUri(volume, listener('off')), 'nbd://10.0.1.10:10810/orders-b3c1d2e3');
  t.equal(nbdUri(volume, listener('allowed')), 'nbd://10.0.1.10:10810/orders-b3c1d2e3');
  t.equal(nbdUri(volume, listener('required')), 'nbds://10.0.1.10:10810/orders-b3c1d2e3');
});

t.test('on the host itself the Unix socket is taken, also where TCP needs TLS', async (t) => {
  const { fileName, objects } = targetOf(volume, listener('required'), { isHere: true });
  t.same(fileOf(fileName), {
    driver: 'raw',
    file: {
      driver: 'nbd',
      server: { type: 'unix', path: '/run/a "folder"/nbd.sock' },
      export: 'orders-b3c1d2e3',
    },
  });
  t.same(objects, []);
});

t.test('from elsewhere it is TCP, and TLS where certificates are given', async (t) => {
  const plain = targetOf(volume, listener('allowed'), { isHere: false });
  t.match(fileOf(plain.fileName), { file: { server: { type: 'inet', host: '10.0.1.10', port: '10810' } } });
  t.notMatch(plain.fileName, 'tls');
  const secret = targetOf(volume, listener('allowed'), { isHere: true, tlsFolder: '/etc/pki' });
  const [option, object = ''] = secret.objects;
  t.equal(option, '--object');
  const { id } = JSON.parse(object) as { readonly id: string };
  t.match(JSON.parse(object), { 'qom-type': 'tls-creds-x509', dir: '/etc/pki', endpoint: 'client' });
  t.match(fileOf(secret.fileName), { file: { server: { type: 'inet' }, 'tls-creds': id } });
  t.match(secret.uri, /^nbds:/);
});

t.test('TLS that is required is not left out in silence', async (t) => {
  t.throws(() => targetOf(volume, listener('required'), { isHere: false }), UsageError);
});
