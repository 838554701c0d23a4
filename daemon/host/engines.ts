/** The engines there are, by the name that the API knows them by. */
import type { Engine } from '../engines/engine.ts';
import { ENGINES } from '../engines/registry.ts';
import { invalidField } from '../sys/errors.ts';
import type { EngineDriver } from './drivers.ts';
import { HostedEngine } from './engine-driver.ts';
import type { ProcessSupervisor } from './processes.ts';

export type EngineRegistry = ReadonlyMap<string, EngineDriver>;

export function engineRegistry(options: {
  readonly stateDir: string;
  readonly processes: ProcessSupervisor;
  /** Absent: all of the product's. */
  readonly engines?: readonly Engine[];
}): EngineRegistry {
  const { engines = ENGINES, ...surroundings } = options;
  return new Map(engines.map((engine) => [engine.name, new HostedEngine(engine, surroundings)]));
}

export function engineNamed(registry: EngineRegistry, name: string): EngineDriver {
  const driver = registry.get(name);
  if (driver === undefined) throw invalidField('engine', name, [...registry.keys()].join(', '));
  return driver;
}
