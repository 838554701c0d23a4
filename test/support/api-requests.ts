/** Requests of the public API by their descriptors: one that is right, and what a hostile or a clumsy client sends. */
import {
  type DescField,
  type DescMethod,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from '@bufbuild/protobuf';

const MIB = 1024 * 1024;
const LONG = 'x'.repeat(MIB);
const MANY = 10_000;

/** Of a service, by the last part of its name: what `name` and `parent` hold. */
type Names = Readonly<Record<string, string>>;
const NAMES: Names = {
  DatabaseService: 'databases/ID',
  VolumeService: 'volumes/ID',
  SnapshotService: 'volumes/ID/snapshots/none',
  HostService: 'hosts/ID',
  WorkflowService: 'workflows/ID',
  Operations: 'operations/ID',
};
const PARENTS: Names = {
  SnapshotService: 'volumes/ID',
  EventService: 'databases/ID',
  WorkflowService: 'workflows/ID',
};
const ANY_METHOD: JsonObject = {
  database_id: 'other',
  volume_id: 'other',
  clone_id: 'other',
  snapshot_id: 'other',
  host_id: 'other',
  new_database_id: 'other',
  zone: 'a',
  redundancy_mode: 'REDUNDANCY_MODE_REPLICATED',
  accept_data_loss: true,
  accept_smaller: true,
  accept_half_done: true,
  // A poll of it, and not a wait.
  timeout: '0s',
};
const OF_METHOD: Readonly<Record<string, JsonObject>> = {
  CreateDatabase: { engine: 'postgresql', size_bytes: String(256 * MIB) },
  CreateVolume: { size_bytes: String(MIB) },
  GrowVolume: { size_bytes: String(1024 * MIB) },
  ShrinkVolume: { size_bytes: String(MIB) },
  ForcePrimary: { host: 'hosts/none' },
  // Empty: of the volume as it is now.
  CloneDatabase: { snapshot_id: '' },
  DiffSnapshots: { from: 'volumes/ID/snapshots/none' },
};

/** What the method takes, on a resource of that id, with nothing left to complain about but that. */
export function properRequest(method: DescMethod, id: string): JsonObject {
  const service = method.parent.name;
  const of = (names: Names): string => (names[service] ?? '').replace('ID', id);
  const all: JsonObject = {
    ...ANY_METHOD,
    name: method.name === 'ListOperations' ? '' : of(NAMES),
    parent: of(PARENTS),
    ...OF_METHOD[method.name],
  };
  const fields = method.input.fields.filter(({ name }) => all[name] !== undefined);
  const request: JsonObject = Object.fromEntries(
    fields.map(({ name }) => {
      const value = all[name] ?? '';
      return [name, typeof value === 'string' ? value.replace('ID', id) : value];
    }),
  );
  if (method.name !== 'UpdateDatabase') return request;
  const database = { name: `databases/${id}`, size_bytes: String(512 * MIB) };
  return { ...request, database, update_mask: 'sizeBytes' };
}

/** The field by which a method says what it works on; undefined: on nothing that has to be there. */
export function subjectField(method: DescMethod): string | undefined {
  if (method.name === 'ListOperations') return undefined;
  if (method.name === 'UpdateDatabase') return 'database.name';
  return ['name', 'parent', 'from'].find((name) => method.input.fields.some((field) => field.name === name));
}

const NAMES_THAT_ARE_NONE = [
  'orders',
  'databases/',
  'databases/Orders',
  'databases/orders/extra',
  'databases/a b',
  'databases/../../etc/passwd',
  'databases/\u0000',
  'databases/é\n',
  '%00',
  '__proto__',
  LONG,
  `databases/${LONG}`,
];
const HOSTILE_TEXTS = [
  '\u0000',
  'é\n',
  '\u202e\u2028',
  '../../etc/passwd',
  '__proto__',
  '$(id)',
  "'; --",
  LONG,
];

export interface Hostile {
  /** As a violation names it. */
  readonly field: string;
  readonly value: JsonValue;
  /** No server may take it for something else than a mistake. */
  readonly isWrong: boolean;
}

/** What to put into one field of a proper request, field by field. */
export function hostileValues(method: DescMethod): readonly Hostile[] {
  return method.input.fields.flatMap((field) =>
    valuesOf(field).map(([value, isWrong]) => ({ field: field.name, value, isWrong })),
  );
}

function valuesOf(field: DescField): readonly [value: JsonValue, isWrong: boolean][] {
  const isLong = (value: string): boolean => value.length >= MIB;
  switch (field.fieldKind) {
    case 'scalar':
      if (field.scalar === ScalarType.STRING) return textsOf(field.name);
      if (field.scalar === ScalarType.BOOL) return [];
      if (field.scalar === ScalarType.INT32)
        return [-1, -(2 ** 31), 2 ** 31 - 1].map((value) => [value, field.name === 'page_size' && value < 0]);
      return ['0', '1', '18446744073709551615'].map((value) => [value, false]);
    case 'enum':
      return [[99, true]];
    case 'map':
      return [
        [{ '': '' }, false],
        [{ ['__proto__']: 'x' }, false],
        [{ [LONG]: 'x' }, true],
        [{ x: LONG }, true],
        [Object.fromEntries(Array.from({ length: MANY }, (_, index) => [`k${String(index)}`, 'x'])), true],
      ];
    case 'list':
      if (field.listKind === 'enum') return [[[99], true]];
      return [
        ...HOSTILE_TEXTS.map((text): [JsonValue, boolean] => [[text], isLong(text)]),
        [new Array<string>(MANY).fill('a'), true],
      ];
    case 'message':
      if (field.message.typeName === 'google.protobuf.FieldMask')
        return ['nothingLikeIt', 'name', 'x'.repeat(MIB), Array(1000).fill('tags').join(',')].map(
          (mask, index) => [mask, index < 3],
        );
      if (field.message.typeName === 'google.protobuf.Duration') return [['-1s', false]];
      return [[{}, true]];
  }
}

function textsOf(field: string): readonly [value: string, isWrong: boolean][] {
  if (field === 'name' || field === 'parent' || field === 'from')
    return NAMES_THAT_ARE_NONE.map((value) => [value, true]);
  if (field === 'request_id') return ['x', '123e4567', ' ', ...HOSTILE_TEXTS].map((value) => [value, true]);
  if (field === 'page_token')
    return ['x', Buffer.from('["databases/",7]').toString('base64'), ...HOSTILE_TEXTS].map((value) => [
      value,
      true,
    ]);
  // A wrong etag is another state of the resource, not a mistake of form.
  if (field === 'etag') return HOSTILE_TEXTS.map((value) => [value, false]);
  return HOSTILE_TEXTS.map((value) => [value, value.length >= MIB]);
}
