/**
 * Where targets are looked at: texts of each held-out context, half of them from π_0, half refinements that know the feedback.
 * What π_0 hardly ever writes the refiner does, and the other way round, so their even mixture
 * q(x) = ½ π_0(x|c) + ½ π_ψ(x|c, x0, f) covers the targets, with ratios π_0/q of at most 2. There are exactly as many texts
 * of each as the mixture expects, which leaves every mean unbiased (the balance heuristic: Veach and Guibas 1995).
 */

import { withReward } from '../baselines/reward.js';
import { logSumExp } from '../bayes/index.js';
import { heldOutTable } from '../ilf/heldout.js';
import { refinerPrompt, toRefine } from '../ilf/refine.js';
import { untruncated } from '../pipeline/options.js';
import { texts as inTexts } from '../pipeline/progress.js';
import { tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import { byContext } from '../pipeline/tables.js';
import type { RowOf, TableSchema } from '../store/tables.js';
import { outputPrompt } from '../tasks/task.js';
import { localWriter } from '../writers/local.js';
import type { Prompt, Writer } from '../writers/writer.js';
import { rewardModel } from './reward-model.js';
import { PRIOR_FOLDER, priorTexts } from './scored-texts.js';
import type { StudyContext } from './study-context.js';

/** Texts of π_0 that are looked at for each context, at most. */
const OF_PRIOR = 32;

/** A proposal, with its reward, and its log-probability under the refiner given (c, x0, f) and under π_0 given c, in nats. */
export const proposalsTable = {
  context: 'utf8',
  candidate: 'int32',
  text: 'utf8',
  ids: 'list<int32>',
  tokenizer: 'utf8',
  /** Sampled from the refiner, else from π_0. */
  refined: 'bool',
  reward: 'float64',
  logprob_refiner: 'float64',
  logprob_base: 'float64',
} as const satisfies TableSchema;
export type ProposalRow = RowOf<typeof proposalsTable>;

/** log q of a proposal. */
export const logMixture = ({ logprob_base, logprob_refiner }: ProposalRow): number =>
  logSumExp([logprob_base, logprob_refiner]) - Math.log(2);

export const PROPOSALS = 'posterior/proposals';

/** As many refinements as texts of π_0 for the first `scale.posterior` held-out contexts, those of π_0 first. */
export async function proposalsStep(study: StudyContext): Promise<ProposalRow[]> {
  const { run, scale, heldOut } = study;
  const { base, refiner: psi } = run.options;
  const { prompts, format } = run.task;
  const contexts = heldOut.contexts.slice(0, scale.posterior);
  const prior = byContext(await priorTexts(study));
  const n = Math.min(OF_PRIOR, scale.bestOf);
  const reward = await rewardModel(study, 'quality', 'bradley-terry');
  // Repetitions stay: without them the texts would not be from π_ψ.
  const sampling = untruncated(run.options);
  const seed = stepSeed(run.options.seed, 'posterior', 'proposals');
  const inputs = {
    tables: [...['contexts', 'initial', 'feedback'].map(heldOutTable), `${PRIOR_FOLDER}/best-of-n`],
    models: [psi, base, reward],
    values: { ...sampling, n, contexts: contexts.length, seed, format: run.task.format.output.name },
  };
  return tableStep(run, PROPOSALS, proposalsTable, inputs, async (progress) => {
    const refiner = localWriter(await run.models.get(psi));
    const priorModel = localWriter(await run.models.get(base));
    const toRefiner = toRefine(contexts, heldOut.initial, heldOut.feedback).map((item) =>
      refinerPrompt(prompts, item),
    );
    const toPrior = contexts.map((context) => outputPrompt(prompts, context));
    const sampled = inTexts(progress, 'sampling refinements');
    const refined = await refiner.write(toRefiner, n, { ...sampling, format: format.output, seed }, sampled);
    const rows = contexts.flatMap(({ id, text: context }, i) => {
      const own = prior.get(id)!.slice(0, n);
      return [...own, ...refined[i]!].map(({ text, ids, tokenizer }, candidate) => {
        const written = { text, ids, tokenizer };
        return { id, candidate, context, i, written, refined: candidate >= n };
      });
    });
    const under = (writer: Required<Writer>, asked: readonly Prompt[], label: string) =>
      writer.score(
        rows.map(({ i }) => asked[i]!),
        rows.map(({ written }) => written),
        inTexts(progress, label),
      );
    const underRefiner = await under(refiner, toRefiner, 'scoring under the refiner');
    const underBase = await under(priorModel, toPrior, 'scoring under π_0');
    const rewards = await withReward(reward, prompts, (of) =>
      of.score(
        rows.map(({ context, written }) => ({ context, text: written.text })),
        inTexts(progress, 'rewards'),
      ),
    );
    return rows.map(({ id, candidate, written, refined: isRefined }, k) => ({
      context: id,
      candidate,
      ...written,
      refined: isRefined,
      reward: rewards[k]!,
      logprob_refiner: underRefiner[k]!,
      logprob_base: underBase[k]!,
    }));
  });
}
