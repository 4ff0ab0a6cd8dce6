/**
 * The tables that the steps read and write (Arrow IPC files), joined by `context`, the context's id; refinements also by
 * `candidate`, 0 to N − 1. Log-probabilities are sums over a text's tokens and its end token, in nats.
 */
import type { RowOf, TableSchema } from '../store/tables.js';
import type { Context } from '../tasks/task.js';

/** c. Empty strings stand for what was not given. */
export const contextsTable = {
  context: 'utf8',
  text: 'utf8',
  /** JSON. */
  facts: 'utf8',
  output: 'utf8',
  feedback: 'utf8',
  gold: 'utf8',
} as const satisfies TableSchema;
export type ContextRow = RowOf<typeof contextsTable>;

/** x0 ~ π_θ(·|c), and its log-probability under π_θ. */
export const initialTable = {
  context: 'utf8',
  text: 'utf8',
  logprob: 'float64',
  /** Sampled from π_θ; false where the context came with an output. */
  sampled: 'bool',
} as const satisfies TableSchema;
export type InitialRow = RowOf<typeof initialTable>;

/** f on (c, x0). */
export const feedbackTable = {
  context: 'utf8',
  text: 'utf8',
  /** Who wrote it. */
  source: 'utf8',
  /** JSON: what it asks for, where its writer can tell; for measurement only. */
  points: 'utf8',
} as const satisfies TableSchema;
export type FeedbackRow = RowOf<typeof feedbackTable>;

/** x1 ~ π_ψ(·|c, x0, f), and its log-probability under π_ψ given (c, x0, f) and under π_0 given c. */
export const refinementsTable = {
  context: 'utf8',
  candidate: 'int32',
  text: 'utf8',
  logprob_refiner: 'float64',
  logprob_base: 'float64',
} as const satisfies TableSchema;
export type RefinementRow = RowOf<typeof refinementsTable>;

/** Texts of a context that are only measured. */
export const textsTable = {
  context: 'utf8',
  candidate: 'int32',
  text: 'utf8',
} as const satisfies TableSchema;
export type TextRow = RowOf<typeof textsTable>;

/** R(x1): the probability of the positive answer to each prompt, their mean, and which candidate has the largest. */
export const scoresTable = {
  context: 'utf8',
  candidate: 'int32',
  per_prompt: 'list<float32>',
  mean: 'float64',
  selected: 'bool',
} as const satisfies TableSchema;
export type ScoreRow = RowOf<typeof scoresTable>;

/** A measure with its interval. */
export const measuresTable = {
  /** As in result.json: "winRate.tunedVsBase". */
  measure: 'utf8',
  value: 'float64',
  lo: 'float64',
  hi: 'float64',
  /** Contexts. */
  n: 'int32',
} as const satisfies TableSchema;
export type MeasureRow = RowOf<typeof measuresTable>;

/** A text sampled from q for KL(q ‖ p), token by token, in nats. */
export const klTable = {
  /** "tunedFromBase" or "baseFromTuned". */
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
