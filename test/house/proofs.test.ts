/** What docs/replication.md says was proved, and how, names what exists. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { planned } from '../model/searches.ts';
import { mutations } from '../sim/mutations.ts';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(resolve(root, 'docs/replication.md'), 'utf8');
const section = page.split(/^## /m).find((text) => text.startsWith('What was proved how\n')) ?? '';
const quoted = [...section.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);

t.test('each mutation that is named is one of test/sim/mutations.ts', async (t) => {
  const names = new Set(mutations.map(({ name }) => name));
  const named = quoted.filter((text) => /^[a-z]+(-[a-z]+)+$/.test(text));
  t.not(named.length, 0);
  t.strictSame(
    named.filter((name) => !names.has(name)),
    [],
  );
});

t.test('each rule of the model that is named is one of test/model/searches.ts', async (t) => {
  const names = new Set(planned.map(({ name }) => name));
  const named = [...section.matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)].map(([name]) => name);
  t.not(named.length, 0);
  t.strictSame(
    named.filter((name) => !names.has(name)),
    [],
  );
});

t.test('each file and folder that is named is there', async (t) => {
  const named = quoted.filter((text) => text.startsWith('test/'));
  t.not(named.length, 0);
  t.strictSame(
    named.filter((path) => !existsSync(resolve(root, path))),
    [],
  );
});
