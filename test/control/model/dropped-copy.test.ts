/** For how long a copy that was dropped from the set is kept. */
import t from 'tap';
import { isStillNeeded } from '../../../control/model/dropped-copy.ts';
import { volume } from '../../support/control-records.ts';

const dropped = { host: 'c1', volume: 'orders-1', generation: 7, kept: ['a1', 'b1'] };
const nobody = (): boolean => false;

t.test('a dropped copy is kept as long as one that stayed is outside of the set', async (t) => {
  const alone = { ...volume, inSync: ['a1'] };
  t.equal(isStillNeeded(dropped, volume, nobody), false);
  t.equal(isStillNeeded(dropped, alone, nobody), true);
  t.equal(
    isStillNeeded(dropped, alone, (host) => host === 'b1'),
    false,
    'not for one that is lost for good',
  );
  t.equal(isStillNeeded(dropped, { ...alone, replicas: ['a1'] }, nobody), false, 'one copy was asked for');
  t.equal(
    isStillNeeded(dropped, { ...alone, database: '' }, nobody),
    false,
    'an archive is brought in sync by nobody',
  );
  const { kept, ...unneeded } = dropped;
  t.same(kept, ['a1', 'b1']);
  t.equal(isStillNeeded(unneeded, alone, nobody), false, 'it was outside of the set itself');
});
