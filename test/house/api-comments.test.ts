/** The public API explains itself: what `buf lint` cannot ask of messages and fields, since many speak for themselves. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';

const FOLDER = resolve(import.meta.dirname, '../../proto/lockstep/v1');
/** Of the same meaning wherever they are: docs/api.md tells it once. */
const STANDARD = new Set([
  'uid',
  'etag',
  'create_time',
  'start_time',
  'end_time',
  'page_size',
  'page_token',
  'next_page_token',
  'validate_only',
  'request_id',
  'tags',
]);
/** A value of one of the API's own types, which says at its declaration what it is. */
const OWN_TYPE = /^(repeated |optional )?[A-Z]\w+ /;
const FIELD = /^ {2}((?:repeated |optional )?(?:map<[^>]*>|[\w.]+) (\w+)) = \d+/;

function unexplained(file: string): readonly string[] {
  const lines = readFileSync(join(FOLDER, file), 'utf8').split('\n');
  let message = '';
  return lines.flatMap((line, index) => {
    message = /^(?:message|enum|service) (\w+)/.exec(line)?.[1] ?? message;
    const [, declaration = '', name = ''] = FIELD.exec(line) ?? [];
    const isPlain = STANDARD.has(name) || OWN_TYPE.test(declaration);
    const isExplained = lines[index - 1]?.trimStart().startsWith('//') === true;
    return name === '' || isPlain || isExplained ? [] : [`${file}:${String(index + 1)} ${message}.${name}`];
  });
}

t.test('every field of the public API has a comment, or a name or a type that speaks for itself', (t) => {
  const files = readdirSync(FOLDER);
  t.ok(files.length > 0);
  t.same(files.flatMap(unexplained), []);
  t.end();
});

t.test('docs/api.md explains what stands without a comment', (t) => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/api.md'), 'utf8');
  t.same(
    [...STANDARD].filter((name) => !page.includes(`\`${name}\``)),
    [],
  );
  t.end();
});
