import fc from 'fast-check';
import t from 'tap';
import { formatSize, parseSize } from '../../../client/cli/size.ts';

t.test('a size is a whole number and a binary unit', async (t) => {
  t.equal(parseSize('--size', '1GiB'), 1n << 30n);
  t.equal(parseSize('--size', '512 MiB'), 512n << 20n);
  t.equal(parseSize('--size', '2TiB'), 2n << 40n);
});

for (const wrong of [
  '',
  '1',
  '1GB',
  '1gib',
  '1.5GiB',
  '-1GiB',
  '1  GiB',
  ' 1GiB',
  '0GiB',
  '1GiB ',
  '0x10MiB',
  '9999999TiB',
])
  t.test(`${JSON.stringify(wrong)} is refused, with the field and what is allowed`, async (t) => {
    t.throws(() => parseSize('--size', wrong), {
      code: 'INVALID_ARGUMENT',
      violations: [{ field: '--size', value: wrong, allowed: /KiB, MiB, GiB or TiB/ }],
    });
  });

t.test('what is shown is never more than what is there, and at most a tenth less', async () => {
  const units: Readonly<Record<string, bigint>> = {
    B: 1n,
    KiB: 1n << 10n,
    MiB: 1n << 20n,
    GiB: 1n << 30n,
    TiB: 1n << 40n,
    PiB: 1n << 50n,
  };
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 1n << 62n }), (bytes) => {
      const [number = '', unit = ''] = formatSize(bytes).split(' ');
      const tenths = BigInt(Math.round(Number(number) * 10));
      const shown = (tenths * (units[unit] ?? 0n)) / 10n;
      return shown <= bytes && bytes - shown < bytes / 10n + 1n;
    }),
  );
});
