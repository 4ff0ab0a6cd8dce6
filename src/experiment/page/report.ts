/** The experiment's page and documents, from the values alone. */
import { describeInterval } from '../../bayes/index.js';
import type { Before } from '../../ilf/caveats.js';
import type { Claim, ExperimentReport, Section } from '../../report/charts/figures.js';
import type { RowOf, TableSchema } from '../../store/tables.js';
import type { StudyName } from '../names.js';
import type { Values } from '../values.js';
import { claimOf, claimRules, undecidedBy } from './claims.js';
import { findingsOf, frontierFindings } from './sections/index.js';

export interface Made extends Before {
  studies: readonly StudyName[];
  seeds: readonly number[];
  /** Held out. */
  contexts: number;
  /** The name of a person's own contexts; null for the embedded world. */
  task: string | null;
  /** What outputs are scored by. */
  judge: string;
  quick: boolean;
  command: string;
  version: string;
  options: Record<string, string | number | boolean | null>;
  seconds: number;
}

/** The studies that the frontier and its claims are made of. */
const FRONTIER: readonly StudyName[] = ['targets', 'best-of-n', 'rl', 'posterior'];

export function experimentReport(values: Values, made: Made): ExperimentReport {
  const claims = (section: string): Claim[] =>
    claimRules
      .filter((rule) => rule.section === section)
      .map((rule) => undecidedBy(made.caveats, claimOf(rule, values, made.task !== null)));
  const sections: Section[] = made.studies.map((study) => ({
    ...findingsOf[study](values, made.task !== null),
    claims: claims(study),
  }));
  if (FRONTIER.every((study) => made.studies.includes(study)))
    sections.unshift({ ...frontierFindings(values), claims: claims('frontier') });
  return {
    title: `ILF on ${made.task ?? 'summaries'}: the published claims, tested again`,
    command: made.command,
    quick: made.quick,
    seeds: [...made.seeds],
    contexts: made.contexts,
    judge: made.judge,
    annotator:
      made.task === null ? 'simulated annotator' : 'as given, and the instruct model’s where none is',
    caveats: made.caveats,
    ...(made.familiarity && { familiarity: made.familiarity }),
    interval: describeInterval({}, made.seeds.length > 1 ? 'seeds and contexts' : 'contexts'),
    sections,
    options: made.options,
    versions: { ilf: made.version, node: process.version },
    seconds: made.seconds,
  };
}

/** Every arm's measures, for machines. */
export const estimatesTable = {
  study: 'utf8',
  arm: 'utf8',
  measure: 'utf8',
  value: 'float64 or infinite',
  lo: 'float64 or infinite',
  hi: 'float64 or infinite',
  /** Contexts. */
  n: 'int32',
  per_seed: 'list<float32>',
} as const satisfies TableSchema;
export type EstimateRow = RowOf<typeof estimatesTable>;

export const estimateRows = (values: Values): EstimateRow[] =>
  values.all().map(({ study, arm, measure, estimate: { value, lo, hi, n, perSeed } }) => ({
    study,
    arm: arm.label,
    measure: measure.name,
    value,
    lo,
    hi,
    n,
    per_seed: perSeed,
  }));

/** result.json: what must be known first, the claims and the estimates. */
export const documentOf = (report: ExperimentReport, estimates: readonly EstimateRow[]) => ({
  caveats: report.caveats,
  ...(report.familiarity && { familiarity: report.familiarity }),
  command: report.command,
  quick: report.quick,
  seeds: report.seeds,
  contexts: report.contexts,
  judge: report.judge,
  annotator: report.annotator,
  interval: report.interval,
  claims: report.sections.flatMap(({ claims }) => claims),
  estimates,
  options: report.options,
  versions: report.versions,
  seconds: report.seconds,
});
