/** What a person may call a snapshot. */
import { invalidField } from '../sys/errors.ts';

/** `volume@secondary` is another export (exports.ts); a name that begins with "." is a seed's. */
const RESERVED = 'secondary';
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
const ALLOWED = `1 to 63 of letters, digits, "_", "." and "-", beginning with a letter or a digit, and not "${RESERVED}"`;

export function checkSnapshotName(field: string, name: string): void {
  if (!NAME.test(name) || name === RESERVED) throw invalidField(field, name, ALLOWED);
}
