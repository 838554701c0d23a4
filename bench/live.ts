/**
 * `npm run bench:live [-- --only growth,convert,switchover,drain,clone,restore] [--seconds N]
 * [--file-system xfs|ext4]`: changes to databases that
 * are in use, what their clients felt, and whether a row was lost. Prints each scene and writes bench/results/live.md and
 * live.json. Exits with 1 where a bound is not kept. Needs root.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Installation } from './lib/installation.ts';
import {
  clone,
  convert,
  drain,
  growth,
  restore,
  type Scene,
  type SceneResult,
  switchover,
} from './lib/live/scenes.ts';

const NETWORK = 88;
const SCENES: Readonly<Record<string, Scene>> = { growth, convert, switchover, clone, restore, drain };
const RESULTS = join(import.meta.dirname, 'results');
const CLIENTS = 4;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(SCENES).join(',') },
    seconds: { type: 'string', default: '8' },
    // XFS grows where the kernel lets no daemon grow ext4, as in most containers.
    'file-system': { type: 'string', default: 'xfs' },
  },
});
const calmSeconds = Number(values.seconds);
if (!Number.isInteger(calmSeconds) || calmSeconds < 1)
  throw new Error(`--seconds is ${values.seconds}; allowed: a whole number from 1`);

const results: (SceneResult & { readonly scene: string })[] = [];
for (const name of values.only.split(',')) {
  const scene = SCENES[name];
  if (scene === undefined)
    throw new Error(`--only names ${name}; allowed: ${Object.keys(SCENES).join(', ')}`);
  const installation = await Installation.start({
    network: NETWORK,
    ...(name === 'drain' ? { thirdStorageHost: 'a' as const } : {}),
    storage: { file_system: values['file-system'] },
  });
  try {
    const result = { scene: name, ...(await scene(installation, { calmSeconds, clients: CLIENTS })) };
    results.push(result);
    console.log(`${textOf(result)}\n`);
  } finally {
    await installation.destroy();
  }
}
const machine = `${String(cpus().length)} x ${cpus()[0]?.model ?? ''}, ${String(Math.round(totalmem() / 2 ** 30))} GiB, Linux ${release()}, Node ${process.version}`;
mkdirSync(RESULTS, { recursive: true });
const text = `# Changes to databases in use\n\n${machine}, ${new Date().toISOString()}\n\n${results.map(textOf).join('\n\n')}\n`;
writeFileSync(join(RESULTS, 'live.md'), text);
writeFileSync(join(RESULTS, 'live.json'), `${JSON.stringify({ machine, results }, null, 2)}\n`);
if (results.some(({ bounds }) => bounds.some(({ kept }) => !kept))) process.exitCode = 1;

function textOf({ title, facts, bounds }: SceneResult): string {
  return [
    `## ${title.charAt(0).toUpperCase()}${title.slice(1)}`,
    '',
    '| | |',
    '| --- | --- |',
    ...Object.entries(facts).map(([name, value]) => `| ${name} | ${value} |`),
    ...bounds.map(({ what, kept }) => `| ${what} | ${kept ? 'yes' : '**no**'} |`),
  ].join('\n');
}
