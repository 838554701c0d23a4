/** For the end of a test on a whole installation: the audit finds nothing that no record and no operation accounts for. */
import type { Test } from 'tap';
import type { LockstepClient } from '../../client/lockstep.ts';

export async function noOrphans(t: Test, client: LockstepClient): Promise<void> {
  const { findings, unreachable } = await client.cluster.audit();
  const told = findings.map(({ host, subject, what }) => `${host} ${subject}: ${what}`);
  t.strictSame([...told, ...unreachable], [], 'the audit finds nothing');
}
