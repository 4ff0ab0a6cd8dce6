/** Two model folders whose models can be compared: one vocabulary, of one tokenizer. */
import { requireOneVocabulary } from '../lm/compare.js';
import { loadLM } from '../lm/files.js';
import type { CausalLM } from '../lm/model.js';
import { UserError } from '../store/errors.js';
import { loadTokenizer, readVocabulary, type Tokenizer } from '../text/tokenizer.js';
import { requireModel } from '../writers/model-files.js';
import { checkPair } from '../writers/text-model.js';

export interface KlPair {
  readonly tuned: { dir: string; lm: CausalLM };
  readonly base: { dir: string; lm: CausalLM };
  /** Null where neither folder has one. */
  readonly tokenizer: Tokenizer | null;
  /** Positions that both models have. */
  readonly window: number;
  dispose(): void;
}

/** @throws UserError for a folder that is no model, and for vocabularies that differ in size, in a token, or in the end of text */
export async function openPair(tunedDir: string, baseDir: string): Promise<KlPair> {
  for (const dir of [tunedDir, baseDir]) await requireModel(dir);
  // Before the models, which take longer.
  const tokenizer = await oneTokenizer(tunedDir, baseDir);
  const tuned = await loadLM(tunedDir);
  try {
    const base = await loadLM(baseDir);
    const dispose = () => {
      tuned.dispose();
      base.dispose();
    };
    try {
      requireOneVocabulary(tuned, base);
      if (tokenizer) checkPair(tunedDir, tokenizer, tuned.description.vocab);
    } catch (error) {
      base.dispose();
      throw error;
    }
    return {
      tuned: { dir: tunedDir, lm: tuned },
      base: { dir: baseDir, lm: base },
      tokenizer,
      window: Math.min(tuned.description.positions, base.description.positions),
      dispose,
    };
  } catch (error) {
    tuned.dispose();
    throw error;
  }
}

async function oneTokenizer(tunedDir: string, baseDir: string): Promise<Tokenizer | null> {
  const [tuned, base] = [await readVocabulary(tunedDir), await readVocabulary(baseDir)];
  if (!tuned || !base) return tuned || base ? loadTokenizer(tuned ? tunedDir : baseDir) : null;
  const differ = (what: string) =>
    new UserError(
      `the tokenizers of ${tunedDir} and ${baseDir} differ: ${what}; KL needs one vocabulary for both models`,
    );
  if (tuned.size !== base.size) throw differ(`one has ${tuned.size} tokens, the other ${base.size}`);
  for (const [name, id] of tuned)
    if (base.get(name) !== id)
      throw differ(
        `the token ${JSON.stringify(name)} is number ${id} of the one, ${base.get(name) ?? 'none'} of the other`,
      );
  const [tokenizer, other] = [await loadTokenizer(tunedDir), await loadTokenizer(baseDir)];
  const [ends, others] = [tokenizer, other].map((of) => of.ends.toSorted((a, b) => a - b).join(' or '));
  if (ends !== others)
    throw differ(`texts end with the token number ${ends} of the one, ${others} of the other`);
  return tokenizer;
}
