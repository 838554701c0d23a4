/** Tags are a person's own words about a database: kept, shown, never looked into. */
import { invalidField } from '../../daemon/sys/errors.ts';

const MAX_TAGS = 50;
const KEY = /^[A-Za-z0-9][A-Za-z0-9._/:-]{0,62}$/;
const KEY_ALLOWED = '1 to 63 of letters, digits and "._/:-", starting with a letter or a digit';
const MAX_VALUE_CHARACTERS = 256;
const CONTROL_CHARACTERS = /\p{Cc}/u;
const VALUE_ALLOWED = `up to ${String(MAX_VALUE_CHARACTERS)} characters, without control characters`;

/** Throws INVALID_ARGUMENT about `tags.{key}`. */
export function checkTags(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(tags);
  if (entries.length > MAX_TAGS)
    throw invalidField('tags', `${String(entries.length)} tags`, `up to ${String(MAX_TAGS)}`);
  for (const [key, value] of entries) {
    if (!KEY.test(key)) throw invalidField('tags', key, `keys of ${KEY_ALLOWED}`);
    if (value.length > MAX_VALUE_CHARACTERS || CONTROL_CHARACTERS.test(value))
      throw invalidField(`tags.${key}`, value, VALUE_ALLOWED);
  }
  return { ...tags };
}
