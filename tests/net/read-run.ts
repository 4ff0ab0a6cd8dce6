/** A run folder as it lies on disk, read with apache-arrow and JSON.parse alone: nothing of src/ takes part. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC, Vector } from 'apache-arrow';

export type Row = Record<string, unknown>;
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface ContextRow extends Row {
  context: string;
  text: string;
  facts: string;
  output: string;
  feedback: string;
  gold: string;
}
/** A text, and its tokens as they were sampled, of the tokenizer of this key; both empty where they are not known. */
export interface WrittenRow extends Row {
  context: string;
  text: string;
  ids: number[];
  tokenizer: string;
}
export interface OutputRow extends WrittenRow {
  logprob: number;
  sampled: boolean;
}
export interface FeedbackRow extends Row {
  context: string;
  text: string;
  source: string;
  points: string;
}
export interface TextRow extends WrittenRow {
  candidate: number;
}
export interface RefinementRow extends TextRow {
  /** Null where the refiner cannot tell. */
  logprob_refiner: number | null;
  logprob_base: number;
}
export interface ScoreRow extends Row {
  context: string;
  candidate: number;
  per_prompt: number[];
  mean: number;
  selected: boolean;
}
export interface TargetRow extends WrittenRow {
  weight: number;
}
export interface KlRow extends Row {
  direction: string;
  context: string;
  ids: number[];
  logprobs_q: number[];
  logprobs_p: number[];
  exact: number[];
}
export interface MeasureRow extends Row {
  measure: string;
  value: number;
  lo: number;
  hi: number;
  n: number;
}

/** What the command line was told, as far as a check needs it. */
export interface Options {
  contexts: number;
  heldout: number;
  samples: number;
  rounds: number;
  roundMode: 'continue' | 'retrain';
  targets: string;
  ranker: string;
  maxTokens: number;
  beta: number;
  base: string;
  refiner: string;
}

export interface Run {
  dir: string;
  options: Options;
  /** Of all steps together. */
  seconds: number;
  result: Json;
  /** Names of the rounds' folders, in order. */
  rounds: string[];
  /** The rows of a table, `heldout/contexts`; null where the run has none. */
  rows<R extends Row>(table: string): R[] | null;
  /** The same for a table that must be there. */
  need<R extends Row>(table: string): R[];
}

/** A table, with lists as arrays. */
export function readRows(path: string): Row[] {
  const table = tableFromIPC(readFileSync(path));
  const names = table.schema.fields.map(({ name }) => name);
  return Array.from({ length: table.numRows }, (_, i) =>
    Object.fromEntries(
      names.map((name) => {
        const cell: unknown = table.getChild(name)!.get(i);
        return [name, cell instanceof Vector ? [...cell] : cell];
      }),
    ),
  );
}

export function readRun(dir: string): Run {
  const json = (file: string) => JSON.parse(readFileSync(join(dir, file), 'utf8'));
  const manifest = json('manifest.json') as { options: Options; steps: Record<string, { seconds: number }> };
  const read = new Map<string, Row[] | null>();
  const rows = (table: string) => {
    const path = join(dir, `${table}.arrow`);
    if (!read.has(table)) read.set(table, existsSync(path) ? readRows(path) : null);
    return read.get(table)!;
  };
  return {
    dir,
    options: manifest.options,
    seconds: Object.values(manifest.steps).reduce((sum, step) => sum + step.seconds, 0),
    result: json('result.json'),
    rounds: readdirSync(dir)
      .filter((name) => /^round-\d+$/.test(name))
      .sort((a, b) => Number(a.slice(6)) - Number(b.slice(6))),
    rows: <R extends Row>(table: string) => rows(table) as R[] | null,
    need: <R extends Row>(table: string) => {
      const found = rows(table);
      if (!found) throw new Error(`${dir} has no table ${table}`);
      return found as R[];
    },
  };
}

/** Rows by the context that they belong to, whatever order they lie in. */
export function grouped<R extends { context: string }>(rows: readonly R[]): Map<string, R[]> {
  const groups = new Map<string, R[]>();
  for (const row of rows) groups.set(row.context, [...(groups.get(row.context) ?? []), row]);
  return groups;
}

/** Rows of a table with one row a context, by context. */
export const single = <R extends { context: string }>(rows: readonly R[]): Map<string, R> =>
  new Map(rows.map((row) => [row.context, row]));

/** Rows of a table with several rows a context, by context and in the candidates' order. */
export const candidates = <R extends { context: string; candidate: number }>(
  rows: readonly R[],
): Map<string, R[]> =>
  new Map([...grouped(rows)].map(([id, of]) => [id, of.slice().sort((a, b) => a.candidate - b.candidate)]));
