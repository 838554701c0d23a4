/** nbdsh with strict mode off: requests that no well-behaved client sends are answered by an errno, never by silence. */
import { join } from 'node:path';
import t from 'tap';
import { attempt } from '../support/client-command.ts';
import { nbdsh } from '../support/nbdsh.ts';
import { MIB, VolumeServer } from '../support/volume-server.ts';

const server = await VolumeServer.start(t, 64 * MIB);
/** It depends on the file system. */
const { status } = await attempt('nbdinfo', '--can', 'fast-zero', server.overUnix.uri);
const zeroesFast = status === 0;

/** By the request, as the script names it. "ok" for the legal ones at the limits between them. */
const EXPECTED: Readonly<Record<string, string>> = {
  'read past the end': 'EINVAL',
  'read behind the end': 'EINVAL',
  'read where offset plus length overflows': 'EINVAL',
  'write past the end': 'ENOSPC',
  'write where offset plus length overflows': 'ENOSPC',
  'trim past the end': 'EINVAL',
  'zeroes past the end': 'ENOSPC',
  'zeroes where offset plus length overflows': 'ENOSPC',
  'read of the largest payload': 'ok',
  'read of one byte more': 'EINVAL',
  'read of one byte more with DF': 'EOVERFLOW',
  'write of the largest payload': 'ok',
  'write of one byte more': 'EINVAL',
  'write of twice the largest payload': 'EINVAL',
  'read of nothing': 'ok',
  'write of nothing': 'ok',
  'trim of nothing': 'ok',
  'zeroes of nothing': 'ok',
  'trim of all': 'ok',
  'zeroes over all': 'ok',
  'read with an unknown flag': 'EINVAL',
  'write with an unknown flag': 'EINVAL',
  'flush with an unknown flag': 'EINVAL',
  'write with NO_HOLE': 'EINVAL',
  'flush with FUA': 'ok',
  'trim with FUA': 'ok',
  'zeroes with FUA and NO_HOLE': 'ok',
  'zeroes with FAST_ZERO': zeroesFast ? 'ok' : 'EINVAL',
  'zeroes with FAST_ZERO and NO_HOLE': zeroesFast ? 'ENOTSUP' : 'EINVAL',
  cache: 'ok',
  'cache past the end': 'EINVAL',
  'read with DF without structured replies': 'EINVAL',
  'read with DF': 'ok',
  'block status without a context': 'EINVAL',
  'block status': 'ok',
  'block status past the end': 'EINVAL',
  'block status of nothing': 'EINVAL',
  'block status with an unknown flag': 'EINVAL',
};

const answers = (await nbdsh(join(import.meta.dirname, 'illegal-requests.py'), {
  uri: server.overUnix.uri,
  size: server.sizeBytes,
})) as Readonly<Record<string, string>>;

for (const [request, expected] of Object.entries(EXPECTED))
  t.test(`${request}: ${expected}, and the connection goes on`, async (t) => {
    t.equal(answers[request], expected);
  });

t.test('the script asked for nothing that is not judged here', async (t) => {
  t.strictSame(Object.keys(answers), Object.keys(EXPECTED));
});
