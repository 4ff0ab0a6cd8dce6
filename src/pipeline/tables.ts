/**
 * The tables that the steps read and write (Arrow IPC files), joined by `context`, the context's id, whatever their order; refinements also by
 * `candidate`, 0 to N − 1. Log-probabilities are sums over a text's tokens and its end token, in nats.
 */
import { UserError } from '../store/errors.js';
import { type RowOf, readTable, type TableSchema } from '../store/tables.js';
import type { Context } from '../tasks/task.js';
import type { Written } from '../writers/writer.js';

/** c. Empty strings stand for what was not given. */
export const contextsTable = {
  context: 'key<utf8>',
  text: 'utf8',
  /** JSON. */
  facts: 'utf8',
  output: 'utf8',
  feedback: 'utf8',
  gold: 'utf8',
} as const satisfies TableSchema;
export type ContextRow = RowOf<typeof contextsTable>;

/**
 * A text, its tokens and end as they were sampled, and the key of the tokenizer that they are of; no tokens where the text was given,
 * or is a part of what was sampled: then a file need not have the columns.
 */
const written = {
  text: 'utf8',
  ids: 'optional list<int32>',
  tokenizer: 'optional utf8',
} as const satisfies TableSchema;

/** x0 ~ π_θ(·|c), and the log-probability under π_θ of what it wrote: x0, and feedback before it where it writes both. */
export const initialTable = {
  context: 'key<utf8>',
  ...written,
  logprob: 'float64',
  /** Sampled from π_θ; false where the context came with an output. */
  sampled: 'bool',
} as const satisfies TableSchema;
export type InitialRow = RowOf<typeof initialTable>;

/** f on (c, x0). */
export const feedbackTable = {
  context: 'key<utf8>',
  text: 'utf8',
  /** Who wrote it. */
  source: 'utf8',
  /** JSON: what it asks for, where its writer can tell; for measurement only. */
  points: 'utf8',
} as const satisfies TableSchema;
export type FeedbackRow = RowOf<typeof feedbackTable>;

/**
 * x1 ~ π_ψ(·|c, x0, f), and its log-probability under π_ψ given (c, x0, f), where π_ψ can tell, and under π_0 given c.
 */
export const refinementsTable = {
  context: 'key<utf8>',
  candidate: 'key<int32>',
  ...written,
  logprob_refiner: 'float64?',
  logprob_base: 'float64',
  /** What the refiner was told: its "own" feedback, "none", or an "other" context's. */
  told: 'optional utf8',
} as const satisfies TableSchema;
export type RefinementRow = RowOf<typeof refinementsTable>;

/** Texts of a context that are only measured. */
export const textsTable = {
  context: 'key<utf8>',
  candidate: 'key<int32>',
  ...written,
} as const satisfies TableSchema;
export type TextRow = RowOf<typeof textsTable>;

/** Texts [context][candidate] as rows. */
export const toTextRows = (
  contexts: readonly { id: string }[],
  texts: readonly (readonly Written[])[],
): TextRow[] =>
  contexts.flatMap(({ id }, i) => texts[i]!.map((of, candidate) => ({ context: id, candidate, ...of })));

/**
 * R(x1), and which candidate has the largest. InstructRM's is the mean of the probabilities of the positive answers to its
 * prompts, which stand in `per_prompt`.
 */
export const scoresTable = {
  context: 'key<utf8>',
  candidate: 'key<int32>',
  per_prompt: 'list<float32>',
  /** R, whichever ranker's. */
  mean: 'float64',
  selected: 'bool',
} as const satisfies TableSchema;
export type ScoreRow = RowOf<typeof scoresTable>;

/** What π_θ is tuned on: completions of a context, and the weights of their losses, which sum to 1 for each context. */
export const targetsTable = {
  context: 'utf8',
  ...written,
  weight: 'float64',
} as const satisfies TableSchema;
export type TargetRow = RowOf<typeof targetsTable>;

/** A measure with its interval. */
export const measuresTable = {
  /** As in result.json: "winRate.tunedVsBase". */
  measure: 'key<utf8>',
  value: 'float64 or infinite',
  lo: 'float64 or infinite',
  hi: 'float64 or infinite',
  /** Contexts. */
  n: 'int32',
} as const satisfies TableSchema;
export type MeasureRow = RowOf<typeof measuresTable>;

