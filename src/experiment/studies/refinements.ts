import { winShares } from '../../bayes/index.js';
import { mean } from '../../bayes/sums.js';
import { annotationOf, ranksOf, textsOf } from '../../pipeline/held-out.js';
import { rowOf, type TextRow } from '../../pipeline/tables.js';
import { type Arm, refinementArms } from '../arms.js';
import { incorporatedIn, scoresOf, singleTexts } from '../scores.js';
import type { Study } from '../study.js';
import type { StudyContext } from '../study-context.js';
import { type Value, valuesOver } from '../value.js';

export const refinementsStudy: Study = {
  name: 'refinements',
  about: 'refinements with, without and with other feedback, picked and written, against the initial outputs',
  valuesIn: async (study) => {
    const { heldOut } = study;
    const texts = (rows: readonly TextRow[]) => textsOf(heldOut.contexts, rows);
    const withFeedback = texts(heldOut.refinements);
    const picks = ranksOf(heldOut.contexts, heldOut.scores).map(({ selected }, i) => [
      withFeedback[i]![selected]!,
    ]);
    const written = writtenTexts(study);
    return [
      ...(await armValues(study, refinementArms.initial, singleTexts(study, heldOut.initial))),
      ...(await armValues(study, refinementArms.noFeedback, texts(heldOut.noFeedback))),
      ...(await armValues(study, refinementArms.shuffledFeedback, texts(heldOut.shuffledFeedback))),
      ...(await armValues(study, refinementArms.randomPick, withFeedback)),
      ...(await armValues(study, refinementArms.pick, picks)),
      ...(written ? await armValues(study, refinementArms.written, written) : []),
    ];
  },
};

/** What people would write: the writers of the instruction corpus, told the same feedback. */
function writtenTexts({ heldOut, run }: StudyContext): string[][] | null {
  const { refined } = run.task;
  if (!refined) return null;
  const key = String(run.options.seed);
  const tells = rowOf(heldOut.initial, 'the table of initial outputs');
  const says = rowOf(heldOut.feedback, 'the table of feedback');
  return heldOut.contexts.map((context) => {
    return [refined(context, tells(context).text, annotationOf(says(context)), key)];
  });
}

/** Of each context's texts, any of which may be meant: the mean over them. */
export async function armValues(
  study: StudyContext,
  arm: Arm,
  texts: readonly (readonly string[])[],
): Promise<Value[]> {
  const { contexts, initial } = study.heldOut;
  const scores = await scoresOf(study, contexts, texts);
  const before = await scoresOf(study, contexts, singleTexts(study, initial));
  const settled = await incorporatedIn(study, contexts, texts);
  return valuesOver(arm, contexts, {
    winVsInitial: winShares(scores, before),
    incorporated: (settled ?? []).map(mean),
    score: scores.map(mean),
    length: texts.map((of) => mean(of.map((text) => text.length))),
  });
}
