/**
 * An architecture says how a config.json is to be understood: the description of the model that it is of, and what Hugging
 * Face calls the parts. Light to import: no tensors here.
 */
import type { z } from 'zod';
import { UserError } from '../store/errors.js';
import { firstIssue } from '../store/read-json.js';
import type { Description, Names } from './description.js';
import { type Parameter, parametersOf } from './parameters.js';

/** A checked config.json: unknown fields are kept and written back. */
export type Json = Readonly<Record<string, unknown>>;

/** One in src/lm/architectures/, and a line in its index.ts. */
export interface Architecture<C extends Json = Json> {
  /** As config.json says it. */
  readonly modelType: string;
  /** Refuses what would compute something else than the description says. */
  readonly schema: z.ZodType<C>;
  describe(json: C): Description;
  /** Hugging Face's names of the parts, in the order of its parameters. A tied head has a name, too: files may hold it. */
  readonly names: Names;
  /** What files of whole models may put before these names, but for the head's. */
  readonly prefix: string;
  /** Tensors in files that are no parameters. */
  readonly buffers: RegExp;
}

/** A model's architecture and config.json, and what follows from them. */
export interface LMConfig {
  readonly architecture: Architecture;
  readonly json: Json;
  readonly description: Description;
  /** In Hugging Face's order. */
  readonly parameters: readonly Parameter[];
}

/** @throws UserError naming the first wrong field; `where` begins the message */
export function configOf(architecture: Architecture, json: unknown, where = 'model config'): LMConfig {
  const parsed = architecture.schema.safeParse(json);
  if (!parsed.success) throw new UserError(`${where}: ${firstIssue(parsed.error)}`);
  const description = architecture.describe(parsed.data);
  const parameters = parametersOf(description, architecture.names);
  return { architecture, json: parsed.data, description, parameters };
}
