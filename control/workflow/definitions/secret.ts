/** A password in an error's words: a workflow's log and the events keep those for ever. */
import { LockstepError, messageOf } from '../../../daemon/sys/errors.ts';

const HIDDEN = '(the password)';

/** For `catch`: an engine that refuses a statement may repeat it. Throws the error without the secret. */
export function withoutSecret(secret: string): (error: unknown) => never {
  return (error) => {
    if (secret === '' || !messageOf(error).includes(secret)) throw error;
    const message = messageOf(error).replaceAll(secret, HIDDEN);
    if (!(error instanceof LockstepError)) throw new LockstepError('INTERNAL', message);
    throw new LockstepError(error.code, message, { reason: error.reason });
  };
}
