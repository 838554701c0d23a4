/** The PEM files that the configuration names. */
import { readFileSync } from 'node:fs';
import { invalidField, LockstepError, messageOf } from './errors.ts';

/** `field` is the key of the configuration, such as nbd.tls.certificate. */
export function readPem(field: string, path = ''): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { message, violations } = invalidField(field, path, 'a PEM file that can be read');
    throw new LockstepError('INVALID_ARGUMENT', `${message} (${messageOf(cause)})`, {
      reason: 'TLS_UNREADABLE',
      violations,
      metadata: { next: `Give ${field} a file that the user of the daemon can read.` },
      cause,
    });
  }
}
