/**
 * What the studies measure: a number of an arm (a model, a ranker, a kind of refinement) on one context, for one measure. All
 * estimates, figures and verdicts are made from these alone.
 */
import {
  type BootstrapOptions,
  type CrossedEstimate,
  crossedDifference,
  crossedEstimate,
  type Estimate,
  type Forecasts,
  meanEstimate,
} from '../bayes/index.js';
import type { RowOf, TableSchema } from '../store/tables.js';

export const valuesTable = {
  seed: 'int32',
  study: 'utf8',
  arm: 'utf8',
  measure: 'utf8',
  context: 'utf8',
  value: 'float64',
} as const satisfies TableSchema;
export type ValueRow = RowOf<typeof valuesTable>;

/** A study's values of one seed, before they are put together. */
export type Value = Pick<ValueRow, 'arm' | 'measure' | 'context' | 'value'>;

/** Shares and scores lie in [0, 1], which gives intervals to what came out the same everywhere. */
const BOUNDS: Record<string, readonly [number, number]> = Object.fromEntries(
  [
    'score',
    'winVsBase',
    'winVsGold',
    'winVsInitial',
    'winVsRandom',
    'incorporated',
    'incorporatedWithout',
    'incorporatedShuffled',
    'correct',
  ].map((measure) => [measure, [0, 1] as const]),
);

/** All values, by study, arm and measure as [seed][context]. */
export class Values {
  private readonly matrices = new Map<string, Map<number, Map<string, number>>>();
  private readonly arms = new Map<string, string[]>();

  constructor(rows: readonly ValueRow[]) {
    for (const { seed, study, arm, measure, context, value } of rows) {
      const arms = this.arms.get(study) ?? [];
      if (!arms.includes(arm)) arms.push(arm);
      this.arms.set(study, arms);
      const key = keyOf(study, arm, measure);
      const seeds = this.matrices.get(key) ?? new Map<number, Map<string, number>>();
      this.matrices.set(key, seeds);
      const contexts = seeds.get(seed) ?? new Map<string, number>();
      seeds.set(seed, contexts);
      contexts.set(context, value);
    }
  }

  /** A study's arms, in the order that it gave them. */
  armsOf(study: string): string[] {
    return this.arms.get(study) ?? [];
  }

  has(study: string, arm: string, measure: string): boolean {
    return this.matrices.has(keyOf(study, arm, measure));
  }

  /** [seed][context] of one measure of an arm. */
  matrix(study: string, arm: string, measure: string): number[][] {
    return this.matricesOf([keyOf(study, arm, measure)])[0]!;
  }

  /**
   * [measure][seed][context] of several, on the contexts that all of them have with all seeds: where two outputs were the same
   * there is no comparison of them, and with another seed there is.
   */
  private matricesOf(keys: readonly string[]): number[][][] {
    const found = keys.map((key) => {
      const seeds = this.matrices.get(key);
      if (!seeds) throw new RangeError(`no values of ${key.replaceAll('\n', ', ')}`);
      return [...seeds].sort(([a], [b]) => a - b).map(([, contexts]) => contexts);
    });
    const all = found.flat();
    const common = [...all[0]!.keys()].filter((context) => all.every((of) => of.has(context))).sort();
    return found.map((seeds) => seeds.map((of) => common.map((context) => of.get(context)!)));
  }

  estimate(study: string, arm: string, measure: string): CrossedEstimate {
    return crossedEstimate(this.matrix(study, arm, measure), optionsOf(measure));
  }

  /** An arm's measures, in the order that they were given. */
  measuresOf(study: string, arm: string): string[] {
    const prefix = keyOf(study, arm, '');
    return [...this.matrices.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  }

  /** Every estimate that there is: of what is a mean over contexts, which the steps of a training and forecasts are not. */
  all(): { study: string; arm: string; measure: string; estimate: CrossedEstimate }[] {
    return [...this.arms].flatMap(([study, arms]) =>
      arms.flatMap((arm) =>
        this.measuresOf(study, arm)
          .filter((measure) => !/^(training|predicted|happened)/.test(measure))
          .map((measure) => ({
            study,
            arm,
            measure,
            estimate: this.estimate(study, arm, measure),
          })),
      ),
    );
  }

  /** A measure whose "contexts" are steps of a training: its mean over seeds at each, with its interval. */
  course(study: string, arm: string, measure: string): [step: number, estimate: Estimate][] {
    const seeds = this.matrices.get(keyOf(study, arm, measure));
    if (!seeds) return [];
    const steps = [...[...seeds.values()][0]!.keys()];
    return steps.map((step) => [Number(step), meanEstimate([...seeds.values()].map((of) => of.get(step)!))]);
  }

  /** What was predicted and what happened, of each context's texts (their "contexts" are ID#TEXT), all seeds together. */
  forecasts(study: string, arm: string): Forecasts[] {
    const groups = new Map<string, { predicted: number[]; happened: number[] }>();
    const matrix = (measure: string) =>
      this.matrices.get(keyOf(study, arm, measure)) ?? new Map<number, Map<string, number>>();
    const happened = matrix('happened');
    for (const [seed, texts] of matrix('predicted'))
      for (const [text, value] of texts) {
        const context = text.slice(0, text.lastIndexOf('#'));
        const of = groups.get(context) ?? { predicted: [], happened: [] };
        groups.set(context, of);
        of.predicted.push(value);
        of.happened.push(happened.get(seed)!.get(text)!);
      }
    return [...groups.values()];
  }

  /** Arm a minus arm b on the same contexts. */
  difference(study: string, measure: string, a: string, b: string): Estimate {
    const [of, against] = this.matricesOf([keyOf(study, a, measure), keyOf(study, b, measure)]);
    const bounds = BOUNDS[measure];
    return crossedDifference(of!, against!, {
      ...(bounds && { bounds: [bounds[0] - bounds[1], bounds[1] - bounds[0]] as const }),
    });
  }

  /** Measure a minus measure b of one arm. */
  differenceOfMeasures(study: string, arm: string, a: string, b: string): Estimate {
    const [of, against] = this.matricesOf([keyOf(study, arm, a), keyOf(study, arm, b)]);
    return crossedDifference(of!, against!);
  }
}

const keyOf = (study: string, arm: string, measure: string) => `${study}\n${arm}\n${measure}`;

const optionsOf = (measure: string): BootstrapOptions => {
  const bounds = BOUNDS[measure];
  return bounds ? { bounds } : {};
};
