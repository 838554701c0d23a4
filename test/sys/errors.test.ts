import t from 'tap';
import { invalidField } from '../../daemon/sys/errors.ts';

t.test('an invalid field names the field, the value and what is allowed', async (t) => {
  const error = invalidField('host.zone', 'B!', 'a DNS label');
  t.equal(error.code, 'INVALID_ARGUMENT');
  t.equal(error.message, 'host.zone is "B!"; allowed: a DNS label');
  t.strictSame(error.violations, [{ field: 'host.zone', value: 'B!', allowed: 'a DNS label' }]);
});
