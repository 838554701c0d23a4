/** QEMU's block layer as a client: qemu-io fails by itself when a pattern is not what it reads. */
import t from 'tap';
import { attempt } from '../support/client-command.ts';
import { checkQemuIo } from '../support/nbd-real-clients.ts';
import { MIB, VolumeServer } from '../support/volume-server.ts';

const server = await VolumeServer.start(t, 64 * MIB);

const qemuIo = (...commands: string[]): ReturnType<typeof attempt> =>
  attempt('qemu-io', '-f', 'raw', ...commands.flatMap((command) => ['-c', command]), server.overUnix.uri);

for (const [transport, served] of Object.entries(server.transports))
  t.test(`reads over ${transport} what it wrote, zeroed and discarded`, (t) => checkQemuIo(t, served));

t.test('a write of the largest payload is read back as it was written', async (t) => {
  const { status, stdout } = await qemuIo('write -P 0x5a 0 32M', 'read -P 0x5a 0 32M');
  t.equal(status, 0, stdout);
});

t.test('the last bytes of the volume are written and read', async (t) => {
  const end = `${server.sizeBytes - 512} 512`;
  const { status, stdout } = await qemuIo(`write -P 0x77 ${end}`, `read -P 0x77 ${end}`);
  t.equal(status, 0, stdout);
});

t.test('zeroes over the whole volume are one request and read as zeroes', async (t) => {
  const { status, stdout } = await qemuIo(
    'write -P 1 0 1M',
    `write -P 2 ${server.sizeBytes - MIB} 1M`,
    `write -z 0 ${server.sizeBytes}`,
    'read -P 0 0 1M',
    `read -P 0 ${server.sizeBytes - MIB} 1M`,
  );
  t.equal(status, 0, stdout);
});

t.test('a pattern that is not there is noticed: the checks above can fail', async (t) => {
  const { stdout } = await qemuIo('write -P 1 0 4k', 'read -P 2 0 4k');
  t.match(stdout, /Pattern verification failed/);
});
