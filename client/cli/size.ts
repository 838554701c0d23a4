/** Sizes as people write them. Units are powers of 1024 and said so: a GB that means two things is refused. */
import { invalidField } from '../../daemon/sys/errors.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const ALLOWED = 'a whole number and a unit, KiB, MiB, GiB or TiB, such as 20GiB';
const HIGHEST_BYTES = 1n << 60n;

/** Strict: digits, then the unit as it is written above; one space between is taken. */
export function parseSize(field: string, text: string): bigint {
  const parts = /^(\d{1,19}) ?(KiB|MiB|GiB|TiB)$/.exec(text);
  if (parts?.[1] === undefined) throw invalidField(field, text, ALLOWED);
  const power = UNITS.findIndex((unit) => unit === parts[2]);
  const bytes = BigInt(parts[1]) << BigInt(10 * power);
  if (bytes === 0n || bytes > HIGHEST_BYTES)
    throw invalidField(field, text, `${ALLOWED}; at most 1 EiB and not 0`);
  return bytes;
}

/** Never rounds up to something that is not there: 1023.99 MiB is not shown as 1 GiB. */
export function formatSize(bytes: bigint | number): string {
  let value = BigInt(bytes);
  let remainder = 0n;
  let power = 0;
  while (value >= 1024n && power < UNITS.length - 1) {
    remainder = value % 1024n;
    value /= 1024n;
    power += 1;
  }
  const tenths = (remainder * 10n) / 1024n;
  const fraction = tenths === 0n || value >= 100n ? '' : `.${String(tenths)}`;
  return `${String(value)}${fraction} ${UNITS[power] ?? 'B'}`;
}
