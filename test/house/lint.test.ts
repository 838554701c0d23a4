/** Shows that the rules of eslint.config.js that are the house's own fire, with a message that says what to do. */
import { resolve } from 'node:path';
import { ESLint } from 'eslint';
import t from 'tap';
import tseslint from 'typescript-eslint';

const root = resolve(import.meta.dirname, '../..');

/** Rules that need types are left out: they are not ours, and these files exist in this test only. */
const eslint = new ESLint({
  cwd: root,
  overrideConfig: [
    {
      ...tseslint.configs.disableTypeChecked,
      languageOptions: { parserOptions: { projectService: false } },
    },
    { rules: { '@typescript-eslint/no-unused-vars': 'off' } },
  ] as ESLint.Options['overrideConfig'],
});

async function complaints(path: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath: resolve(root, path) });
  return (result?.messages ?? []).map(({ message }) => message);
}

const refusedEverywhere: Readonly<Record<string, string>> = {
  'export enum Colour { Red }': 'Use a union of string literals',
  'export class A { constructor(readonly b: number) {} }': 'Declare the field, assign it in the body',
  'export namespace A { export const b = 1; }': 'A module is the namespace',
  'export default 1;': 'Export it by name',
  'const a = 1; export { a as default };': 'Export it by name',
  'import { a } from "./a.js"; export const b = a;': 'import the .ts file itself',
};

const refusedInPureParts: Readonly<Record<string, string>> = {
  'export const now = Date.now();': 'take the time as an argument',
  'export const now = new Date();': 'take the time as an argument',
  'export const now = performance.now();': 'take the time as an argument',
  'export const now = process.hrtime.bigint();': 'take the time as an argument',
  'export const a = Math.random();': 'take it as an argument',
  'export const a = crypto.randomUUID();': 'take it as an argument',
  'setTimeout(() => {}, 1);': 'return an effect',
  'setInterval(() => {}, 1);': 'return an effect',
  'setImmediate(() => {});': 'return an effect',
  'console.log(1);': 'return it as a value or an effect',
};

t.test('what the house forbids is refused, with a word on what to do instead', async (t) => {
  for (const [text, advice] of Object.entries(refusedEverywhere))
    t.match((await complaints('daemon/wire/example.ts', text)).join(), advice, text);
});

t.test('what a pure part may not call is refused there, with a word on what to do instead', async (t) => {
  for (const path of ['daemon/replication/example.ts', 'daemon/nbd/codec.ts', 'control/monitor/decide.ts'])
    for (const [text, advice] of Object.entries(refusedInPureParts))
      t.match((await complaints(path, text)).join(), advice, `${path}: ${text}`);
});

t.test('a pure part is bound by the rules of the whole house as well', async (t) => {
  for (const [text, advice] of Object.entries(refusedEverywhere))
    t.match((await complaints('daemon/replication/example.ts', text)).join(), advice, text);
});

t.test('other parts may read the clock and set timers', async (t) => {
  const text = 'export const a = Date.now(); setTimeout(() => undefined, Math.random());';
  t.strictSame(await complaints('daemon/wire/example.ts', text), []);
});
