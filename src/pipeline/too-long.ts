/** Texts that do not fit into a model's window: all of them are named at once, or left out. */
import { readConfig } from '../lm/config.js';
import { firstTen } from '../store/bounded.js';
import { UserError } from '../store/errors.js';
import { loadTokenizer, type Tokenizer } from '../text/tokenizer.js';
import { requireModel } from '../writers/model-files.js';
import type { TextModel } from '../writers/text-model.js';

/** Whether what is too long is left out, and who is told. */
export interface TooLong {
  skip: boolean;
  tell(line: string): void;
}
/** Nothing is left out. */
export const refuseTooLong: TooLong = { skip: false, tell: () => {} };

/** As much of a model as says how long texts are to it. */
export interface Reader {
  dir: string;
  tokenizer: Tokenizer;
  /** Tokens that it reads and writes at once. */
  window: number;
}

export const readerOf = ({ dir, tokenizer, lm }: TextModel): Reader => ({
  dir,
  tokenizer,
  window: lm.description.positions,
});

/** Without the weights. @throws UserError for a folder that is no model's */
export async function openReader(dir: string): Promise<Reader> {
  await requireModel(dir);
  const { description } = await readConfig(dir);
  return { dir, tokenizer: await loadTokenizer(dir), window: description.positions };
}

/** What stands in a model's window: texts one after another, and room for what is written after them. */
export const need = (model: Reader, room: number, ...texts: readonly string[]): Need => ({
  model,
  tokens: texts.reduce(
    (sum, text) => sum + model.tokenizer.encode(text).length,
    room + model.tokenizer.begin.length,
  ),
});

/** What a text may take of a model's window, in tokens: the most that is read and written at once. */
export interface Need {
  model: Pick<Reader, 'dir' | 'window'>;
  tokens: number;
}

/** A text that does not fit: its name ("PATH:LINE" where it is a line), and where it fits least. */
interface Misfit {
  name: string;
  need: Need;
}

const excess = ({ model: { window }, tokens }: Need) => tokens - window;

/**
 * The items that fit. @param what they are: "contexts"
 * @throws UserError that names those that do not, where they are not to be left out, and where none is left
 */
export function fitting<T>(
  items: readonly T[],
  what: string,
  nameOf: (item: T) => string,
  needsOf: (item: T) => readonly Need[],
  { skip, tell }: TooLong,
): T[] {
  const misfits: Misfit[] = [];
  const fit = items.filter((item) => {
    const needs = needsOf(item).filter((need) => excess(need) > 0);
    if (needs.length === 0) return true;
    const need = needs.reduce((worst, one) => (excess(one) > excess(worst) ? one : worst));
    misfits.push({ name: nameOf(item), need });
    return false;
  });
  if (misfits.length === 0) return fit;
  const count = `${misfits.length} of ${items.length} ${what}`;
  if (!skip)
    throw new UserError(
      `${count} ${misfits.length === 1 ? 'is' : 'are'} too long with what is written about them: ${listOf(misfits)}; ${windowsOf(misfits)}; shorten them, lower --max-tokens, or leave them out by --skip-too-long`,
    );
  if (fit.length === 0)
    throw new UserError(
      `all ${items.length} ${what} are too long: ${listOf(misfits)}; ${windowsOf(misfits)}`,
    );
  tell(`left out as too long, ${count}: ${listOf(misfits)}; ${windowsOf(misfits)}`);
  return fit;
}

/** The contexts that have a row in each table, where an earlier step may have left some out; else all. */
export const inTables = <C extends { id: string }>(
  contexts: readonly C[],
  { skip }: TooLong,
  ...tables: readonly (readonly { context: string }[])[]
): C[] => {
  const known = tables.map((rows) => new Set(rows.map(({ context }) => context)));
  return skip ? contexts.filter(({ id }) => known.every((of) => of.has(id))) : [...contexts];
};

/** "own.jsonl: lines 3 (600 tokens), 7 (541 tokens)", where they are lines of one file. */
function listOf(misfits: readonly Misfit[]): string {
  const tokens = ({ need }: Misfit) => `(${need.tokens} tokens)`;
  const places = misfits.map(({ name }) => /^(?<file>.*):(?<line>\d+)$/s.exec(name)?.groups);
  const [file] = new Set(places.map((place) => place?.file));
  if (file === undefined || places.some((place) => place?.file !== file))
    return firstTen(misfits.map((misfit) => `${misfit.name} ${tokens(misfit)}`));
  const lines = misfits
    .map((misfit, i) => ({ line: Number(places[i]!.line), tokens: tokens(misfit) }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, tokens }) => `${line} ${tokens}`);
  return `${file}: ${misfits.length === 1 ? 'line' : 'lines'} ${firstTen(lines)}`;
}

function windowsOf(misfits: readonly Misfit[]): string {
  const windows = new Map(misfits.map(({ need: { model } }) => [model.dir, model.window]));
  return `the window of ${[...windows].map(([dir, window]) => `${dir} is ${window} tokens`).join(', of ')}`;
}
