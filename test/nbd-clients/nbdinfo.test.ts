/** What libnbd's nbdinfo says of an export. */
import t from 'tap';
import { attempt, output } from '../support/client-command.ts';
import { checkNbdinfo, checkNbdinfoList } from '../support/nbd-real-clients.ts';
import { MIB, VolumeServer } from '../support/volume-server.ts';

const server = await VolumeServer.start(t, 64 * MIB);

/** nbdinfo ends with 2 where the answer is no. */
const NO = 2;

for (const [transport, served] of Object.entries(server.transports)) {
  t.test(`--json tells over ${transport} what the export can do`, (t) => checkNbdinfo(t, served));
  t.test(`--list finds the export over ${transport}`, (t) => checkNbdinfoList(t, served));
}

t.test('--size is the size of the volume', async (t) => {
  t.equal(await output('nbdinfo', '--size', server.overUnix.uri), `${server.sizeBytes}\n`);
});

t.test('--can says yes for what is served', async (t) => {
  const always = ['connect', 'read', 'write', 'flush', 'fua', 'multi-conn', 'trim', 'zero'];
  for (const ability of [...always, 'cache', 'df', 'structured-reply'])
    t.match(await attempt('nbdinfo', '--can', ability, server.overUnix.uri), { status: 0 }, ability);
});

t.test('--is says no to a disk that turns and to one that cannot be written', async (t) => {
  for (const property of ['rotational', 'read-only', 'tls'])
    t.match(await attempt('nbdinfo', '--is', property, server.overUnix.uri), { status: NO }, property);
});

t.test('--map tells what is data and what is a hole', async (t) => {
  const write = ['-c', 'write -P 1 1M 64k', '-c', 'write -P 2 3M 64k'];
  await output('qemu-io', '-f', 'raw', ...write, server.overUnix.uri);
  const map = JSON.parse(await output('nbdinfo', '--map', '--json', server.overUnix.uri)) as unknown;
  const hole = { description: 'hole,zero' };
  t.match(map, [
    { offset: 0, length: MIB, ...hole },
    { offset: MIB, length: MIB / 16, description: 'data' },
    { offset: MIB + MIB / 16, length: 2 * MIB - MIB / 16, ...hole },
    { offset: 3 * MIB, length: MIB / 16, description: 'data' },
    { offset: 3 * MIB + MIB / 16, length: server.sizeBytes - 3 * MIB - MIB / 16, ...hole },
  ]);
});

t.test('an export that there is not is refused', async (t) => {
  const { status, stderr } = await attempt('nbdinfo', `nbd+unix:///nobody?socket=${server.socket}`);
  t.equal(status, 1);
  t.match(stderr, /server replied with error to opt_go request|No such file or directory/);
});
