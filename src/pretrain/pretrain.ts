/**
 * Trains the embedded models from nothing: tokenizer → base LM (π_0) → its summaries of the instruct split → instruct LM on
 * made-up cases → its own refinements → instruct LM (π_ψ and InstructRM), and the ONNX file that InstructRM is served from.
 * Every part is kept in the work folder, so that a killed run goes on.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gpt2Config } from '../lm/architectures/gpt2.js';
import type { Example } from '../lm/batch.js';
import { CausalLM } from '../lm/model.js';
import { exportOnnx } from '../lm/onnx.js';
import { sample } from '../lm/sample.js';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import { writeFolderAtomic } from '../store/folder.js';
import { requirePlaceForFolder } from '../store/place.js';
import { readText } from '../store/read-json.js';
import { drawPost } from '../tasks/briefs/post.js';
import { random } from '../tasks/random.js';
import { refinePrompt, summaryPrompt } from '../tasks/summarization.js';
import { buildGpt2Subset } from '../text/gpt2-subset.js';
import { loadTokenizer, type Tokenizer } from '../text/tokenizer.js';
import { saveModel } from '../writers/text-model.js';
import {
  checkSequence,
  type Initials,
  improveSequence,
  judgeSequence,
  lookupSequence,
  refineCase,
  refineSequence,
  summarySequence,
} from './corpus.js';
import { trainPhase } from './phase.js';
import { type Mixture, recipe } from './recipe.js';
import { toExample } from './sequences.js';

export interface PretrainOptions {
  /** Where base/ and instruct/ go. */
  out: string;
  /** Checkpoints and intermediate texts. */
  work: string;
  onProgress: (what: string, done: number, total: number, unit: string) => void;
}

/** Text with every phrase of the world in it, for the vocabulary. */
function* vocabularyText(): Generator<string> {
  for (let i = 0; i < recipe.vocabularyTexts; i++) {
    const r = random('vocabulary', i);
    const of = refineCase(i, () => undefined);
    for (const piece of [...refineSequence(of, r), ...judgeSequence(of, r)]) yield piece.text;
  }
}

/** Samples by π_θ and π_ψ as the loop takes them: T = 1, top-p 0.95, at most 48 tokens. */
async function sampleTexts(
  lm: CausalLM,
  tokenizer: Tokenizer,
  prompts: readonly string[],
  n: number,
  seed: number,
  onProgress: (done: number) => void,
): Promise<string[][]> {
  const chunk = 500;
  const out: string[][] = [];
  for (let from = 0; from < prompts.length; from += chunk) {
    const part = prompts.slice(from, from + chunk).map((prompt) => tokenizer.encode(prompt));
    const stopIds = [tokenizer.eos];
    const options = { maxNewTokens: 48, temperature: 1, topK: 0, topP: 0.95, seed: seed + from, stopIds };
    const completions = await sample(lm, part, n, options);
    for (const row of completions) out.push(row.map(({ ids }) => tokenizer.decode(ids).trim()));
    onProgress(out.length);
  }
  return out;
}

