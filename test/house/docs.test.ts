/** What the docs tell people to type exists. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import t from 'tap';
import { QemuAttach } from '../../daemon/host/attach-qemu.ts';
import { ProcessSupervisor } from '../../daemon/host/processes.ts';

const root = resolve(import.meta.dirname, '../..');
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  ...readdirSync(join(root, 'docs')).map((name) => join('docs', name)),
].filter((path) => path.endsWith('.md') && existsSync(join(root, path)));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

for (const page of pages) {
  const text = readFileSync(join(root, page), 'utf8');

  t.test(`${page} names only npm scripts that exist`, async (t) => {
    const named = [...text.matchAll(/\bnpm run (?:--?[\w-]+ )*([\w:-]+)/g)].map(([, script = '']) => script);
    if (/\bnpm (test|t)\b/.test(text)) named.push('test');
    t.strictSame(
      named.filter((script) => !(script in manifest.scripts)),
      [],
    );
  });

  t.test(`${page} links only to files that exist`, async (t) => {
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, link = '']) => link);
    t.strictSame(
      links.filter((link) => !existsSync(join(root, dirname(page), link))),
      [],
    );
  });
}

t.test(
  'docs/install.md names every package that attaching a volume needs, for hosts without a mirror',
  async (t) => {
    const page = readFileSync(join(root, 'docs/install.md'), 'utf8');
    const listed = /^apt-get install --no-install-recommends (.*)$/m.exec(page)?.[1]?.split(' ') ?? [];
    const processes = new ProcessSupervisor({ runDir: '/nonexistent', host: 'none' });
    const { packages } = new QemuAttach({ stateDir: '/nonexistent', processes });
    // Essential to Debian itself.
    const needed = Object.keys(packages).filter((name) => name !== 'mount');
    t.strictSame(
      [...needed, 'e2fsprogs'].filter((name) => !listed.includes(name)),
      [],
    );
  },
);
