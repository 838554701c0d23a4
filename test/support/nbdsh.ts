/** Runs a script in libnbd's shell, with Debian's own Python: the package's module is not on another one's path. */
import { attempt } from './client-command.ts';

const PYTHON = '/usr/bin/python3';

/** What the script printed, as JSON. The variables, text or numbers, are set before it. */
export async function nbdsh(
  script: string,
  variables: Readonly<Record<string, string | number>>,
): Promise<unknown> {
  const set = Object.entries(variables).flatMap(([name, value]) => [
    '-c',
    `${name} = ${JSON.stringify(value)}`,
  ]);
  const run = [
    '-c',
    `exec(compile(open(${JSON.stringify(script)}).read(), ${JSON.stringify(script)}, "exec"))`,
  ];
  const { status, stdout, stderr } = await attempt(PYTHON, '-m', 'nbd', '-n', ...set, ...run);
  if (status !== 0) throw new Error(`${script} ended with ${status}:\n${stderr}\n${stdout}`);
  return JSON.parse(stdout);
}
