import type { ServeContext } from '../serve.js';

/** Values of the options a user gave, by their camel-cased long name. */
export type OptionValues = Readonly<Record<string, string | undefined>>;

/** One row of the command table. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Flags and description, defaults included. */
  readonly options: readonly (readonly [flags: string, description: string])[];
  /** What else to know: examples, defaults, files. */
  readonly help: string;
  /** Starts what the command is for; resolves with the parts of the ready line. */
  start(values: OptionValues, context: ServeContext): Promise<Readonly<Record<string, string>>>;
}
