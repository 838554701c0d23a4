/** What control knows of an engine: the same facts that hosts run it by. */
import type { EngineFacts } from '../../daemon/engines/engine.ts';
import { checkParametersOf } from '../../daemon/engines/parameters.ts';
import { ENGINES } from '../../daemon/engines/registry.ts';
import { invalidField } from '../../daemon/sys/errors.ts';

/** Refuses an engine that there is not, by the request's field. */
export function engineFacts(engine: string): EngineFacts {
  const facts = ENGINES.find(({ name }) => name === engine);
  if (facts === undefined) throw invalidField('engine', engine, ENGINES.map(({ name }) => name).join(', '));
  return facts;
}

/** Answers the values as they are kept; throws INVALID_ARGUMENT about `parameters.NAME`, with what is allowed. */
export function checkParameters(
  engine: string,
  parameters: Readonly<Record<string, string>>,
): Record<string, string> {
  return checkParametersOf(engineFacts(engine), parameters);
}

/** Of a version of that engine, such as "15" of "15.18"; "" of "", and of a volume without an engine. */
export function majorOf(engine: string, version: string): string {
  return ENGINES.find(({ name }) => name === engine)?.majorOf(version) ?? '';
}
