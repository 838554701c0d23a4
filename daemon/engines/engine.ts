/**
 * What an engine is to the rest of the house. One engine is one PURE file of this folder: facts that control and hosts
 * share, and (`onHost`) the packages, arguments, texts and scripts by which daemon/host/engine-driver.ts runs it. It
 * reads and starts nothing itself, so that control can import it, and a test can read it.
 */

interface ParameterFacts {
  /** As the engine calls it. */
  readonly name: string;
  readonly description: string;
  /** Empty: it follows the size of the database. */
  readonly defaultValue: string;
  /** A change takes effect at the engine's next start. */
  readonly needsRestart: boolean;
}

interface NumberParameter extends ParameterFacts {
  readonly type: 'integer' | 'decimal';
  readonly minimum: number;
  readonly maximum: number;
  /** Such as "ms" or "MB", as the engine's configuration writes it; empty: none. */
  readonly unit: string;
}

interface BooleanParameter extends ParameterFacts {
  readonly type: 'boolean';
}

interface ChoiceParameter extends ParameterFacts {
  readonly type: 'choice';
  readonly choices: readonly string[];
}

/** A setting that a person may change. What could lose an acknowledged write is never one. */
export type EngineParameter = NumberParameter | BooleanParameter | ChoiceParameter;

export interface Endpoint {
  /** The DNS name that follows the primary. */
  readonly alias: string;
  readonly port: number;
  /** The administrator. */
  readonly user: string;
  /** Of the first database in the engine. */
  readonly database: string;
  /** Every address that can become primary. */
  readonly addresses: readonly string[];
}

export interface EngineFacts {
  /** By which the API knows it. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly minimumSizeBytes: number;
  readonly defaultPort: number;
  /** How long crash recovery may take with the parameters at their defaults, on two cores. */
  readonly recoveryBoundSeconds: number;
  readonly parameters: readonly EngineParameter[];
  /** Databases that every installation of the engine has, so that no new one can be called so. */
  readonly ownDatabases: readonly string[];
  /** "15.18" to "15": the files of one major version are not readable by every other. Empty stays empty. */
  majorOf(version: string): string;
  /** Without the password. */
  uri(endpoint: Endpoint): string;
  /** Of every address, for clients that cache names; empty where the engine's clients know none. */
  multiHostUri(endpoint: Endpoint): string;
  /** A command that connects, and asks for the password. */
  command(endpoint: Endpoint): string;
}

/** Short forms, so that a list of parameters reads as a table. */
export const parameter = {
  integer: (
    name: string,
    description: string,
    range: {
      readonly from: number;
      readonly to: number;
      readonly byDefault: number | '';
      readonly unit?: string;
      readonly restart?: true;
    },
  ): EngineParameter => ({
    name,
    description,
    type: 'integer',
    minimum: range.from,
    maximum: range.to,
    defaultValue: String(range.byDefault),
    unit: range.unit ?? '',
    needsRestart: range.restart ?? false,
  }),
  decimal: (
    name: string,
    description: string,
    range: { readonly from: number; readonly to: number; readonly byDefault: number },
  ): EngineParameter => ({
    name,
    description,
    type: 'decimal',
    minimum: range.from,
    maximum: range.to,
    defaultValue: String(range.byDefault),
    unit: '',
    needsRestart: false,
  }),
  boolean: (name: string, description: string, byDefault: 'on' | 'off'): EngineParameter => ({
    name,
    description,
    type: 'boolean',
    defaultValue: byDefault,
    needsRestart: false,
  }),
  choice: (
    name: string,
    description: string,
    options: { readonly of: readonly string[]; readonly byDefault: string },
  ): EngineParameter => ({
    name,
    description,
    type: 'choice',
    choices: options.of,
    defaultValue: options.byDefault,
    needsRestart: false,
  }),
};
