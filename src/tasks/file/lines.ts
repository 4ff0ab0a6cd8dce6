/**
 * The lines of a person's own contexts: JSONL of {"context", "output"?, "feedback"?, "gold"?, "id"?}. What is null is absent, as pandas
 * writes it. Other columns are passed over, and named. Feedback may be several texts: in a list, or in lines that are equal but for it.
 */
import { z } from 'zod';
import { firstTen } from '../../store/bounded.js';
import { UserError } from '../../store/errors.js';
import { eachJsonl } from '../../store/jsonl.js';
import { asGiven } from './as-given.js';

/** A context as its lines give it. */
export interface FileContext {
  /** Where its first line stands: "PATH:LINE". */
  where: string;
  /** As given, or the number of its first line. */
  id: string;
  text: string;
  output?: string;
  feedback: string[];
  gold?: string;
}

/** Longer texts are files of another kind, and too long for any model. */
const LONGEST_TEXT = 1 << 20;

/** A text that can be kept as it is: halves of surrogate pairs are written to no file. */
const readable = z
  .string({
    error: ({ input }) => (input === undefined ? 'it is missing; every line needs it' : 'it must be a text'),
  })
  .regex(/\S/, 'it is empty; write null where there is none')
  .max(LONGEST_TEXT, `it has more than ${LONGEST_TEXT} characters`)
  .refine(
    (given) => !/\p{Surrogate}/u.test(given),
    'it holds half of a surrogate pair, which is no character',
  );
const optional = readable.nullish().transform((given) => given ?? undefined);
const several = 'it must be a text, or a list of texts';

/** Its digits, where JavaScript's numbers keep them all. */
const keptNumber = (given: number): string | number =>
  Number.isInteger(given) && !Number.isSafeInteger(given) ? given : String(given);

const lineSchema = z.looseObject({
  id: z
    .unknown()
    .optional()
    .transform((given) => (typeof given === 'number' ? keptNumber(given) : given))
    .pipe(z.string('it must be a text or a number, of at most 15 digits').nullish())
    .pipe(readable.nullish()),
  context: readable,
  output: optional,
  feedback: z
    .unknown()
    .optional()
    .transform((given) =>
      (Array.isArray(given) ? given : [given]).filter((one) => one !== null && one !== undefined),
    )
    .pipe(z.array(z.string(several).pipe(readable))),
  gold: optional,
});
const KNOWN = Object.keys(lineSchema.shape);

/**
 * @returns the contexts in the order of their first lines, and the columns that nothing reads
 * @throws UserError for a file that cannot be read, and the first line that cannot be used, with its number
 */
export async function readLines(path: string): Promise<{ contexts: FileContext[]; ignored: string[] }> {
  const byText = new Map<string, FileContext>();
  const byId = new Map<string, FileContext>();
  const named = new Set<FileContext>();
  const ignored = new Set<string>();
  for await (const { value, where, line } of eachJsonl(path, lineSchema)) {
    for (const column of Object.keys(value)) if (!KNOWN.includes(column)) ignored.add(column);
    const id = value.id?.trim();
    const row = {
      where,
      id: id ?? String(line),
      text: value.context.trim(),
      ...(value.output !== undefined && { output: asGiven(value.output) }),
      feedback: value.feedback.map(asGiven),
      ...(value.gold !== undefined && { gold: asGiven(value.gold) }),
    };
    const before = byText.get(row.text);
    if (before) {
      addFeedback(before, row, id !== undefined);
      continue;
    }
    const same = byId.get(row.id);
    if (same && id !== undefined && named.has(same))
      throw new UserError(
        `${where}: the id "${row.id}" is that of ${same.where}, too; give each context an id of its own`,
      );
    if (same) {
      const [without, other] = id === undefined ? [where, same.where] : [same.where, where];
      throw new UserError(
        `${without}: without an "id" it would be called ${row.id}, by its line, as ${other} is; give every line an id, or none`,
      );
    }
    if (id !== undefined) named.add(row);
    byText.set(row.text, row);
    byId.set(row.id, row);
  }
  return { contexts: [...byText.values()], ignored: [...ignored] };
}

/** A line that says more about an output that is there already. @throws UserError where it is about something else */
function addFeedback(before: FileContext, row: FileContext, named: boolean): void {
  const fault = (what: string) =>
    new UserError(`${row.where}: this context was given before, ${before.where}${what}`);
  const news = row.feedback.filter((one) => !before.feedback.includes(one));
  if (row.output !== before.output) throw fault(', with another output; give each context once');
  if (row.gold !== undefined && row.gold !== before.gold)
    throw fault(', with another gold; give each context once');
  if (named && row.id !== before.id) throw fault(', with another id; give each context once');
  if (news.length === 0 || before.feedback.length === 0)
    throw fault('; give each context once, or lines that differ in their feedback');
  before.feedback.push(...news);
}

/** What to tell of columns that nothing reads. */
export const ignoredNotice = (path: string, ignored: readonly string[]): string[] =>
  ignored.length === 0
    ? []
    : [
        `${path}: ignored ${ignored.length === 1 ? 'the column' : 'the columns'} ${firstTen(ignored)}; read are ${KNOWN.join(', ')}`,
      ];
