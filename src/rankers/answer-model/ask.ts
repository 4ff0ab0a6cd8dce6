import type { AnswerModel, Question } from './answers.js';

/** The log-odds of the answers to the questions about each candidate, [group][candidate][question], in nats. */
export async function ask<C>(
  model: AnswerModel,
  about: readonly ((candidate: C) => Question)[],
  groups: readonly (readonly C[])[],
  onProgress?: (done: number) => void,
): Promise<number[][][]> {
  const questions = groups.flatMap((group) =>
    group.flatMap((candidate) => about.map((question) => question(candidate))),
  );
  const logOdds = await model.logOdds(questions, (done) => onProgress?.(done / questions.length));
  const answers = logOdds.values();
  return groups.map((group) => group.map(() => about.map(() => answers.next().value!)));
}

/** The probability of log-odds, 1/(1 + e⁻ˣ). */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
