/** The values of all studies, and what is estimated from them. All estimates, figures and verdicts are made here. */
import {
  type BootstrapOptions,
  type CrossedEstimate,
  crossedDifference,
  crossedEstimate,
  type Estimate,
  type Forecasts,
  meanEstimate,
} from '../bayes/index.js';
import type { Arm } from './arms.js';
import type { Measure, MeasureKind, ValueRow } from './value.js';

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

/** Of one measure of an arm: by seed, by context. */
type Seeds = Map<number, Map<string, number>>;

interface OfArm {
  arm: Arm;
  /** By the measures' names, in the order that they were given. */
  measures: Map<string, { measure: Measure; seeds: Seeds }>;
}

/** All values, by study, arm and measure as [seed][context]. Arms are named by their ids, measures by their names. */
export class Values {
  private readonly studies = new Map<string, Map<string, OfArm>>();

  constructor(rows: readonly ValueRow[]) {
    for (const row of rows) {
      const arms = entry(this.studies, row.study, () => new Map<string, OfArm>());
      const { measures } = entry(arms, row.arm_id, () => ({ arm: armIn(row), measures: new Map() }));
      const { seeds } = entry(measures, row.measure, () => ({ measure: measureIn(row), seeds: new Map() }));
      entry(seeds, row.seed, () => new Map<string, number>()).set(row.context, row.value);
    }
  }

  /** A study's arms, or those of a series, in the order that it gave them. */
  armsOf(study: string, series?: string): Arm[] {
    const arms = [...(this.studies.get(study)?.values() ?? [])].map(({ arm }) => arm);
    return series === undefined ? arms : arms.filter((arm) => arm.series === series);
  }

  arm(study: string, arm: string): Arm | undefined {
    return this.studies.get(study)?.get(arm)?.arm;
  }

  /** An arm's measures, or those of a kind, in the order that they were given. */
  measuresOf(study: string, arm: string, kind?: MeasureKind): Measure[] {
    const measures = [...(this.studies.get(study)?.get(arm)?.measures.values() ?? [])].map(
      ({ measure }) => measure,
    );
    return kind === undefined ? measures : measures.filter((measure) => measure.kind === kind);
  }

  has(study: string, arm: string, measure: string): boolean {
    return this.seedsOf(study, arm, measure) !== undefined;
  }

  /** [seed][context] of one measure of an arm. */
  matrix(study: string, arm: string, measure: string): number[][] {
    return this.matricesOf([[study, arm, measure]])[0]!;
  }

  estimate(study: string, arm: string, measure: string): CrossedEstimate {
    return crossedEstimate(this.matrix(study, arm, measure), optionsOf(measure));
  }

  /** Every estimate that there is: of what is a mean over contexts, which the steps of a training and forecasts are not. */
  all(): { study: string; arm: Arm; measure: Measure; estimate: CrossedEstimate }[] {
    return [...this.studies.keys()].flatMap((study) =>
      this.armsOf(study).flatMap((arm) =>
        this.measuresOf(study, arm.id)
          .filter(({ kind }) => kind !== 'course' && kind !== 'forecast')
          .map((measure) => ({
            study,
            arm,
            measure,
            estimate: this.estimate(study, arm.id, measure.name),
          })),
      ),
    );
  }

  /** A measure whose "contexts" are steps of a training: its mean over seeds at each, with its interval. */
  course(study: string, arm: string, measure: string): [step: number, estimate: Estimate][] {
    const seeds = this.seedsOf(study, arm, measure);
    if (!seeds) return [];
    const steps = [...[...seeds.values()][0]!.keys()];
    return steps.map((step) => [Number(step), meanEstimate([...seeds.values()].map((of) => of.get(step)!))]);
  }

  /** What was predicted and what happened, of each context's texts (their "contexts" are ID#TEXT), all seeds together. */
  forecasts(study: string, arm: string): Forecasts[] {
    const groups = new Map<string, { predicted: number[]; happened: number[] }>();
    const happened = this.seedsOf(study, arm, 'happened');
    for (const [seed, texts] of this.seedsOf(study, arm, 'predicted') ?? [])
      for (const [text, value] of texts) {
        const context = text.slice(0, text.lastIndexOf('#'));
        const of = entry(groups, context, () => ({ predicted: [], happened: [] }));
        of.predicted.push(value);
        of.happened.push(happened!.get(seed)!.get(text)!);
      }
    return [...groups.values()];
  }

  /** Arm a minus arm b on the same contexts. */
  difference(study: string, measure: string, a: string, b: string): Estimate {
    const [of, against] = this.matricesOf([
      [study, a, measure],
      [study, b, measure],
    ]);
    const bounds = BOUNDS[measure];
    return crossedDifference(of!, against!, {
      ...(bounds && { bounds: [bounds[0] - bounds[1], bounds[1] - bounds[0]] as const }),
    });
  }

  /** Measure a minus measure b of one arm. */
  differenceOfMeasures(study: string, arm: string, a: string, b: string): Estimate {
    const [of, against] = this.matricesOf([
      [study, arm, a],
      [study, arm, b],
    ]);
    return crossedDifference(of!, against!);
  }

  private seedsOf(study: string, arm: string, measure: string): Seeds | undefined {
    return this.studies.get(study)?.get(arm)?.measures.get(measure)?.seeds;
  }

  /**
   * [measure][seed][context] of several, on the contexts that all of them have with all seeds: where two outputs were the same
   * there is no comparison of them, and with another seed there is.
   */
  private matricesOf(places: readonly [study: string, arm: string, measure: string][]): number[][][] {
    const found = places.map((place) => {
      const seeds = this.seedsOf(...place);
      if (!seeds) throw new RangeError(`no values of ${place.join(', ')}`);
      return [...seeds].sort(([a], [b]) => a - b).map(([, contexts]) => contexts);
    });
    const all = found.flat();
    const common = [...all[0]!.keys()].filter((context) => all.every((of) => of.has(context))).sort();
    return found.map((seeds) => seeds.map((of) => common.map((context) => of.get(context)!)));
  }
}

/** A map's entry, made where there is none. */
function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}

const armIn = ({ arm_id: id, arm: label, series, x }: ValueRow): Arm => ({ id, label, series, x });
const measureIn = ({ measure: name, kind, place }: ValueRow): Measure => ({
  name,
  kind: kind as MeasureKind,
  place,
});

const optionsOf = (measure: string): BootstrapOptions => {
  const bounds = BOUNDS[measure];
  return bounds ? { bounds } : {};
};
