/** Which values an engine's parameters may have. PURE. */
import { invalidField } from '../sys/errors.ts';
import type { EngineFacts, EngineParameter } from './engine.ts';

const ON = ['on', 'true'];
const OFF = ['off', 'false'];
const INTEGER = /^-?\d{1,15}$/;
const DECIMAL = /^-?\d{1,9}(\.\d{1,9})?$/;

/**
 * Answers the values as the engine's configuration has them: numbers without their unit, booleans as on and off.
 * Throws INVALID_ARGUMENT about `parameters.NAME`, with what is allowed.
 */
export function checkParametersOf(
  facts: Pick<EngineFacts, 'title' | 'parameters'>,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const known = new Map(facts.parameters.map((parameter) => [parameter.name, parameter]));
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const parameter = known.get(name);
      const field = `parameters.${name}`;
      if (parameter === undefined) {
        const names = `a parameter of ${facts.title}: ${[...known.keys()].join(', ')}`;
        throw invalidField(field, value, names);
      }
      const accepted = acceptedValue(parameter, value.trim());
      if (accepted === undefined) throw invalidField(field, value, allowedValues(parameter));
      return [name, accepted];
    }),
  );
}

/** What is allowed, in words. */
export function allowedValues(parameter: EngineParameter): string {
  switch (parameter.type) {
    case 'boolean':
      return 'on, off';
    case 'choice':
      return parameter.choices.join(', ');
    case 'integer':
    case 'decimal': {
      const kind = parameter.type === 'integer' ? 'a whole number' : 'a number';
      const unit = parameter.unit === '' ? '' : `, in ${parameter.unit}`;
      return `${kind} from ${String(parameter.minimum)} to ${String(parameter.maximum)}${unit}`;
    }
  }
}

function acceptedValue(parameter: EngineParameter, value: string): string | undefined {
  switch (parameter.type) {
    case 'boolean':
      if (ON.includes(value)) return 'on';
      return OFF.includes(value) ? 'off' : undefined;
    case 'choice':
      return parameter.choices.includes(value) ? value : undefined;
    case 'integer':
    case 'decimal': {
      const { unit, minimum, maximum, type } = parameter;
      const digits = unit !== '' && value.endsWith(unit) ? value.slice(0, -unit.length).trimEnd() : value;
      if (!(type === 'integer' ? INTEGER : DECIMAL).test(digits)) return undefined;
      const number = Number(digits);
      return number >= minimum && number <= maximum ? String(number) : undefined;
    }
  }
}
