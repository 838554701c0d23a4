/** Debian packages: which are missing and why, said before they are installed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chooseAttachDriver } from '../../daemon/host/detect.ts';
import { ext4 } from '../../daemon/host/ext4.ts';
import { engineNamed, engineRegistry } from '../../daemon/host/engines.ts';
import { ensurePackages, missingPackages } from '../../daemon/host/packages.ts';
import { ProcessSupervisor } from '../../daemon/host/processes.ts';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { counted } from '../cli/text.ts';
import { database as orders } from './plan.ts';
import type { Session } from './session.ts';

/** What hosts would install in the workflow is installed before it: then it is seen, and creating is quick. */
export async function ensureDebianPackages(session: Session): Promise<void> {
  const { plan, say } = session;
  if (!existsSync('/usr/bin/dpkg-query') || !existsSync('/usr/bin/apt-get'))
    throw new LockstepError('FAILED_PRECONDITION', 'this is not a Debian: dpkg and apt-get are missing', {
      reason: 'NOT_DEBIAN',
      metadata: { next: 'The quick start runs on Debian 12 and its relatives.' },
    });
  const stateDir = join(plan.stateDir, 'none');
  const processes = new ProcessSupervisor({ runDir: stateDir, host: 'quickstart' });
  const attach = await chooseAttachDriver({ stateDir, processes });
  const needs = { ...attach.packages, ...ext4.packages };
  const missing = await missingPackages(needs);
  if (missing.length > 0) {
    say(`Installing ${counted(missing.length, 'Debian package')}:`);
    for (const name of missing) say(`  ${name}: ${needs[name] ?? ''}`);
    await ensurePackages(needs);
  }
  const engine = engineNamed(engineRegistry({ stateDir, processes }), orders.engine);
  if ((await engine.offers()).some(({ installed }) => installed)) return;
  say('Installing PostgreSQL (Debian package postgresql): the database engine. This takes a minute.');
  const { version } = await engine.install('');
  say(`PostgreSQL ${version} is installed.`);
}
