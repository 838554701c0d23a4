/** docs/configuration.md says what the schema of daemon/sys/config.ts says: every key, and its default. */
import { readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { z } from 'zod';
import { parseConfig, schema } from '../../daemon/sys/config.ts';

const docs = resolve(import.meta.dirname, '../../docs');
const page = readFileSync(resolve(docs, 'configuration.md'), 'utf8');

interface Section {
  readonly properties?: Readonly<Record<string, Section>>;
  readonly default?: unknown;
}

/** host.name and its like, with the default as TOML writes it; undefined where the schema has none. */
function keysOf(section: Section, path = ''): [string, string | undefined][] {
  return Object.entries(section.properties ?? {}).flatMap(([key, value]): [string, string | undefined][] => {
    const name = path === '' ? key : `${path}.${key}`;
    if (value.properties !== undefined) return keysOf(value, name);
    return [[name, value.default === undefined ? undefined : JSON.stringify(value.default)]];
  });
}

function keysOnPage(): Map<string, string> {
  const keys = new Map<string, string>();
  let section = '';
  for (const line of page.split('\n')) {
    section = /^## \[([\w.]+)\]$/.exec(line)?.[1] ?? section;
    const [, key, fallback] = /^\| `(\w+)` \| ([^|]+) \|/.exec(line) ?? [];
    if (key !== undefined && fallback !== undefined) keys.set(`${section}.${key}`, fallback);
  }
  return keys;
}

const inSchema = keysOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Section);

t.test('the page has every key of the schema and no other', async (t) => {
  t.strictSame([...keysOnPage().keys()].sort(), inSchema.map(([key]) => key).sort());
});

t.test('the page gives the defaults of the schema', async (t) => {
  for (const [key, fallback] of inSchema)
    if (fallback !== undefined) t.equal(keysOnPage().get(key), `\`${fallback}\``, key);
    else t.match(keysOnPage().get(key), /^(required|the )/, key);
});

t.test('every configuration that the docs show is accepted', async (t) => {
  for (const name of readdirSync(docs).filter((name) => name.endsWith('.md')))
    for (const [, block = ''] of readFileSync(resolve(docs, name), 'utf8').matchAll(
      /^```toml\n(.*?)^```$/gms,
    ))
      t.doesNotThrow(() => parseConfig(block, name), name);
});
