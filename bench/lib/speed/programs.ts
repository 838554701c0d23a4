/** What has to be there before anything is measured, told in words where it is not. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { UsageError } from './options.ts';

const run = promisify(execFile);

export async function requireMachine(): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new UsageError('npm run bench needs root: it starts daemons with addresses and ports of their own');
  await required('taskset', ['--version'], 'util-linux');
  await required('chrt', ['--version'], 'util-linux');
  await required('fio', ['--enghelp=nbd'], 'fio');
}

async function required(program: string, argv: readonly string[], debianPackage: string): Promise<void> {
  try {
    await run(program, [...argv]);
  } catch (error) {
    const isThere = (error as { readonly code?: unknown }).code !== 'ENOENT';
    throw new UsageError(
      isThere
        ? `npm run bench needs ${program}, and "${program} ${argv.join(' ')}" fails here`
        : `npm run bench needs ${program}: apt-get install ${debianPackage}`,
      { cause: error },
    );
  }
}
