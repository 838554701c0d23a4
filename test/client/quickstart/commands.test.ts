import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { lockstepCommand, quickstartCommand } from '../../../client/quickstart/commands.ts';
import { planOf } from '../../../client/quickstart/plan.ts';

const standard = planOf({ stateDir: '/var/lib/lockstep-quickstart', network: '127.0.0', dnsPort: 53 });
const other = planOf({ stateDir: '/var/lib/try', network: '127.0.9', dnsPort: 53 });

t.test('the standard installation needs no options', async (t) => {
  t.equal(quickstartCommand(standard), 'npm run quickstart');
  t.equal(quickstartCommand(standard, '--stop'), 'npm run quickstart -- --stop');
  t.equal(lockstepCommand(standard, 'status'), 'npx lockstep status');
});

t.test('another one is named in each command', async (t) => {
  t.equal(quickstartCommand(other), 'npm run quickstart -- --state /var/lib/try');
  t.equal(quickstartCommand(other, '--stop'), 'npm run quickstart -- --stop --state /var/lib/try');
  t.equal(lockstepCommand(other, 'status'), 'LOCKSTEP_SERVER=127.0.9.10:7400 npx lockstep status');
});

t.test('no other file of the quick start spells a command that is not the usage', async (t) => {
  const folder = 'client/quickstart';
  const spelt = readdirSync(folder)
    .filter((name) => name.endsWith('.ts') && name !== 'commands.ts')
    .flatMap((name) =>
      readFileSync(join(folder, name), 'utf8')
        .split('\n')
        .filter((line) => /npx lockstep|npm run quickstart/.test(line))
        .filter((line) => !/^( \*|\/\*|npm run|const USAGE)/.test(line) && !/sudo/.test(line))
        .map((line) => `${name}: ${line.trim()}`),
    );
  t.strictSame(spelt, [], 'use quickstartCommand and lockstepCommand');
});
