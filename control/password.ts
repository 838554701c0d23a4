/** Passwords that control makes up. */
import { randomBytes } from 'node:crypto';

const PASSWORD_BYTES = 18;

export const newPassword = (): string => randomBytes(PASSWORD_BYTES).toString('base64url');
