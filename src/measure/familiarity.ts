/**
 * Whether models know the texts of a run at all: nats a token of what was given, against what the model itself writes on the same
 * contexts. Where they do not, nothing that they write or judge says anything about such texts, however narrow its interval.
 */
import { differenceEstimate, ratioEstimate } from '../bayes/estimate.js';
import { commonLength } from '../lm/prefix-sharing.js';
import { sample } from '../lm/sample.js';
import { scoreCompletions } from '../lm/score.js';
import { texts as inTexts } from '../pipeline/progress.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import { type FamiliarityRow, familiarityTable, toContextRow } from '../pipeline/tables.js';
import type { Familiarity } from '../report/caveats.js';
import type { Json } from '../store/hash.js';
import { type Context, outputPrompt, type Task } from '../tasks/task.js';
import { encodeStart } from '../text/tokenizer.js';
import { completionIds, encodePrompt } from '../writers/local.js';
import type { TextModel } from '../writers/text-model.js';
import { given as asText } from '../writers/writer.js';
import { klSampling } from './kl.js';

/** Contexts that are looked at, at most: the difference between what is known and what is not shows on fewer. */
export const LOOKED_AT = 64;
/** A model does not know texts whose tokens cost it so many nats more than its own do; its perplexity is e times as large there. */
const MOST_APART = 1;

/** The contexts' outputs where all have one, else the contexts. */
export const textsLookedAt = (contexts: readonly Context[]): Familiarity['texts'] =>
  contexts.every(({ output }) => output !== undefined) ? 'outputs' : 'contexts';

/** A text that was given as the completion of what stands before it, in the words of the prompt that asks for an output. */
function givenItem(
  model: TextModel,
  { prompts }: Pick<Task, 'prompts'>,
  context: Context,
  which: Familiarity['texts'],
) {
  const asked = outputPrompt(prompts, context);
  if (which === 'outputs') {
    const completion = completionIds(model, asText(context.output!));
    return { prompt: encodePrompt(model, asked, completion.length), completion };
  }
  const whole = encodePrompt(model, asked, 0);
  const bare = encodeStart(model.tokenizer, prompts.write(''));
  // What the context adds to the prompt; its first token needs one before it.
  const start = Math.max(1, commonLength(bare, whole));
  const end = commonLength([...bare.slice(start)].reverse(), [...whole.slice(start)].reverse());
  return { prompt: whole.slice(0, start), completion: whole.slice(start, whole.length - end) };
}

/** Of each context, the given text and one of the model's own, sampled at temperature 1 from the whole vocabulary. */
export async function familiarityRows(
  model: TextModel,
  task: Pick<Task, 'prompts'>,
  contexts: readonly Context[],
  { maxTokens, seed }: { maxTokens: number; seed: number },
  onTexts: (done: number, total: number) => void,
): Promise<FamiliarityRow[]> {
  const which = textsLookedAt(contexts);
  const items = contexts.map((context) => givenItem(model, task, context, which));
  const prompts = contexts.map((context) =>
    encodePrompt(model, outputPrompt(task.prompts, context), maxTokens),
  );
  const drawn = await sample(
    model.lm,
    prompts,
    1,
    { ...klSampling(maxTokens, seed), stopIds: model.tokenizer.ends },
    onTexts,
  );
  const own = prompts.map((prompt, i) => ({ prompt, completion: drawn[i]![0]!.ids }));
  const nats = async (of: typeof items) =>
    (await scoreCompletions(model.lm, of)).map((logprobs) => -logprobs.reduce((sum, lp) => sum + lp, 0));
  const [given, written] = [await nats(items), await nats(own)];
  return contexts.map(({ id }, i) => ({
    context: id,
    given_nats: given[i]!,
    given_tokens: items[i]!.completion.length,
    own_nats: written[i]!,
    own_tokens: own[i]!.completion.length,
    vocabulary: model.tokenizer.vocabSize,
  }));
}

/** Means over tokens, with intervals over contexts; the paired difference is of the contexts' own means. Null where no text has a token. */
export function familiarityOf(
  rows: readonly FamiliarityRow[],
): Omit<Familiarity, 'model' | 'roles' | 'texts'> | null {
  const read = rows.filter(({ given_tokens, own_tokens }) => given_tokens > 0 && own_tokens > 0);
  if (read.length === 0) return null;
  const given = ratioEstimate(
    read.map(({ given_nats, given_tokens }) => ({ sum: given_nats, weight: given_tokens })),
  );
  const own = ratioEstimate(read.map(({ own_nats, own_tokens }) => ({ sum: own_nats, weight: own_tokens })));
  const difference = differenceEstimate(
    read.map(({ given_nats, given_tokens }) => given_nats / given_tokens),
    read.map(({ own_nats, own_tokens }) => own_nats / own_tokens),
  );
  const guessing = Math.log(read[0]!.vocabulary);
  return {
    given,
    own,
    difference,
    known: given.value - own.value <= MOST_APART && given.value < guessing,
    criterion: `unknown: more than ${MOST_APART} nat a token above its own texts, or no better than guessing (${guessing.toFixed(1)} nats)`,
  };
}

/** Of every model that the run asks: the tables familiarity/ROLE. */
export async function familiarityStep(run: RunContext, contexts: readonly Context[]): Promise<Familiarity[]> {
  const { options, task } = run;
  const { base, refiner, judge, maxTokens, seed: runSeed } = options;
  const roles = new Map<string, string[]>();
  for (const [role, dir] of Object.entries({ base, refiner, judge }))
    roles.set(dir, [...(roles.get(dir) ?? []), role]);
  const looked = contexts.slice(0, LOOKED_AT);
  const found: Familiarity[] = [];
  for (const [dir, of] of roles) {
    const name = `familiarity/${of[0]}`;
    const seed = stepSeed(runSeed, 'familiarity', of[0]!);
    const values = { contexts: looked.map(toContextRow), maxTokens, seed } as unknown as Json;
    const inputs = { models: [dir], values };
    const rows = await tableStep(run, name, familiarityTable, inputs, async (progress) => {
      const onTexts = inTexts(progress, 'whether the models know such text');
      return familiarityRows(await run.models.get(dir), task, looked, { maxTokens, seed }, onTexts);
    });
    const measured = familiarityOf(rows);
    if (measured) found.push({ model: dir, roles: of, texts: textsLookedAt(looked), ...measured });
  }
  return found;
}
