/**
 * Every method of the public API, by its descriptors: whatever it is sent, it answers or refuses in the form of
 * google.aip.dev/193, and never with an error of the server.
 */
import type { DescMethod, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { status as Code } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { OperationsService } from '../../../proto/gen/google/longrunning/operations.ts';
import { callByDescriptor, callRaw, type Outcome, pathOf, publicMethods } from '../../support/api-calls.ts';
import { hostileValues, properRequest, subjectField } from '../../support/api-requests.ts';
import { ControlHarness } from '../../support/control-harness.ts';

/** By google.aip.dev/151 that is the answer where a server does not cancel or delete. */
const NEVER = new Set(['CancelOperation', 'DeleteOperation']);
/** What is allowed there depends on what the resource is now, which is looked at first; and fields without a server. */
const LENIENT = new Set(['ConvertRedundancy.place']);
/** What gRPC's C core, and with it Python, takes of trailing headers by default. */
const CLIENT_HEADER_BYTES = 8192;
const OF_THE_SERVER = [
  Code.UNKNOWN,
  Code.INTERNAL,
  Code.UNIMPLEMENTED,
  Code.DATA_LOSS,
  Code.DEADLINE_EXCEEDED,
];

const methods = publicMethods();
/** With a sentence for the report; empty: it is as it should be. */
type Judge = (outcome: Outcome) => string;

/** What every refusal has to have; the first thing that is missing. */
const wellFormed: Judge = ({ code, message, info, violations, resource, headerBytes }) => {
  if (code === Code.OK) return '';
  const what = `${Code[code]}: ${message.slice(0, 200)}`;
  if (OF_THE_SERVER.includes(code)) return `an error of the server, ${what}`;
  if (info === undefined) return `no ErrorInfo: ${what}`;
  if (!/^[A-Z][A-Z0-9_]{0,62}$/.test(info.reason) || info.domain === '') return `no reason: ${what}`;
  if (code === Code.INVALID_ARGUMENT && violations.length === 0) return `no field is named: ${what}`;
  if (violations.some(({ field, description }) => field === '' || description === ''))
    return `a violation without field or words: ${what}`;
  if (code === Code.NOT_FOUND && (resource?.resourceName ?? '') === '')
    return `no resource is named: ${what}`;
  if (violations.length === 0 && (info.metadata['next'] ?? '') === '')
    return `does not say what to do: ${what}`;
  if (headerBytes > CLIENT_HEADER_BYTES) return `${String(headerBytes)} bytes of headers: ${what}`;
  return '';
};

/** Calls each method that the server has, and tells all that is wrong at once. */
async function judgeAll(
  t: Test,
  judged: (method: DescMethod) => Promise<readonly string[]>,
  which: (method: DescMethod) => boolean = () => true,
): Promise<void> {
  const wrong: string[] = [];
  let count = 0;
  for (const method of methods.filter((one) => !NEVER.has(one.name) && which(one))) {
    count++;
    for (const one of await judged(method)) if (one !== '') wrong.push(`${pathOf(method)} ${one}`);
  }
  t.same(wrong, []);
  t.ok(count > 0);
}

t.test('an empty request is answered or refused, by every method', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  await judgeAll(t, async (method) => [wellFormed(await callByDescriptor(harness.client, method, {}))]);
});

t.test('what is not there is NOT_FOUND, and named', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  await judgeAll(
    t,
    async (method) => {
      const outcome = await callByDescriptor(harness.client, method, properRequest(method, 'none'));
      const isFound = outcome.code !== Code.NOT_FOUND;
      return [
        wellFormed(outcome) || (isFound ? `${Code[outcome.code]}, not NOT_FOUND: ${outcome.message}` : ''),
      ];
    },
    (method) => subjectField(method) !== undefined,
  );
});

t.test('a request that is no message of its type is INVALID_ARGUMENT', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  await judgeAll(t, async (method) => {
    // A field of 127 bytes of which there are none.
    const outcome = await callRaw(harness.client, method, Buffer.from([0x0a, 0x7f]));
    const { code, info } = outcome;
    const isRight = code === Code.INVALID_ARGUMENT && info?.reason === 'UNREADABLE_REQUEST';
    return [isRight && (info.metadata['next'] ?? '') !== '' ? '' : `${Code[code]}: ${outcome.message}`];
  });
});

/** One field after the other, the rest proper. `demands`: of which fields a value that is wrong has to be called so. */
async function hostile(
  harness: ControlHarness,
  method: DescMethod,
  proper: JsonObject,
  demands: (field: string) => boolean,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { field, value, isWrong } of hostileValues(method)) {
    const outcome = await callByDescriptor(harness.client, method, { ...proper, [field]: value });
    const { code, violations } = outcome;
    const isNamed = violations.some((one) => one.field === field || one.field.startsWith(`${field}.`));
    const isMissed = isWrong && demands(field) && !(code === Code.INVALID_ARGUMENT && isNamed);
    const what = wellFormed(outcome) || (isMissed ? `is taken: ${Code[code]} ${outcome.message}` : '');
    if (what !== '') wrong.push(`${field} = ${printed(value)}: ${what.slice(0, 150)}`);
  }
  return wrong;
}

/** What separates lines for some readers of a report would tear it apart. */
const printed = (value: JsonValue): string =>
  JSON.stringify(value)
    .slice(0, 60)
    .replace(/[^\x20-\x7e]/g, '?');

t.test('whatever is in a field, of a resource that is not there: no error of the server', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  await judgeAll(t, (method) =>
    hostile(harness, method, properRequest(method, 'none'), (field) => /^(name|parent|from)$/.test(field)),
  );
});

t.test('what is no value of a field is INVALID_ARGUMENT, and the field is named', async (t) => {
  const harness = await ControlHarness.open(t);
  const { volume } = await harness.createOrders();
  const [created] = (await harness.call(OperationsService.listOperations, {})).operations;
  const ids = new Map([
    ['VolumeService', volume.replace('volumes/', '')],
    ['WorkflowService', created?.name.replace('operations/', '')],
    ['Operations', created?.name.replace('operations/', '')],
    ['HostService', 'host-a'],
  ]);
  await judgeAll(
    t,
    (method) => {
      const id = ids.get(method.parent.name) ?? 'orders';
      return hostile(
        harness,
        method,
        { ...properRequest(method, id), ...checkOnly(method) },
        (field) => !LENIENT.has(`${method.name}.${field}`),
      );
    },
    // The others would change the database under the next.
    (method) => isRead(method) || Object.keys(checkOnly(method)).length > 0,
  );
  t.equal((await harness.get()).state, 2, 'nothing was changed');
});

const isRead = ({ name }: DescMethod): boolean => /^(Get|List|Watch)/.test(name);
const checkOnly = ({ input }: DescMethod): JsonObject =>
  input.fields.some(({ name }) => name === 'validate_only') ? { validate_only: true } : {};
