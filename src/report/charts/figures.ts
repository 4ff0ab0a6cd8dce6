/**
 * What the pages of `kl` and `experiment` are made of: figures and tables as data, drawn by figure-charts.ts. Every number is an
 * estimate with its interval; an interval's end that the data cannot give is infinite and is not drawn.
 */
import type { Estimate } from '../../bayes/index.js';
import type { Caveat, Familiarity } from '../caveats.js';
import type { Unit } from '../format.js';

/** A number that a paper gives, and its interval where it gives one. */
export interface Published {
  value: number;
  lo?: number;
  hi?: number;
}

/** Labelled estimates, one below the other on one axis; published ones beside them, hollow. */
export interface DotsFigure {
  kind: 'dots';
  axis: string;
  unit: Unit;
  rule?: { value: number; label: string };
  points: { label: string; estimate: Estimate; theirs?: Published }[];
}

/** Estimates over a number, a line a series. */
export interface LinesFigure {
  kind: 'lines';
  x: { title: string; log?: boolean };
  y: { title: string; unit: Unit };
  rule?: { value: number; label: string };
  series: { name: string; points: { x: number; estimate: Estimate }[] }[];
}

/** What each method reached against what it cost, with intervals both ways; a series is a kind of method. */
export interface FrontierFigure {
  kind: 'frontier';
  x: { title: string; unit: Unit };
  y: { title: string; unit: Unit };
  points: { label: string; series: string; x: Estimate; y: Estimate }[];
}

/** Predicted probabilities against how often it came true. */
export interface ReliabilityFigure {
  kind: 'reliability';
  series: { name: string; bins: { predicted: number; observed: Estimate; count: number }[] }[];
}

export type Figure = { id: string; title: string; caption: string } & (
  | DotsFigure
  | LinesFigure
  | FrontierFigure
  | ReliabilityFigure
);

export interface FigureTable {
  title: string;
  caption: string;
  /** After the column of the rows' labels. */
  columns: { name: string; unit?: Unit }[];
  rows: { label: string; cells: (Estimate | string | null)[] }[];
}

export type Verdict = 'held' | 'failed' | 'undecided' | 'not measured';

/** A published result beside ours. */
export interface Claim {
  id: string;
  /** What was claimed, in a sentence. */
  claim: string;
  /** Their numbers, as published. */
  theirs: string;
  /** Our numbers. */
  ours: string;
  /** What decides: a difference, above 0 where the claim holds. */
  difference: Estimate | null;
  unit: Unit;
  verdict: Verdict;
  /** Why, where the verdict needs a word: what differs here, why it was not measured. */
  note: string;
}

export interface Section {
  id: string;
  title: string;
  /** Paragraphs. */
  text: string[];
  claims: Claim[];
  tables: FigureTable[];
  figures: Figure[];
}

/** Everything on the experiment's page, and in its result.json. */
export interface ExperimentReport {
  title: string;
  /** The command that makes it again. */
  command: string;
  quick: boolean;
  seeds: number[];
  /** Held-out contexts. */
  contexts: number;
  judge: string;
  annotator: string;
  /** What to know before all else; where there is anything, no claim is decided. */
  caveats: Caveat[];
  /** Whether the models know a person's own texts. */
  familiarity?: Familiarity[];
  interval: string;
  /** The first section is the main one; its first figure is the main figure. */
  sections: Section[];
  options: Record<string, string | number | boolean | null>;
  versions: Record<string, string>;
  seconds: number;
}
