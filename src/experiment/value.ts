/** A number of an arm, for one measure, on one context: all that the studies give, and all that the page is made from. */
import type { RowOf, TableSchema } from '../store/tables.js';
import type { Arm } from './arms.js';

/** values.arrow. */
export const valuesTable = {
  seed: 'int32',
  study: 'utf8',
  /** The arm's label. */
  arm: 'utf8',
  /** The measure's name. */
  measure: 'utf8',
  /** The context's id; a step of `course`; ID#TEXT of a `forecast`. */
  context: 'utf8',
  value: 'float64 or infinite',
  /** The arm's other fields, as in `Arm`. */
  arm_id: 'utf8',
  series: 'utf8',
  x: 'float64?',
  /** The measure's other fields, as in `Measure`. */
  kind: 'utf8',
  place: 'utf8',
} as const satisfies TableSchema;
export type ValueRow = RowOf<typeof valuesTable>;

/** A study's values of one seed, before they are put together. */
export type Value = Omit<ValueRow, 'seed' | 'study'>;

/**
 * What a measure's numbers are: of a text as a whole, of one of its `position`s, of a `token`, after a `step` of a training; or
 * not of a context at all: the `course` of a training, whose "contexts" are its steps, and `forecast`s of single texts.
 */
export type MeasureKind = 'whole' | 'position' | 'token' | 'step' | 'course' | 'forecast';

export interface Measure {
  /** "score", "position 12": no other measure of the arm has it. */
  name: string;
  kind: MeasureKind;
  /** Which position (from 1), token or step; empty where the kind has none. */
  place: string;
}

export const atPosition = (position: number): Measure => ({
  name: `position ${position}`,
  kind: 'position',
  place: String(position),
});
export const ofToken = (token: string): Measure => ({ name: `token ${token}`, kind: 'token', place: token });
export const afterStep = (step: number): Measure => ({
  name: `step ${step}`,
  kind: 'step',
  place: String(step),
});

export const measuredValue = (
  arm: Arm,
  { name, kind, place }: Measure,
  context: string,
  value: number,
): Value => ({
  arm: arm.label,
  measure: name,
  context,
  value,
  arm_id: arm.id,
  series: arm.series,
  x: arm.x,
  kind,
  place,
});

/** Numbers of one context, by their measures' names. */
export const valuesAt = (
  arm: Arm,
  context: string,
  measures: Record<string, number>,
  kind: MeasureKind = 'whole',
): Value[] =>
  Object.entries(measures).map(([name, value]) =>
    measuredValue(arm, { name, kind, place: '' }, context, value),
  );

/** Numbers of several contexts, in their order, by their measures' names. */
export const valuesOver = (
  arm: Arm,
  contexts: readonly { id: string }[],
  measures: Record<string, readonly number[]>,
): Value[] =>
  Object.entries(measures).flatMap(([name, values]) =>
    values.map((value, i) => measuredValue(arm, { name, kind: 'whole', place: '' }, contexts[i]!.id, value)),
  );
