/** The package as a user installs it: packed by npm, unpacked into a project of its own. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';

const root = resolve(import.meta.dirname, '../..');
const modules = join(root, 'node_modules');
const run = promisify(execFile);

export interface Project {
  readonly folder: string;
  /** Name of what npm made. */
  readonly tarball: string;
  /** Writes a file of the project, and answers its path. */
  readonly write: (name: string, text: string) => string;
  /** Standard output of the pinned Node; rejects with all that was said where it fails. */
  readonly node: (...words: readonly string[]) => Promise<string>;
  /** The compiler, as the README says it is set; rejects with its errors. */
  readonly compile: (file: string) => Promise<string>;
}

/** Its dependencies are those that are here, so that nothing is fetched. */
export async function installedPackage(t: Test): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-project-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root });
  const [tarball = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  const installed = join(folder, 'node_modules', 'lockstep');
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', join(folder, tarball), '--strip-components=1', '-C', installed]);
  for (const name of readdirSync(modules).filter((name) => !name.startsWith('.') && name !== 'lockstep'))
    symlinkSync(join(modules, name), join(folder, 'node_modules', name));
  symlinkSync(join(modules, '.bin'), join(folder, 'node_modules', '.bin'));
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  write('package.json', '{ "name": "project", "private": true, "type": "module" }');
  write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        strict: true,
        module: 'nodenext',
        target: 'es2024',
        lib: ['es2024', 'esnext.disposable'],
        noEmit: true,
        types: ['node'],
      },
    }),
  );
  const node = (...words: readonly string[]): Promise<string> => said(process.execPath, words, folder);
  return {
    folder,
    tarball,
    write,
    node,
    compile: async (file) => {
      write('tsconfig.one.json', JSON.stringify({ extends: './tsconfig.json', files: [file] }));
      return node(join(modules, 'typescript/bin/tsc'), '-p', 'tsconfig.one.json');
    },
  };
}

async function said(program: string, words: readonly string[], cwd: string): Promise<string> {
  try {
    return (await run(program, words, { cwd })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${words.join(' ')}: ${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}
