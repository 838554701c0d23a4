/** The packed library in a project of its own: imported, compiled, and all that its README shows. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { spawnSync } from 'node:child_process';
import t, { type Test } from 'tap';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { serverCredentials } from '../../daemon/sys/api-tls.ts';
import { parseConfig } from '../../daemon/sys/config.ts';
import { Database, TaskState } from '../../proto/gen/lockstep/v1/database_service.ts';
import { Event } from '../../proto/gen/lockstep/v1/event_service.ts';
import { type Answers, serve } from '../support/api-double.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { installedPackage, type Project } from '../support/installed-package.ts';
import { healthyDatabase, healthyStatus, rawOperation, task } from './fixtures.ts';

t.setTimeout(300_000);
const README = readFileSync(resolve(import.meta.dirname, '../../client/README.md'), 'utf8');
const READ_AT = '10.0.3.10:7400';

t.test('the packed library', async (t) => {
  const project = await installedPackage(t);

  t.test('a JavaScript program imports it', async (t) => {
    const server = await serve(t, { getClusterStatus: () => healthyStatus() });
    const file = project.write(
      'program.mjs',
      `import { LockstepClient, Redundancy } from 'lockstep/client';
       const client = new LockstepClient({ server: '${server}' });
       const { databases } = await client.status();
       console.log(databases[0].name, databases[0].redundancy === Redundancy.REDUNDANCY_IN_SYNC);
       client.close();`,
    );
    t.equal(await project.node(file), 'databases/orders true\n');
  });

  t.test('a TypeScript program is checked against its types', async (t) => {
    const wrong = `import { LockstepClient } from 'lockstep/client';
      const client = new LockstepClient({ server: 'a:1' });
      const generation: string = (await client.databases.get('orders')).generation;
      console.log(generation);`;
    project.write('wrong.ts', wrong);
    await t.rejects(project.compile('wrong.ts'), { message: /wrong\.ts\(3,13\): error TS2322.*bigint/ });
    project.write('right.ts', wrong.replace(': string', ': bigint'));
    t.equal(await project.compile('right.ts'), '');
  });

  t.test('nothing but the library can be imported', async (t) => {
    const file = project.write('inside.mjs', `import 'lockstep/client/lockstep.ts';`);
    await t.rejects(project.node(file), { message: /ERR_PACKAGE_PATH_NOT_EXPORTED/ });
  });

  t.test('the command runs from there', async (t) => {
    const command = join(project.folder, 'node_modules/lockstep/client/cli/lockstep.sh');
    const { status, stdout, stderr } = spawnSync(command, ['explain', 'FENCED'], { encoding: 'utf8' });
    t.equal(`${String(status)} ${stderr}`, '0 ');
    t.match(stdout, /^FENCED \(state of a replica\)/);
  });

  t.test('every program of the README compiles and runs', async (t) => {
    await readmeRuns(t, project);
  });

  t.test('the README installs the file that npm makes', async (t) => {
    t.match(README, `npm install ./${project.tarball}`);
  });
});

/** The blocks as one program: each in a scope of its own, but for what later ones use. */
async function readmeRuns(t: Test, project: Project): Promise<void> {
  const certificates = makeCertificates(t);
  const asked = new Map<string, number>();
  const plain = await serve(t, counted(answers(), asked));
  const encrypted = await serve(t, answers(), { credentials: credentialsOf(certificates) });
  const blocks = [...README.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block = '']) => block);
  t.ok(blocks.length >= 10, `${String(blocks.length)} blocks`);
  const imports = blocks.flatMap((block) => block.match(/^import .*$/gm) ?? []);
  const bodies = blocks.map((block, index) => {
    const body = block.replaceAll(/^import .*$/gm, '');
    return index === 0 ? body : `{\n${body}}\n`;
  });
  const text = [...merged(imports), ...bodies]
    .join('\n')
    .replaceAll(READ_AT, (_found, offset: number, whole: string) =>
      whole.slice(0, offset).endsWith("encrypted = new LockstepClient({\n  server: '") ? encrypted : plain,
    )
    .replaceAll('/etc/lockstep/tls', certificates.folder);
  const file = project.write('readme.ts', text);
  t.equal(await project.compile('readme.ts'), '');
  const output = await project.node('--disable-warning=DEP0123', file);
  t.match(output, 'databases/orders 127.0.0.11:');
  t.match(output, 'FAILED_PRECONDITION NOT_WELL_ENOUGH both hosts have to be well');
  t.match(output, 'look after them');
  t.equal(asked.get('updateDatabase'), 2);
  t.equal(asked.get('rebootDatabase'), 1);
}

/** One import for each module. */
function merged(imports: readonly string[]): readonly string[] {
  const names = new Map<string, Set<string>>();
  for (const line of imports) {
    const [, list = '', module = ''] = /^import \{ (.*) \} from '(.*)';$/.exec(line) ?? [];
    const known = names.get(module) ?? new Set<string>();
    for (const name of list.split(', ')) known.add(name);
    names.set(module, known);
  }
  return [...names].map(([module, all]) => `import { ${[...all].join(', ')} } from '${module}';`);
}

function credentialsOf({ folder }: Certificates): ReturnType<typeof serverCredentials> {
  return serverCredentials(
    parseConfig(
      `[host]
       name = "control"
       address = "127.0.0.1"
       state_dir = "/nonexistent"
       [control]
       [api.tls]
       mode = "required"
       certificate = "${folder}/server-cert.pem"
       key = "${folder}/server-key.pem"
       ca = "${folder}/ca-cert.pem"
       client_ca = "${folder}/ca-cert.pem"`,
      'test',
    ),
  );
}

function counted(given: Answers, asked: Map<string, number>): Answers {
  return Object.fromEntries(
    Object.entries(given).map(([method, answer]) => [
      method,
      (request: never) => {
        asked.set(method, (asked.get(method) ?? 0) + 1);
        return answer(request);
      },
    ]),
  );
}

function answers(): Answers {
  const operation = rawOperation([task('seed', TaskState.TASK_STATE_RUNNING)]);
  const event = Event.fromPartial({
    name: 'databases/orders/events/1',
    reason: 'CREATED',
    time: new Date(0),
  });
  return {
    getClusterStatus: () => healthyStatus(),
    createDatabase: () => operation,
    updateDatabase: () => operation,
    rebootDatabase: () => operation,
    getOperation: () =>
      rawOperation([task('seed', TaskState.TASK_STATE_DONE)], {
        done: true,
        response: {
          typeUrl: 'type.googleapis.com/lockstep.v1.Database',
          value: Buffer.from(Database.encode(healthyDatabase()).finish()),
        },
      }),
    getConnectionInfo: () => ({ endpoint: undefined, uri: '127.0.0.11:5432', multiHostUri: '', command: '' }),
    claimPassword: () => ({ user: 'lockstep', password: 'secret' }),
    getDatabase: () => healthyDatabase(),
    listDatabases: () => ({ databases: [healthyDatabase()], nextPageToken: '' }),
    listEvents: () => ({ events: [event], nextPageToken: '' }),
    watchDatabase: () => [healthyDatabase()],
    watchEvents: () => [event],
    switchoverDatabase: () => {
      throw new LockstepError('FAILED_PRECONDITION', 'both hosts have to be well', {
        reason: 'NOT_WELL_ENOUGH',
        metadata: { next: 'look after them' },
      });
    },
  };
}
