/** Descriptors by name: of a registry, or from a module of a person's own. */
import { pathToFileURL } from 'node:url';
import { UserError } from './errors.js';
import { oneLine } from './read-json.js';

/** A path and not a name: what ends like a module. */
export const isModule = (name: string): boolean => /\.[cm]?js$/.test(name);

/** The file that a step depends on where it is made by a module of a person's own; none for those of a registry. */
export const moduleFiles = (...names: readonly (string | null)[]): string[] =>
  names.filter((name): name is string => name !== null && isModule(name));

/**
 * The descriptor of this name, or the default export of the module at this path.
 * @param kind what it is, for messages: "ranker"
 * @throws UserError where there is none, or the module exports none
 */
export async function fromRegistry<D extends { name: string; open: unknown }>(
  kind: string,
  registry: readonly D[],
  name: string,
): Promise<D> {
  if (isModule(name)) return fromModule(kind, name, registry);
  const found = registry.find((descriptor) => descriptor.name === name);
  if (!found)
    throw new UserError(
      `there is no ${kind} "${name}"; there are ${registry.map((descriptor) => descriptor.name).join(', ')}, and modules of your own (a path that ends in .js)`,
    );
  return found;
}

/** The functions that all of a registry have: what a descriptor must have, too. */
const functionsOf = <D extends object>(registry: readonly D[]): string[] =>
  Object.keys(registry[0]!).filter((key) =>
    registry.every((descriptor) => typeof descriptor[key as keyof D] === 'function'),
  );

async function fromModule<D extends { name: string; open: unknown }>(
  kind: string,
  path: string,
  registry: readonly D[],
): Promise<D> {
  let module: { default?: Partial<D> };
  try {
    module = (await import(pathToFileURL(path).href)) as { default?: Partial<D> };
  } catch (error) {
    throw new UserError(`cannot load the ${kind} ${path}: ${oneLine((error as Error).message)}`);
  }
  const { default: descriptor } = module;
  const needed = functionsOf(registry);
  const isOne =
    typeof descriptor?.name === 'string' &&
    needed.every((key) => typeof descriptor[key as keyof D] === 'function');
  if (!isOne)
    throw new UserError(
      `${path} is no ${kind}: its default export must be an object with a name and ${needed.length > 1 ? 'the functions' : 'a function'} ${needed.join(', ')}`,
    );
  return descriptor as D;
}
