/**
 * The process behind `VolumeServer`: one volume of a host that is alone, on a real file and a real level database,
 * served by the product's NBD server on a Unix socket and on TCP. Prints the TCP port once it serves.
 *
 * node test/support/volume-process.ts FOLDER SIZE_BYTES PORT [CERTIFICATES]
 *
 * With a folder of certificates (certificates.ts) TCP needs TLS, and clients a certificate.
 */
import { join } from 'node:path';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import { NbdServer } from '../../daemon/nbd/server.ts';
import { loadTls } from '../../daemon/nbd/tls.ts';
import { bootClock } from '../../daemon/sys/clock.ts';
import { Volumes } from '../../daemon/volume/volumes.ts';
import { quietLog } from './quiet-log.ts';

const [folder = '', sizeBytes = '', port = '', certificates] = process.argv.slice(2);
const VOLUME = 'orders';
const POLL_MS = 5;

const meta = await HostMeta.open(join(folder, 'meta'));
const volumes = new Volumes({
  stateDir: folder,
  host: 'a',
  incarnation: process.pid,
  bootId: 'one boot',
  leaseMs: 400,
  heartbeatMs: 50,
  silenceMs: 300,
  stallMs: 5000,
  space: { reserveBytes: 0, warnPercent: 100, whenFull: 'fail' },
  stateChanged: () => undefined,
  answersUntil: () => undefined,
  world: {
    clock: bootClock,
    log: quietLog,
    meta,
    dial: () => Promise.reject(new Error('nobody is there')),
    propose: () => Promise.reject(new Error('control is down')),
    fatal: (why) => {
      throw new Error(why);
    },
  },
});
await volumes.openAll();
await volumes.create(VOLUME, Number(sizeBytes));
volumes.tell(VOLUME, { generation: 1, primary: 'a', inSync: ['a'] }, { explicit: true });
while (volumes.require(VOLUME).state !== 'SOLO') await new Promise((done) => setTimeout(done, POLL_MS));
const server = new NbdServer({
  exports: volumes.exports,
  tls: certificates === undefined ? undefined : tlsOf(certificates),
  log: (message, facts) => {
    quietLog.info(facts, message);
  },
});
const tcpPort = await server.listenTcp('127.0.0.1', Number(port));
await server.listenUnix(join(folder, 'nbd.sock'));
console.log(tcpPort);

function tlsOf(folder: string): ReturnType<typeof loadTls> {
  return loadTls({
    mode: 'required',
    certificate: join(folder, 'server-cert.pem'),
    key: join(folder, 'server-key.pem'),
    client_ca: join(folder, 'ca-cert.pem'),
  });
}
