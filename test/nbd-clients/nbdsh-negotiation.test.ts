/** nbdsh in option mode: handshakes that go astray and come back, and those of clients from before fixed newstyle. */
import { join } from 'node:path';
import t from 'tap';
import { nbdsh } from '../support/nbdsh.ts';
import { MIB, VolumeServer } from '../support/volume-server.ts';

const server = await VolumeServer.start(t, 64 * MIB);
const { uri, name, sizeBytes } = server.overUnix;
const script = join(import.meta.dirname, 'negotiations.py');
const answers = (await nbdsh(script, { uri, name, size: sizeBytes })) as Readonly<Record<string, unknown>>;

const EXPECTED: Readonly<Record<string, string | boolean>> = {
  abort: 'ok',
  'info of an unknown export': 'ENOENT',
  'go of an unknown export': 'ENOENT',
  'go after both were refused': 'served',
  'info of a name of 4096 bytes': 'ENOENT',
  'go after the long name': 'served',
  'info tells the size': true,
  'info again': 'ok',
  'list between them': true,
  'go after info and list': 'served',
  'go with simple replies': 'served',
  'export name with zeroes': 'served',
  'export name without zeroes': 'served',
  'fixed newstyle with zeroes': 'served',
};

for (const [step, expected] of Object.entries(EXPECTED))
  t.test(`${step}: ${expected}`, async (t) => {
    t.equal(answers[step], expected);
  });

t.test('a client that only asks is hung up on after some dozens of options', async (t) => {
  const options = Number(answers['options until the server had enough']);
  t.ok(options >= 16 && options <= 128, `${options} options`);
});
