import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { writeConfig } from '../../../client/quickstart/daemons.ts';
import { planOf } from '../../../client/quickstart/plan.ts';

t.test(
  "only control's folder is closed: it holds passwords, and engines pass through the others",
  async (t) => {
    const plan = planOf({ stateDir: '/tmp/lockstep-plan', network: '127.0.0', dnsPort: 53 });
    const folder = t.testdir({});
    const modes = plan.hosts.map((host) => {
      const own = join(folder, host.id);
      // As an earlier start left it.
      if (host.id === 'control') mkdirSync(own, { mode: 0o755 });
      writeConfig(plan, { ...host, folder: own, config: join(own, 'config.toml') });
      t.match(readFileSync(join(own, 'config.toml'), 'utf8'), host.address);
      return [host.id, (statSync(own).mode & 0o777).toString(8)];
    });
    t.strictSame(modes, [
      ['control', '700'],
      ['host-a', '755'],
      ['host-b', '755'],
    ]);
  },
);
