import t from 'tap';
import { checkJson, judgeCheck, renderCheck } from '../../../client/cli/render-check.ts';
import { plain } from '../../../client/cli/text.ts';
import type {
  CheckFinding,
  ReplicaCheck,
  VolumeCheck,
} from '../../../proto/gen/lockstep/v1/volume_service.ts';

const replica = (host: string, changes: Partial<ReplicaCheck> = {}): ReplicaCheck => ({
  host: `hosts/${host}`,
  running: false,
  readBytes: 3n * 1024n ** 3n,
  findings: [],
  error: '',
  ...changes,
});
const finding = (changes: Partial<CheckFinding> = {}): CheckFinding => ({
  repaired: false,
  what: 'the bytes do not fit their checksum',
  layer: 'v.1',
  offset: 65_536n,
  length: 131_072n,
  advice: 'repair from the other replica',
  ...changes,
});
const checkOf = (...replicas: ReplicaCheck[]): VolumeCheck => ({ name: 'volumes/v', replicas });

t.test('the worst of all hosts decides', (t) => {
  const repaired = replica('a', { findings: [finding({ repaired: true })] });
  const away = replica('b', { error: 'host-b cannot be reached' });
  t.equal(judgeCheck(checkOf(replica('a'), replica('b'))), 'clean');
  t.equal(judgeCheck(checkOf(repaired, replica('b'))), 'repaired');
  t.equal(judgeCheck(checkOf(repaired, away)), 'unknown', 'a host that is away may hide anything');
  t.equal(judgeCheck(checkOf(away, replica('a', { findings: [finding()] }))), 'damaged');
  t.end();
});

t.test('damage is a table with its bytes and what to do', (t) => {
  const text = renderCheck(checkOf(replica('a', { findings: [finding()] }), replica('b')), plain);
  t.equal(
    text,
    [
      'DAMAGED: not all of it can be put right without the other replica.',
      'a  3 GiB read, 1 finding',
      'b  3 GiB read, 0 findings',
      '',
      'HOST  KIND     LAYER  BYTES          WHAT',
      'a     damaged  v.1    65536..196608  the bytes do not fit their checksum -> repair from the other replica',
      '',
    ].join('\n'),
  );
  t.end();
});

t.test('for scripts every key is there', (t) => {
  const check = checkOf(replica('a', { findings: [finding({ length: 0n, layer: '', advice: '' })] }));
  t.match(checkJson(check), {
    verdict: 'damaged',
    replicas: [
      { host: 'a', error: null, findings: [{ layer: null, offset: null, length: null, advice: null }] },
    ],
  });
  t.end();
});