/** JSON kept in a file: made once. */
async function kept<T>(path: string, make: () => Promise<T>): Promise<T> {
  if (!existsSync(path)) await writeFileAtomic(path, JSON.stringify(await make()));
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

export async function pretrain({ out, work, onProgress }: PretrainOptions): Promise<void> {
  await checkPlaces(out, work);
  const log = join(work, 'pretrain.log.jsonl');
  const folder = (name: string) => join(work, name);
  if (!existsSync(folder('tokenizer'))) {
    await writeFolderAtomic(folder('tokenizer'), (temporary) => buildGpt2Subset(vocabularyText(), temporary));
  }
  const tokenizer = await loadTokenizer(folder('tokenizer'));
  const vocab_size = tokenizer.vocabSize;
  const follow = (what: string) => (step: number, steps: number) => onProgress(what, step, steps, 'steps');

  const perStep = (sequences: number, make: (index: number) => Example) => (step: number) =>
    Array.from({ length: sequences }, (_, i) => make(step * sequences + i));

  const { seed } = recipe;
  const base = await trainPhase(
    {
      name: 'base',
      ...recipe.base,
      seed,
      source: perStep(recipe.base.sequences, (i) =>
        toExample(summarySequence(drawPost('base', i), random('base', i)), tokenizer),
      ),
    },
    async () => CausalLM.init(gpt2Config({ ...recipe.base.sizes, vocab_size }), seed),
    folder('base'),
    log,
    follow('base LM'),
  );

  const initials = await kept(folder('initials.json'), async () => {
    const posts = Array.from({ length: recipe.sampledInitials }, (_, i) => drawPost('instruct', i));
    const prompts = posts.map((post) => summaryPrompt(post.text));
    const texts = await sampleTexts(base, tokenizer, prompts, 1, seed, (done) =>
      onProgress('initial summaries', done, prompts.length, 'posts'),
    );
    return texts.map(([text]) => text!);
  });
  // Half of the cases are about what the base LM really writes.
  const initialOf: Initials = (index) => initials[index];
  const caseNumber = (i: number) => (i % 2 === 0 ? (i / 2) % initials.length : recipe.sampledInitials + i);

  const mixture =
    ({ mix, amongPosts }: Mixture, offset: number, judged: readonly string[][]) =>
    (i: number) => {
      const r = random('instruct', offset, i);
      const of = refineCase(caseNumber(i), initialOf);
      let draw = r.float();
      const hit = (share: number) => {
        draw -= share;
        return draw < 0;
      };
      if (hit(mix.summary)) return toExample(summarySequence(of.post, r), tokenizer);
      if (hit(mix.refine)) return toExample(refineSequence(of, r), tokenizer);
      if (hit(mix.improve)) return toExample(improveSequence(of, r), tokenizer);
      if (hit(mix.lookup)) return toExample(lookupSequence(of, r, amongPosts), tokenizer);
      if (hit(mix.check)) return toExample(checkSequence(of, r), tokenizer);
      if (judged.length === 0 || r.chance(0.3)) return toExample(judgeSequence(of, r), tokenizer);
      const which = r.int(judged.length);
      return toExample(judgeSequence(refineCase(which, initialOf), r, judged[which]!), tokenizer);
    };

  const lessons = await trainPhase(
    {
      name: 'lessons',
      ...recipe.lessons,
      seed,
      source: perStep(recipe.lessons.sequences, mixture(recipe.lessons, 0, [])),
    },
    async () => base.clone(),
    folder('lessons'),
    log,
    follow('instruct LM, first lessons'),
  );

  const instruct = await trainPhase(
    {
      name: 'instruct',
      ...recipe.instruct,
      seed,
      source: perStep(recipe.instruct.sequences, mixture(recipe.instruct, 1, [])),
    },
    async () => lessons.clone(),
    folder('instruct'),
    log,
    follow('instruct LM'),
  );

  const refinements = await kept(folder('refinements.json'), async () => {
    const cases = Array.from({ length: recipe.sampledRefinements }, (_, i) => refineCase(i, initialOf));
    const prompts = cases.map(({ post, initial, feedback }) =>
      refinePrompt(post.text, initial, feedback.text),
    );
    return sampleTexts(instruct, tokenizer, prompts, recipe.samplesPerCase, seed + 1, (done) =>
      onProgress('refinements', done, prompts.length, 'cases'),
    );
  });

  const tuned = await trainPhase(
    {
      name: 'tuned',
      ...recipe.tuned,
      seed,
      source: perStep(recipe.tuned.sequences, mixture(recipe.tuned, 2, refinements)),
    },
    async () => instruct.clone(),
    folder('tuned'),
    log,
    follow('instruct LM, on its own refinements'),
  );

  for (const [name, lm] of [
    ['base', base],
    ['instruct', tuned],
  ] as const) {
    await writeFolderAtomic(join(out, name), async (temporary) => {
      await saveModel(lm, folder('tokenizer'), temporary);
      if (name === 'instruct') await exportOnnx(temporary);
    });
  }
  await writeFileAtomic(join(out, 'pretrain.log.jsonl'), await readText(log));
}

/** @throws UserError where a folder that is to be written is not this recipe's */
async function checkPlaces(out: string, work: string): Promise<void> {
  if (resolve(out) === resolve(work))
    throw new UserError(`--out and --work are both ${out}; the checkpoints need a folder of their own`);
  for (const name of ['tokenizer', 'base', 'lessons', 'instruct', 'tuned'])
    await requirePlaceForFolder(join(work, name), []);
  for (const name of ['base', 'instruct']) await requirePlaceForFolder(join(out, name), [work]);
}
