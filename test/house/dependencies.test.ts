/** Shows that every rule of .dependency-cruiser.cjs fires: a rule that cannot fail guards nothing. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import t from 'tap';

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}

const root = resolve(import.meta.dirname, '../..');

/** Each file breaks the rule that it is listed under; what it imports exists. */
const offenders: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'pure-uses-pure': {
    'daemon/replication/reads-the-store.ts': `import { clock } from '../sys/clock.ts'; export const a = clock;`,
    'control/monitor/decide.ts': `import { clock } from '../../daemon/sys/clock.ts'; export const b = clock;`,
  },
  'pure-without-node': {
    'daemon/nbd/codec.ts': `import { readFileSync } from 'node:fs'; export const c = readFileSync;`,
    'control/dns/answer.ts': `import { Socket } from 'node:dgram'; export const d = Socket;`,
    'daemon/replication/timer.ts': `import { setTimeout } from 'node:timers/promises'; export const e = setTimeout;`,
  },
  'pure-without-packages': {
    'control/workflow/status.ts': `import { Level } from 'level'; export const f = Level;`,
    'control/monitor/propose.ts': `import { Server } from '@grpc/grpc-js'; export const g = Server;`,
  },
  'nbd-knows-no-replication': {
    'daemon/nbd/server.ts': `import { replica } from '../replication/replica.ts'; export const h = replica;`,
  },
  'replication-knows-no-nbd': {
    'daemon/wire/link.ts': `import { h } from '../nbd/server.ts'; export const i = h;`,
  },
  'control-apart-from-daemon': {
    'control/services/databases.ts': `import { host } from '../../daemon/host/host.ts'; export const j = host;`,
  },
  'daemon-mounts-control-in-main': {
    'daemon/agent/service.ts': `import { f } from '../../control/workflow/status.ts'; export const k = f;`,
  },
  'client-apart': {
    'client/library.ts': `import { f } from '../control/workflow/status.ts'; export const l = f;`,
    'client/cli/main.ts': `import { host } from '../../daemon/host/host.ts'; export const m = host;`,
  },
  'quickstart-is-a-host': {
    'client/quickstart/start.ts': `import { k } from '../../daemon/agent/service.ts'; export const n = k;`,
  },
  'product-without-tests': {
    'daemon/wire/fake.ts': `import { helper } from '../../test/support/helper.ts'; export const o = helper;`,
  },
  'metrics-in-one-place': {
    'daemon/host/metrics.ts': `import { Counter } from 'prom-client'; export const p = Counter;`,
  },
  'no-cycles': {
    'daemon/meta/left.ts': `import { right } from './right.ts'; export const left = (): unknown => right;`,
  },
  resolvable: {
    'bench/missing.ts': `import { nothing } from './nowhere.ts'; export const q = nothing;`,
  },
  declared: {
    'bench/undeclared.ts': `import { gzip } from 'minipass'; export const r = gzip;`,
  },
  'product-without-dev-packages': {
    'daemon/store/check.ts': `import fc from 'fast-check'; export const s = fc;`,
  },
};

/** What the rules allow, beside what the offenders import. */
const innocents: Readonly<Record<string, string>> = {
  'daemon/sys/clock.ts': `export const clock = 1;`,
  'daemon/sys/errors.ts': `export const code = 1;`,
  'daemon/host/host.ts': `export const host = 1;`,
  'daemon/main.ts': `import { j } from '../control/services/databases.ts'; export const main = j;`,
  'daemon/meta/right.ts': `import { left } from './left.ts'; export const right = (): unknown => left;`,
  'daemon/metrics/registry.ts': `import { Counter } from 'prom-client'; export const registry = Counter;`,
  'daemon/replication/replica.ts': `
    import { code } from '../sys/errors.ts';
    import type { Level } from 'level';
    import type { clock } from '../sys/clock.ts';
    export const replica = code; export type Both = [Level, typeof clock];`,
  'daemon/replication/driver.ts': `import type { block } from '../nbd/block.ts'; export type Block = typeof block;`,
  'daemon/nbd/block.ts': `export const block = 1;`,
  'client/quickstart/host.ts': `import { host } from '../../daemon/host/host.ts'; export const quick = host;`,
  'test/support/helper.ts': `import { host } from '../../daemon/host/host.ts'; export const helper = host;`,
};

t.test('each dependency rule refuses its offender, and nothing else', async (t) => {
  const tree = t.testdir({});
  for (const name of ['.dependency-cruiser.cjs', 'pure-parts.json', 'package.json', 'tsconfig.json'])
    copyFileSync(join(root, name), join(tree, name));
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  for (const [path, text] of Object.entries(
    Object.assign({}, innocents, ...Object.values(offenders)) as typeof innocents,
  )) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }

  const found = (await cruise(tree)).map(({ rule, from }) => `${rule.name}: ${from}`).sort();

  const expected = Object.entries(offenders).flatMap(([rule, files]) =>
    Object.keys(files).map((path) => `${rule}: ${path}`),
  );
  t.strictSame([...new Set(found)], expected.sort());
});

function cruise(tree: string): Promise<readonly Violation[]> {
  const folders = ['daemon', 'control', 'client', 'bench', 'test'];
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [program, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders],
      { cwd: tree, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        // With violations the exit code says how many: only output that is no report is a failure.
        if (!stdout.startsWith('{')) reject(new Error(stderr, { cause: error }));
        else resolve((JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations);
      },
    );
  });
}
