/**
 * Who may import whom. A rule's comment is what its violation prints: it says where the thing belongs instead.
 *
 * Purity is by induction: a pure part (pure-parts.json) may use the values of pure parts, of generated code and of
 * the few packages below, so nothing impure is reached through any number of steps. Types cost nothing at run time
 * and may come from anywhere in the house.
 */
const pureParts = require('./pure-parts.json');

const escape = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
const pure = `^(${pureParts.map((path) => (path.endsWith('/') ? escape(path) : `${escape(path)}$`)).join('|')})`;
const generated = '^proto/gen/';
const inNodeModules = (names) => `node_modules/(${names.map(escape).join('|')})/`;
/** Packages whose functions only compute. */
const pureNpm = inNodeModules(['dns-packet', '@node-rs/crc32']);
const pureBuiltins = '^(node:)?(assert|assert/strict|buffer|util)$';
const codeOfOurs = '^(daemon|control|client|bench|test)/';

module.exports = {
  forbidden: [
    {
      name: 'pure-uses-pure',
      comment:
        'A pure part uses values of pure parts only: pass the rest in, or list the file in pure-parts.json if it is pure.',
      severity: 'error',
      from: { path: pure },
      to: { path: codeOfOurs, pathNot: pure, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'pure-without-node',
      comment:
        'A pure part reads no clock, socket, disk or process: return an effect, and let the shell around it act.',
      severity: 'error',
      from: { path: pure },
      to: { dependencyTypes: ['core'], pathNot: pureBuiltins },
    },
    {
      name: 'pure-without-packages',
      comment: 'A pure part uses packages that only compute (the list is in .dependency-cruiser.cjs).',
      severity: 'error',
      from: { path: pure },
      to: { path: 'node_modules/', pathNot: pureNpm, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nbd-knows-no-replication',
      comment:
        'The NBD server sees a BlockBackend: daemon/nbd/block.ts is the only seam between the two, in both directions.',
      severity: 'error',
      from: { path: '^daemon/nbd/' },
      to: { path: '^daemon/(replication|agent|host|store|wire|meta)/|^daemon/(main|daemon)\\.ts$' },
    },
    {
      name: 'replication-knows-no-nbd',
      comment: 'Replication implements daemon/nbd/block.ts and knows nothing else of NBD.',
      severity: 'error',
      from: { path: '^daemon/(replication|store|wire)/' },
      to: { path: '^daemon/nbd/', pathNot: '^daemon/nbd/block\\.ts$' },
    },
    {
      name: 'control-apart-from-daemon',
      comment:
        'Control reaches hosts by the agent API (proto/gen); of daemon it uses daemon/sys and the facts of daemon/engines.',
      severity: 'error',
      from: { path: '^control/' },
      to: { path: '^(daemon/(?!sys/|engines/)|client/|bench/)' },
    },
    {
      name: 'daemon-mounts-control-in-main',
      comment:
        'The parts of the daemon know control by the coordinator API only; daemon/daemon.ts mounts control/control.ts.',
      severity: 'error',
      from: { path: '^daemon/', pathNot: '^daemon/(main|daemon)\\.ts$' },
      to: { path: '^(control|client|bench)/' },
    },
    {
      name: 'client-apart',
      comment:
        'The client speaks the public API; of the daemon it shares errors, config and gRPC status (daemon/sys).',
      severity: 'error',
      from: { path: '^client/', pathNot: '^client/quickstart/' },
      to: { path: '^(control/|bench/|daemon/)', pathNot: '^daemon/sys/(errors|config|grpc-\\w+)\\.ts$' },
    },
    {
      name: 'quickstart-is-a-host',
      comment:
        'The quick start sets hosts up, so it may use daemon/host, daemon/engines and daemon/sys; nothing else of the daemon.',
      severity: 'error',
      from: { path: '^client/quickstart/' },
      to: { path: '^(control/|bench/|daemon/(?!engines/|host/|sys/))' },
    },
    {
      name: 'product-without-tests',
      comment: 'The product does not import its tests: move what both need into the product.',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
    {
      name: 'metrics-in-one-place',
      comment: 'Publish on node:diagnostics_channel; only daemon/metrics subscribes and knows prom-client.',
      severity: 'error',
      from: { path: codeOfOurs, pathNot: '^daemon/metrics(/|\\.ts$)|^test/' },
      to: { path: inNodeModules(['prom-client']) },
    },
    {
      name: 'no-cycles',
      comment: 'Move what both need into a file below them.',
      severity: 'error',
      from: { path: codeOfOurs },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      comment: 'The import names nothing that exists.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      comment:
        'Declare the package in package.json: what happens to be in node_modules may be gone after an update.',
      severity: 'error',
      from: { path: codeOfOurs },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'product-without-dev-packages',
      comment:
        'The product runs without devDependencies: move the package to dependencies, or the code to test.',
      severity: 'error',
      from: { path: '^(daemon|control|client)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^\\.tap/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.d.ts', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'types', 'default'],
    },
    progress: { type: 'none' },
  },
};
