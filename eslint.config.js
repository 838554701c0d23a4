/**
 * The house rules that a program can check. Each message names what to do instead, so that nobody has to look for
 * the rule's reason elsewhere. Pure parts are listed once, in pure-parts.json; .dependency-cruiser.cjs guards their
 * imports, this file what they call.
 */
import { readFileSync } from 'node:fs';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const pureParts = JSON.parse(readFileSync(new URL('pure-parts.json', import.meta.url), 'utf8')).map((path) =>
  path.endsWith('/') ? `${path}**/*.ts` : path,
);

const houseSyntax = [
  {
    selector: 'TSEnumDeclaration',
    message: 'No enums: the source runs by type stripping. Use a union of string literals.',
  },
  {
    selector: 'TSParameterProperty',
    message:
      'No parameter properties: the source runs by type stripping. Declare the field, assign it in the body.',
  },
  {
    selector: 'TSModuleDeclaration[kind!="global"]',
    message: 'No namespaces: the source runs by type stripping. A module is the namespace.',
  },
  {
    selector: 'ExportDefaultDeclaration, ExportSpecifier[exported.name="default"]',
    message: 'No default exports: a name that is the same everywhere can be searched for. Export it by name.',
  },
  {
    selector:
      ':matches(ImportDeclaration, ExportNamedDeclaration)[source.value=/^\\.(?!.*\\/gen\\/).*\\.js$/]',
    message: 'Nothing is built: import the .ts file itself.',
  },
];

const noClock =
  'A pure part reads no clock: take the time as an argument or in the event (daemon/sys/clock.ts).';
const noTimer =
  'A pure part sets no timer: return an effect that asks for one; the shell answers with an event.';
const noChance = 'A pure part draws no random number: take it as an argument.';
const noOutput = 'A pure part prints and fetches nothing: return it as a value or an effect.';
const restricted = (names, message) => names.map((name) => ({ name, message }));
const restrictedProperty = (object, properties, message) =>
  properties.map((property) => ({ object, property, message }));

const pureSyntax = [{ selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: noClock }];
const pureGlobals = [
  ...restricted(['performance'], noClock),
  ...restricted(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'], noTimer),
  ...restricted(['crypto'], noChance),
  ...restricted(['console', 'fetch'], noOutput),
];
const pureProperties = [
  ...restrictedProperty('Date', ['now'], noClock),
  ...restrictedProperty('process', ['hrtime', 'uptime'], noClock),
  ...restrictedProperty('process', ['nextTick'], noTimer),
  ...restrictedProperty('process', ['env', 'argv', 'stdout', 'stderr', 'exit', 'kill'], noOutput),
  ...restrictedProperty('Math', ['random'], noChance),
];

export default defineConfig(
  { ignores: ['proto/gen/', 'node_modules/', '.tap/', 'bench/results/', 'dist/', 'docs/api/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{ts,js,cjs}'],
    rules: {
      eqeqeq: 'error',
      'no-constant-binary-expression': 'error',
      'no-fallthrough': 'error',
      'no-loss-of-precision': 'error',
      'no-self-compare': 'error',
      'no-unreachable-loop': 'error',
      'no-unsafe-finally': 'error',
      'no-unsafe-optional-chaining': 'error',
      'no-useless-backreference': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': ['error', { destructuring: 'all' }],
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-restricted-syntax': ['error', ...houseSyntax],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A test is queued by calling t.test: its promise is for those who want to wait.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafePromises: [
            { from: 'package', name: 'PromiseWithSubtest', package: '@tapjs/core' },
          ],
        },
      ],
      // A step or a handler may answer nothing: Promise<Partial<State> | void>.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // It takes a flag that a callback sets for a constant.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Only packages and generated code have enums; numbers from the wire are compared with them and put into them.
      '@typescript-eslint/no-unnecessary-type-conversion': 'off',
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // store.get<DatabaseRecord>(key) is the one place where a record gets its type.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // As for the compiler, a name that starts with "_" is left out on purpose.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // An interface that promises is implemented by methods that need not wait; a lost await is a floating promise.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
    },
  },
  {
    files: ['daemon/**/*.ts', 'control/**/*.ts'],
    rules: {
      'no-console': 'error',
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: pureParts,
    rules: {
      'no-restricted-syntax': ['error', ...houseSyntax, ...pureSyntax],
      'no-restricted-globals': ['error', ...pureGlobals],
      'no-restricted-properties': ['error', ...pureProperties],
    },
  },
);
