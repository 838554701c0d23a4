/** What google.aip.dev asks of requests and answers, by the descriptors: 132, 151, 154, 155, 158, 163. */
import type { DescMessage, DescMethod } from '@bufbuild/protobuf';
import t from 'tap';
import { publicMethods } from '../support/api-calls.ts';

const methods = publicMethods().filter((method) => method.parent.typeName.startsWith('lockstep.'));
const OPERATION = 'google.longrunning.Operation';

const lacking = (message: DescMessage, ...names: readonly string[]): readonly string[] =>
  names
    .filter((name) => !message.fields.some((field) => field.name === name))
    .map((name) => `${message.name}.${name}`);

const named = (pattern: RegExp): readonly DescMethod[] => methods.filter(({ name }) => pattern.test(name));

t.test('what begins an operation can be asked for again, and only tried', (t) => {
  const begun = methods.filter(({ output }) => output.typeName === OPERATION);
  t.ok(begun.length > 0);
  t.same(
    begun.flatMap(({ input }) => lacking(input, 'request_id', 'validate_only')),
    [],
  );
  t.end();
});

t.test('a change of a database that is there can be bound to what was read', (t) => {
  // An update has it within the database.
  const changing = methods.filter(
    ({ name, parent, output }) =>
      parent.name === 'DatabaseService' &&
      output.typeName === OPERATION &&
      !/^(Create|Clone|Update)/.test(name),
  );
  t.ok(changing.length > 0);
  t.same(
    changing.flatMap(({ input }) => lacking(input, 'etag')),
    [],
  );
  t.end();
});

t.test('every list comes in pages', (t) => {
  t.same(
    named(/^List/).flatMap(({ input, output }) => [
      ...lacking(input, 'page_size', 'page_token'),
      ...lacking(output, 'next_page_token'),
    ]),
    [],
  );
  t.end();
});

t.test('a get answers the resource that its name is of', (t) => {
  for (const { name, input, output } of named(/^Get(?!ClusterStatus|ConnectionInfo)/)) {
    t.equal(output.name, name.replace(/^Get/, ''));
    t.same(lacking(input, 'name'), []);
    t.same(lacking(output, 'name'), []);
  }
  t.end();
});
