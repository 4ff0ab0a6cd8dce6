import { klByToken } from '../../bayes/index.js';
import { sum } from '../../bayes/sums.js';
import { heldOutTable } from '../../ilf/heldout.js';
import { tokenLabel } from '../../kl/tokens.js';
import { klSettings, klStep, sampleBothWays } from '../../measure/kl.js';
import { tableStep } from '../../pipeline/run-context.js';
import { stepSeed } from '../../pipeline/seeds.js';
import { type KlRow, klTable } from '../../pipeline/tables.js';
import { type Arm, tunedArms } from '../arms.js';
import type { Study } from '../study.js';
import type { StudyContext } from '../study-context.js';
import { folderOf, tuned } from '../tuned.js';
import { atPosition, measuredValue, ofToken, type Value, valuesAt } from '../value.js';

/** The papers' texts are so long, and begin with nothing. */
const UNCONDITIONAL_TOKENS = 64;

const compared = [
  [tunedArms.ilf, 'ilf'],
  [tunedArms.initial, 'initial'],
  [tunedArms.gold, 'gold'],
] as const;

export const klStudy: Study = {
  name: 'kl',
  about: 'how far finetuning moves the model, both ways, with and without prompts, by position and token',
  valuesIn: async (study) => {
    const values: Value[] = [];
    for (const [arm, targets] of compared) {
      const recipe = { targets, n: study.scale.usual };
      const model = await tuned(study, recipe);
      values.push(...unconditionalValues(arm, await unconditionalStep(study, folderOf(recipe), model.dir)));
      const { rows } = await klStep(
        study.run,
        folderOf(recipe),
        model,
        study.heldOut.contexts,
        heldOutTable('contexts'),
      );
      values.push(...positionValues(arm, study.run.options.maxTokens, rows));
      if (targets === 'ilf') values.push(...tokenValues(arm, rows, await tokenLabels(study)));
      await study.run.models.close(model.dir);
    }
    return values;
  },
};

/** Texts from the end-of-text token alone, from each model. */
function unconditionalStep({ run, scale }: StudyContext, folder: string, model: string): Promise<KlRow[]> {
  const { seed, base } = run.options;
  const settings = klSettings(UNCONDITIONAL_TOKENS, (direction) =>
    stepSeed(seed, folder, `unconditional ${direction}`),
  );
  const inputs = {
    models: [model, base],
    values: { ...settings.tunedFromBase, other: settings.baseFromTuned.seed, texts: scale.unconditional },
  };
  return tableStep(run, `${folder}/kl-unconditional`, klTable, inputs, async (progress) => {
    const [theta, prior] = [await run.models.get(model), await run.models.get(base)];
    const { eos, ends } = prior.tokenizer;
    // They begin behind the end of a text.
    const prompts = Array.from({ length: scale.unconditional }, (_, i) => ({
      context: String(i + 1),
      ids: [eos],
    }));
    const both = { tunedFromBase: prompts, baseFromTuned: prompts };
    return sampleBothWays({ tuned: theta, base: prior, prompts: both, n: 1, settings, ends }, progress);
  });
}

/** k1 of each text, as the papers estimated it, and the Rao–Blackwellised value. */
function unconditionalValues(arm: Arm, rows: readonly KlRow[]): Value[] {
  return rows.flatMap(({ direction, context, logprobs_q, logprobs_p, exact }) => {
    const measure = direction === 'tunedFromBase' ? 'klTunedBase' : 'klBaseTuned';
    return valuesAt(arm, context, {
      [measure]: sum(exact),
      [`${measure}K1`]: sum(logprobs_q) - sum(logprobs_p),
    });
  });
}

/** Tokens that are looked at: those of the largest contributions, of either sign. */
const KEPT_TOKENS = 24;

/** log π_θ − log π_0 of single tokens, summed over a text's: over all tokens they add up to k1 of the text. */
function tokenValues(arm: Arm, rows: readonly KlRow[], label: (id: number) => string): Value[] {
  const texts = rows.filter(({ direction }) => direction === 'tunedFromBase');
  const contexts = texts.map(({ ids, logprobs_q, logprobs_p }) => [
    { ids, logQ: logprobs_q, logP: logprobs_p },
  ]);
  return klByToken(contexts, KEPT_TOKENS, { resamples: 1, method: 'percentile' }).flatMap(({ id }) =>
    texts.map(({ context, ids, logprobs_q, logprobs_p }) =>
      measuredValue(
        arm,
        ofToken(label(id)),
        context,
        sum(Array.from(ids, (of, t) => (of === id ? logprobs_q[t]! - logprobs_p[t]! : 0))),
      ),
    ),
  );
}

async function tokenLabels({ run }: StudyContext): Promise<(id: number) => string> {
  const { tokenizer } = await run.models.get(run.options.base);
  return (id) => tokenLabel(tokenizer, id);
}

/** Exact KL(π_θ ‖ π_0) at each position of a text, 0 behind its end: summed over positions, the text's KL. */
function positionValues(arm: Arm, longest: number, rows: readonly KlRow[]): Value[] {
  const texts = rows.filter(({ direction }) => direction === 'tunedFromBase');
  return texts.flatMap(({ context, exact }) =>
    Array.from({ length: longest }, (_, t) => measuredValue(arm, atPosition(t + 1), context, exact[t] ?? 0)),
  );
}
