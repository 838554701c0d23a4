/** The engines there are, by the name that the API knows them by. */
import { invalidField } from '../sys/errors.ts';
import type { EngineDriver } from './drivers.ts';
import { Postgresql } from './postgresql.ts';
import type { ProcessSupervisor } from './processes.ts';

export type EngineRegistry = ReadonlyMap<string, EngineDriver>;

export function engineRegistry(options: {
  readonly stateDir: string;
  readonly processes: ProcessSupervisor;
}): EngineRegistry {
  const drivers: readonly EngineDriver[] = [new Postgresql(options)];
  return new Map(drivers.map((driver) => [driver.engine, driver]));
}

export function engineNamed(registry: EngineRegistry, name: string): EngineDriver {
  const driver = registry.get(name);
  if (driver === undefined) throw invalidField('engine', name, [...registry.keys()].join(', '));
  return driver;
}