/** A context's given text and a text of a model's own: −log-probability under it, in nats, and tokens. */
export const familiarityTable = {
  context: 'key<utf8>',
  given_nats: 'float64',
  given_tokens: 'int32',
  own_nats: 'float64',
  own_tokens: 'int32',
  /** Of the model: what guessing costs. */
  vocabulary: 'int32',
} as const satisfies TableSchema;
export type FamiliarityRow = RowOf<typeof familiarityTable>;

/** A text sampled from q for KL(q ‖ p), token by token, in nats. */
export const klTable = {
  /** "tunedFromBase" or "baseFromTuned"; with "given-" before it where the text was given, not sampled from q. */
  direction: 'utf8',
  context: 'utf8',
  ids: 'list<int32>',
  logprobs_q: 'list<float32>',
  logprobs_p: 'list<float32>',
  /** The exact KL over the vocabulary at each position. */
  exact: 'list<float32>',
} as const satisfies TableSchema;
export type KlRow = RowOf<typeof klTable>;

export const toContextRow = ({ id, text, facts, output, feedback, gold }: Context): ContextRow => ({
  context: id,
  text,
  facts: facts === undefined ? '' : JSON.stringify(facts),
  output: output ?? '',
  feedback: feedback ?? '',
  gold: gold ?? '',
});

export const fromContextRow = (row: ContextRow): Context => ({
  id: row.context,
  text: row.text,
  ...(row.facts !== '' && { facts: JSON.parse(row.facts) as unknown }),
  ...(row.output !== '' && { output: row.output }),
  ...(row.feedback !== '' && { feedback: row.feedback }),
  ...(row.gold !== '' && { gold: row.gold }),
});

/** A table of contexts. @throws UserError for a file that is none */
export async function readContexts(path: string): Promise<Context[]> {
  return (await readTable(path, contextsTable)).map((row, i) => {
    try {
      return fromContextRow(row);
    } catch {
      throw new UserError(`${path}: row ${i}: the facts of context "${row.context}" are not JSON`);
    }
  });
}

/** The one row of each context, by the context. `table` is for the error: the rows' name. @throws UserError where there is none */
export function rowOf<R extends { context: string }>(
  rows: readonly R[],
  table: string,
): (context: { id: string }) => R {
  const byId = new Map(rows.map((row) => [row.context, row]));
  return ({ id }) => {
    const row = byId.get(id);
    if (!row) throw new UserError(`${table} has no row for context ${id}; it was made from other contexts`);
    return row;
  };
}

/** Rows of a table by their context. */
export function byContext<R extends { context: string }>(rows: readonly R[]): Map<string, R[]> {
  const groups = new Map<string, R[]>();
  for (const row of rows) {
    const group = groups.get(row.context);
    if (group) group.push(row);
    else groups.set(row.context, [row]);
  }
  return groups;
}

/** The same, each context's rows by the number of their candidate. */
export function candidatesByContext<R extends { context: string; candidate: number }>(
  rows: readonly R[],
): Map<string, R[]> {
  const groups = byContext(rows);
  for (const group of groups.values()) group.sort((a, b) => a.candidate - b.candidate);
  return groups;
}

/** x ~ π(·|c) for best-of-n: its reward, and its log-probability under π and under π_0. */
export const bestOfNTable = {
  context: 'key<utf8>',
  candidate: 'key<int32>',
  ...written,
  reward: 'float64',
  logprob_model: 'float64',
  logprob_base: 'float64',
} as const satisfies TableSchema;
export type BestOfNRow = RowOf<typeof bestOfNTable>;

/** A step of RL: what its batch of samples from π_θ gave, before the step. Means over samples. */
export const rlTable = {
  /** From 1. */
  step: 'int32',
  /** r, without the penalty. */
  reward: 'float64',
  /** k1 estimate of KL(π_θ ‖ π_0), in nats a text: it may be negative. */
  kl: 'float64',
  /** −Σ A ln π_θ(x) / samples: only its gradient means something. */
  loss: 'float64',
  /** Norm of the gradient before clipping. */
  grad_norm: 'float64',
  /** Tokens, the end of text included. */
  length: 'float64',
} as const satisfies TableSchema;
export type RlRow = RowOf<typeof rlTable>;

/** Two outputs of one context, whose text is `text`, of which one was preferred. */
export const comparisonsTable = {
  context: 'key<utf8>',
  text: 'utf8',
  chosen: 'utf8',
  rejected: 'utf8',
} as const satisfies TableSchema;
