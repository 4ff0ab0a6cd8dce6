// biome-ignore-all lint/suspicious/noTemplateCurlyInString: lines of src.
/** Mistakes about who writes, says and judges: prompts, tokens, seeds, answers. */
import type { Mutant } from '../mutant.js';

const net = ['tests/net/net.test.ts'];
const local = ['tests/writers/local.test.ts'];
const kl = ['tests/measure/kl.test.ts'];
const instructRm = ['tests/rankers/instruct-rm.test.ts'];
const answers = ['tests/rankers/answers.test.ts'];
const controls = ['tests/rankers/controls.test.ts'];
const seeds = ['tests/net/seeds.test.ts'];
const opened = ['tests/rankers/open.test.ts'];
/** Which steps a change makes again. */
const keys = ['tests/net/keys.test.ts'];
const sources = ['tests/feedback/sources.test.ts'];

export const ofWriters: readonly Mutant[] = [
  {
    id: 'writers/stop',
    file: 'src/writers/local.ts',
    find: 'ids.length === 1 ? [...tokenizer.ends, ids[0]!] : tokenizer.ends',
    replace: 'tokenizer.ends',
    about: 'the stop rule is dropped',
    tests: net,
  },
  {
    id: 'writers/foreign-ids',
    file: 'src/writers/local.ts',
    find: 'ids.length > 0 && key === tokenizer.key',
    replace: 'ids.length > 0',
    about: 'ids of another tokenizer are scored',
    tests: net,
  },
  {
    id: 'writers/encoded-again',
    file: 'src/writers/local.ts',
    find: 'ids.length > 0 && key === tokenizer.key',
    replace: 'ids.length > 0 && key !== tokenizer.key',
    about: 'a text is encoded again instead of scored as it was sampled',
    tests: local,
  },
  {
    id: 'writers/space',
    file: 'src/writers/local.ts',
    find: '...tokenizer.encode(` ${text}`),',
    replace: '...tokenizer.encode(text),',
    about: 'a completion without the space before it',
    tests: net,
  },
  {
    id: 'writers/nucleus',
    file: 'src/writers/local.ts',
    find: 'topK: 0, topP, seed, stopIds',
    replace: 'topK: 0, topP: 1, seed, stopIds',
    about: '--top-p is not heard of',
    tests: net,
  },
  {
    id: 'writers/mean',
    file: 'src/writers/local.ts',
    find: 'of.reduce((sum, lp) => sum + lp, 0)',
    replace: 'of.reduce((sum, lp) => sum + lp, 0) / of.length',
    about: 'log-probabilities a token, called those of the text',
    tests: net,
  },
  {
    id: 'writers/chunks',
    file: 'src/writers/chunks.ts',
    find: 'items.slice(from, from + CHUNK)',
    replace: 'items.slice(from, from + CHUNK - 1)',
    about: 'every 256th text is left out',
    tests: kl,
  },
  {
    id: 'rankers/mean',
    file: 'src/rankers/instruct-rm.ts',
    find: 'perPrompt.reduce((sum, p) => sum + p, 0) / chosen.length',
    replace: 'Math.max(...perPrompt)',
    about: 'InstructRM’s best prompt for the mean of all',
    tests: instructRm,
  },
  {
    id: 'rankers/answers',
    file: 'src/rankers/answer-model/answers.ts',
    find: 'out[index] = yes - no;',
    replace: 'out[index] = no - yes;',
    about: 'the odds of the negative answer',
    tests: answers,
  },
  {
    id: 'rankers/told',
    file: 'src/rankers/instruct-rm.ts',
    find: 'suffix(refinement, feedback, context)',
    replace: 'suffix(feedback, refinement, context)',
    about: 'the judge reads feedback in the refinement’s place',
    tests: instructRm,
  },
  {
    id: 'rankers/prompt',
    file: 'src/rankers/instruct-rm.ts',
    find: 'const prompt = judge[number - 1];',
    replace: 'const prompt = judge[number];',
    about: 'the next prompt alone',
    tests: instructRm,
  },
  {
    id: 'rankers/random-seed',
    file: 'src/rankers/random.ts',
    find: "stream('random ranker', seed, context, initial)",
    replace: "stream('random ranker', context, initial)",
    about: 'the random ranker ranks alike by every seed',
    tests: controls,
  },
  {
    id: 'rankers/random-context',
    file: 'src/rankers/random.ts',
    find: "stream('random ranker', seed, context, initial)",
    replace: "stream('random ranker', seed)",
    about: 'the random ranker ranks all contexts alike',
    tests: seeds,
  },
  {
    id: 'rankers/longest',
    file: 'src/rankers/longest.ts',
    find: 'score: lengthOf(refinement),',
    replace: 'score: -lengthOf(refinement),',
    about: 'the shortest is ranked first',
    tests: controls,
  },
  {
    id: 'rankers/embedding',
    file: 'src/rankers/embedding-similarity.ts',
    find: 'cosine(of.get(feedback)!, of.get(refinement)!)',
    replace: 'cosine(of.get(refinement)!, of.get(refinement)!)',
    about: 'a refinement is compared with itself',
    tests: opened,
  },
  {
    id: 'rankers/human-question',
    file: 'src/rankers/human-likeness.ts',
    find: 'prompt: ({ human }) => human,',
    replace: 'prompt: ({ quality }) => quality,',
    about: 'the judge of human-likeness is asked about quality',
    tests: opened,
  },
  {
    id: 'rankers/trained-folder',
    file: 'src/rankers/reward-model.ts',
    find: 'folder: (options) => options.rewardModel,',
    replace: 'folder: (options) => options.judge,',
    about: 'the judge in the reward model’s place',
    tests: opened,
  },
  {
    id: 'feedback/data-set',
    file: 'src/feedback/dataset.ts',
    find: 'items.filter(({ context }) => context.feedback === undefined)',
    replace: 'items.filter(({ context }) => context.feedback !== undefined)',
    about: 'the critic is asked where there is feedback',
    tests: net,
  },
  {
    id: 'feedback/critic-prompt',
    file: 'src/feedback/critic.ts',
    find: 'prompts.critique(context.text, output)',
    replace: 'prompts.write(context.text)',
    about: 'the critic reads the prompt for an output',
    tests: net,
  },
  {
    id: 'feedback/critic-length',
    file: 'src/feedback/critic.ts',
    find: '{ ...sampling, maxTokens: CRITIQUE_TOKENS, format: format.feedback, seed }',
    replace: '{ ...sampling, format: format.feedback, seed }',
    about: 'a critique is as short as an output',
    tests: net,
  },
  {
    id: 'feedback/critic-key',
    file: 'src/feedback/critic.ts',
    find: 'critic: true,',
    replace: 'critic: false,',
    about: 'feedback is not written again by another critic',
    tests: keys,
  },
  {
    id: 'feedback/order',
    file: 'src/feedback/registry.ts',
    find: '= [simulated, dataset, critic];',
    replace: '= [dataset, simulated, critic];',
    about: 'the data set is asked before the annotator',
    tests: sources,
  },
  {
    id: 'feedback/annotator-seed',
    file: 'src/feedback/simulated.ts',
    find: 'annotate(context, output, String(seed))',
    replace: "annotate(context, output, '0')",
    about: 'the annotator hears of no seed',
    tests: net,
  },
];
