import t from 'tap';
import { UsageError } from '../../../client/cli/errors.ts';
import { nameFor, parseSource, volumeBytesFor } from '../../../client/cli/image-source.ts';

t.test('a file is taken by its absolute path: no part of its name is a protocol', async (t) => {
  t.equal(parseSource('/disks/a.qcow2').fileName, '/disks/a.qcow2');
  t.match(parseSource('nbd:host:1.img').fileName, /^\/.*\/nbd:host:1\.img$/);
  t.match(parseSource('json:{"driver":"null-co"}'), { kind: 'file', fileName: /^\// });
});

t.test('an address keeps what its server needs, and is shown without the password', async (t) => {
  const source = parseSource('https://me:secret@images.example/debian.qcow2?x=1');
  t.equal(source.fileName, 'https://me:secret@images.example/debian.qcow2?x=1');
  t.equal(source.shown, 'https://images.example/debian.qcow2?x=1');
});

t.test('an address that QEMU is not to read is refused', async (t) => {
  for (const text of ['gopher://x/y', 'http://[bad', 'FILE:///etc/passwd'])
    t.throws(() => parseSource(text), UsageError, text);
});

t.test('a volume is named by its image', async (t) => {
  const cases = [
    ['/disks/web.qcow2', 'web'],
    ['/disks/Debian 12 (old).qcow2', 'debian-12-old'],
    ['2024_backup.img', 'backup'],
    [`${'a'.repeat(50)}.img`, 'a'.repeat(40)],
    ['nbd://10.0.1.10/orders@monday', 'orders-monday'],
    ['https://images.example/My%20Disk.raw', 'my-disk'],
    ['https://images.example/50%.raw', undefined],
  ] as const;
  for (const [text, name] of cases)
    if (name === undefined) t.throws(() => nameFor(parseSource(text)), UsageError, text);
    else t.equal(nameFor(parseSource(text)), name, text);
});

t.test('a size is rounded up to whole regions', async (t) => {
  t.same([1n, 65_536n, 65_537n].map(volumeBytesFor), [65_536n, 65_536n, 131_072n]);
});
