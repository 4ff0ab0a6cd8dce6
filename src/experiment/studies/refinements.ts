import { winShares } from '../../bayes/index.js';
import { mean } from '../../bayes/sums.js';
import { byContext, type TextRow } from '../../pipeline/tables.js';
import type { Study } from '../study.js';
import type { StudyContext } from '../study-context.js';
import type { Value } from '../values.js';

export const refinements: Study = {
  name: 'refinements',
  about: 'refinements with, without and with other feedback, picked and written, against the initial outputs',
  run: async (study) => {
    const { heldOut, run } = study;
    const texts = (rows: readonly TextRow[]) => {
      const groups = byContext(rows);
      return heldOut.contexts.map(({ id }) => groups.get(id)!.map(({ text }) => text));
    };
    const withFeedback = texts(heldOut.refinements);
    const selected = byContext(heldOut.scores);
    const picks = heldOut.contexts.map(({ id }, i) => [
      withFeedback[i]![selected.get(id)!.findIndex((row) => row.selected)]!,
    ]);
    // What people would write: the writers of the instruction corpus, told the same feedback.
    const { refined } = run.task;
    const key = String(run.options.seed);
    const written =
      refined &&
      heldOut.contexts.map((context, i) => {
        const { text, points } = heldOut.feedback[i]!;
        return [refined(context, heldOut.initial[i]!.text, { text, points: JSON.parse(points) }, key)];
      });
    return [
      ...armValues(
        study,
        'initial outputs',
        heldOut.initial.map(({ text }) => [text]),
      ),
      ...armValues(study, 'without feedback', texts(heldOut.noFeedback)),
      ...armValues(study, 'with shuffled feedback', texts(heldOut.shuffledFeedback)),
      ...armValues(study, 'with feedback, random pick', withFeedback),
      ...armValues(study, 'with feedback, InstructRM’s pick', picks),
      ...(written ? armValues(study, 'written', written) : []),
    ];
  },
};

/** Of each context's texts, any of which may be meant: the mean over them. */
export function armValues(
  { heldOut, scorer, oracle }: StudyContext,
  arm: string,
  texts: readonly (readonly string[])[],
): Value[] {
  const { contexts, initial, feedback } = heldOut;
  const scores = contexts.map((context, i) => texts[i]!.map((text) => scorer.score(context, text)));
  const before = contexts.map((context, i) => [scorer.score(context, initial[i]!.text)]);
  const settled = oracle
    ? contexts.map((context, i) => {
        const points = JSON.parse(feedback[i]!.points) as unknown;
        return mean(texts[i]!.map((text) => (oracle.incorporated(context, points, text) === 1 ? 1 : 0)));
      })
    : [];
  const measures = {
    winVsInitial: winShares(scores, before),
    incorporated: settled,
    score: scores.map(mean),
    length: texts.map((of) => mean(of.map((text) => text.length))),
  };
  return Object.entries(measures).flatMap(([measure, values]) =>
    values.map((value, i) => ({ arm, measure, context: contexts[i]!.id, value })),
  );
}
