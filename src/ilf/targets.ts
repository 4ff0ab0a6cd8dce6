/**
 * What π_θ is finetuned on. ILF learns the refinement that the ranker picked; the other kinds are its controls and
 * baselines, and one goes beyond the papers: all refinements, weighted by the posterior.
 */
import { posteriorWeights } from '../bayes/posterior.js';
import { posteriorTerms } from '../measure/posterior.js';
import { feedbackThenOutput, type OutputFormat } from '../pipeline/policy.js';
import { byContext, type RefinementRow, type ScoreRow, type TargetRow } from '../pipeline/tables.js';
import type { TargetsName } from '../pipeline/targets-names.js';
import { UserError } from '../store/errors.js';
import { random } from '../tasks/random.js';
import type { Context } from '../tasks/task.js';
import type { FeedbackCondition } from './refine.js';

/** What π_θ is finetuned on: completions with a weight each. */
export interface Target {
  context: Context;
  text: string;
  /** Of its loss; a context's weights sum to 1. */
  weight: number;
}

/** Rows of the contexts; tables that a kind does not need may be empty. */
export interface TargetData {
  contexts: readonly Context[];
  initial: readonly { context: string; text: string }[];
  feedback: readonly { context: string; text: string }[];
  /** Made with the feedback that the kind asks for, `conditionFor`. */
  refinements: readonly RefinementRow[];
  scores: readonly ScoreRow[];
}

export type TargetTable = Exclude<keyof TargetData, 'contexts'>;

const all: readonly TargetTable[] = ['initial', 'feedback', 'refinements', 'scores'];
/** The tables that a kind is made from, and those that these are made from. */
export const tablesFor: Record<TargetsName, readonly TargetTable[]> = {
  ilf: all,
  initial: ['initial'],
  gold: [],
  'no-feedback': ['initial', 'refinements'],
  'shuffled-feedback': ['initial', 'feedback', 'refinements'],
  'feedback-refinement': all,
  posterior: all,
};

/** What the refiner is told where a kind has refinements. */
export const conditionFor = (kind: TargetsName): FeedbackCondition =>
  kind === 'no-feedback' ? 'none' : kind === 'shuffled-feedback' ? 'other' : 'own';

/** What a model writes that was tuned on a kind. */
export const formatOf = (kind: TargetsName): OutputFormat =>
  kind === 'feedback-refinement' ? 'feedback and output' : 'output';

/** Texts with less than this part of the heaviest's weight are left out: they would cost as much, and teach nothing. */
const LEAST_WEIGHT = 1e-3;

/**
 * The targets, in the contexts' order. Both controls take a random one of their N refinements, by `seed`: no ranker could
 * tell which follows feedback that was not given. A context without a text that says something has no targets.
 * @param beta β of the kind `posterior`, ω ∝ exp(β R) π_0 / π_ψ
 * @throws UserError for the kind `gold` where a context has no reference
 */
export function targetsOf(
  kind: TargetsName,
  { contexts, ...rows }: TargetData,
  beta: number,
  seed: number,
): Target[] {
  const [initial, feedback] = [byContext(rows.initial), byContext(rows.feedback)];
  const [refinements, scores] = [byContext(rows.refinements), byContext(rows.scores)];
  const one = (text: string | undefined) => (text ? [{ text, weight: 1 }] : []);

  const texts = (context: Context): { text: string; weight: number }[] => {
    const { id } = context;
    const candidates = refinements.get(id) ?? [];
    const picked = () => {
      const best = scores.get(id)?.find(({ selected }) => selected)?.candidate;
      return candidates.find(({ candidate }) => candidate === best)?.text;
    };
    switch (kind) {
      case 'ilf':
        return one(picked());
      case 'initial':
        return one(initial.get(id)?.[0]?.text);
      case 'gold':
        return one(goldOf(context));
      case 'no-feedback':
      case 'shuffled-feedback':
        return candidates.length === 0 ? [] : one(random('pick', seed, id).pick(candidates).text);
      case 'feedback-refinement': {
        const text = picked();
        return text ? one(feedbackThenOutput(feedback.get(id)![0]!.text, text)) : [];
      }
      case 'posterior':
        return weighted(candidates, scores.get(id) ?? [], beta);
    }
  };
  return contexts.flatMap((context) => texts(context).map((target) => ({ context, ...target })));
}

/** @throws UserError where a context has no reference */
export function goldOf({ id, gold }: Context): string {
  if (!gold)
    throw new UserError(`context ${id} has no reference to learn; give each a "gold", or other targets`);
  return gold;
}

function weighted(rows: readonly RefinementRow[], scores: readonly ScoreRow[], beta: number) {
  const said = rows.filter(({ text }) => text !== '');
  if (said.length === 0) return [];
  const { weights } = posteriorWeights({ ...posteriorTerms(said, scores), beta });
  const least = LEAST_WEIGHT * Math.max(...weights);
  const kept = said
    .map(({ text }, i) => ({ text, weight: weights[i]! }))
    .filter(({ weight }) => weight >= least);
  const total = kept.reduce((sum, { weight }) => sum + weight, 0);
  return kept.map(({ text, weight }) => ({ text, weight: weight / total }));
}

export const toTargetRow = ({ context, text, weight }: Target): TargetRow => ({
  context: context.id,
  text,
  weight,
});

/** @throws UserError for a row of another context, or with a weight that is none */
export function fromTargetRows(rows: readonly TargetRow[], contexts: readonly Context[]): Target[] {
  const byId = new Map(contexts.map((context) => [context.id, context]));
  return rows.map(({ context: id, text, weight }) => {
    const context = byId.get(id);
    if (!context) throw new UserError(`the targets are of context ${id}, which the contexts have not`);
    if (!(weight > 0 && weight < Number.POSITIVE_INFINITY))
      throw new UserError(`a target of context ${id} has the weight ${weight}; it must be above 0`);
    return { context, text, weight };
  });
}
