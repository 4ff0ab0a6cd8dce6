// What a report is made from. Everything that needs an oracle, references or a second round is optional: on a user's
// own data there may be none, and every view then says what is missing and why instead of showing a hole.
import type { Estimate, KlEstimates, KlResult } from '../../bayes/index.js';
import type { Caveat, Familiarity } from '../caveats.js';
import type { Settings } from '../page/settings.js';

/** Of refinements by what the refiner was told. */
export interface Refined {
  feedback?: Estimate;
  noFeedback?: Estimate;
  shuffledFeedback?: Estimate;
}

/** The measures of a finished run, as they stand in its JSON document. */
export interface Measures {
  /** Share of contexts won by the first against the second, ties as half, by the judge that the report names. */
  winRate?: { tunedVsBase?: Estimate; tunedVsGold?: Estimate; baseVsGold?: Estimate };
  /** Share of refinements that settle every point of the feedback, by an oracle: made with it, and two controls. */
  incorporated?: Refined;
  /** Where no oracle knows what the feedback asks for: InstructRM's mean probability that it was followed, which is no share. */
  judgeProbability?: Refined;
  /** Mean oracle score of the refinement that the run's ranker picks, and those of two controls, and how well the run's orders one context's refinements. */
  ranking?: {
    picked?: Estimate;
    random?: Estimate;
    longest?: Estimate;
    pickedMinusRandom?: Estimate;
    pairAccuracy?: Estimate;
    pooledAuc?: Estimate;
  };
  /** Mean oracle score of outputs for held-out contexts; the difference is paired. */
  score?: { base?: Estimate; tuned?: Estimate; gold?: Estimate; tunedMinusBase?: Estimate };
  /** The same by InstructRM: all there is without an oracle, and no independent witness where it is the ranker. */
  rankerScore?: { base?: Estimate; tuned?: Estimate; tunedMinusBase?: Estimate };
  kl?: {
    /** KL(tuned ‖ base), from the tuned model's samples. */
    tunedFromBase?: KlResult;
    /** KL(base ‖ tuned), from the base model's samples. */
    baseFromTuned?: KlResult;
  };
}

/** The state of the model after a round; round 0 is the base model. */
export interface RoundMeasures {
  round: number;
  /** Contexts whose refinements the model was tuned on in this round. */
  contexts?: number;
  /** Against the base model. */
  winRate?: Estimate;
  /** Mean oracle score. */
  score?: Estimate;
  kl?: { tunedFromBase?: KlEstimates; baseFromTuned?: KlEstimates };
}

/** One held-out context with everything that ILF makes of it. */
export interface Sample {
  context: string;
  /** x0, which the feedback is on. */
  initial: string;
  /** Whether x0 came with the context; else the base model wrote it. */
  given?: boolean;
  /** What the base model wrote, independently of x0: the tuned model's text is compared with this. */
  base?: string;
  feedback: string;
  /** x1: the refinement that the ranker picked. */
  refinement: string;
  /** The tuned model's output. */
  tuned: string;
  /** The reference. */
  gold?: string;
  /** Oracle scores, where there is an oracle. */
  scores?: { initial?: number; base?: number; refinement?: number; tuned?: number };
}

/** What the posterior over the refinements looked like. */
export interface PosteriorReport {
  /** β of exp(β R); Infinity is the argmax. */
  beta: number;
  /** Powers of π_0 and 1/q in the weights: 0 leaves them out, as the papers do. */
  priorWeight: number;
  proposalWeight: number;
  /** Refinements per context. */
  samplesPerContext: number;
  /** Mean effective sample size of the weights. */
  ess?: Estimate;
  /** Mean log p(I=1 | c), in nats. */
  logEvidence?: Estimate;
  /** The weights of some contexts' refinements, each sorted from the heaviest, for a look at their shape. */
  weights?: number[][];
}

/** A ranker's and the oracle's score of one refinement. */
export interface RankedPoint {
  context: string | number;
  ranker: number;
  oracle: number;
}

/** What a task's things are called, in the singular and in the plural. */
export interface Words {
  context: string;
  contexts: string;
  output: string;
  outputs: string;
}

export interface Report {
  title: string;
  /** What is learned, in a few words. */
  task: string;
  /** What the task's contexts and outputs are called. */
  words: Words;
  /** Who gave the feedback: "simulated annotator", "people (data set)", "critique model". */
  annotator: string;
  /** What picked refinements: "InstructRM", "longest". */
  ranker: string;
  /** Who decides wins: "oracle: F1 of the six facts". */
  judge?: string;
  /** What scores are, where another than the judge gives them: "F1 of ROUGE-L against the reference". */
  scorer?: string;
  /** What to know before all else. */
  caveats?: Caveat[];
  /** Whether the models know such texts, where that was asked. */
  familiarity?: Familiarity[];
  measures: Measures;
  /** Why a group of measures is absent, by its key in {@link Measures}. */
  absent?: Partial<Record<keyof Measures, string>>;
  /** In order, round 0 first where it was measured. */
  rounds: RoundMeasures[];
  samples: Sample[];
  /** Every KL that was estimated, the final ones of `measures` included or not; shown as given. */
  kl: (KlResult & { round?: number })[];
  posterior?: PosteriorReport;
  /** Oracle scores of single outputs, for their distribution. */
  scores?: { base?: number[]; tuned?: number[]; gold?: number[] };
  ranked?: RankedPoint[];
  /** How intervals were made; the KL results say it for themselves. */
  interval: string;
  options: Settings;
  seeds: Settings;
  versions: Settings;
  seconds: number;
  /** The run's folder. */
  run: string;
}

/** The run's JSON document. Intervals that the data cannot give (one context) are null there, as JSON has no Infinity. */
export type FinalDocument = Pick<Report, 'caveats' | 'familiarity'> &
  Measures & { seconds: number; run: string };

/** The JSON document of a report: its final measures, its time, its folder. */
export function finalDocument(report: Report): FinalDocument {
  const { caveats, familiarity } = report;
  return {
    ...(caveats && { caveats }),
    ...(familiarity && { familiarity }),
    ...report.measures,
    seconds: report.seconds,
    run: report.run,
  };
}
