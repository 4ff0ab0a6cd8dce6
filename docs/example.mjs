// Learning from what is said about outputs, step by step and with your own judge: node example.mjs [FOLDER]
import { embeddedModel, finetune, kl, loadModel, sample, score } from 'ilf';

const posts = [
  'My brother James told the secret at the party. I want to know whether to tell everyone.',
  'Dana, my flatmate, stopped paying rent last month. I want to know whether to move out.',
];
const base = await loadModel(embeddedModel('base'));
const instruct = await loadModel(embeddedModel('instruct'));

// x0 ~ π_0(·|c): an output for each post.
const ask = (post) => `Post: ${post}\nSummary:`;
const outputs = await sample(base, posts.map(ask), { stop: '\n', topP: 0.95, seed: 1 });

// x1 ~ π_ψ(·|c, x0, f): refinements by the instructed model; its prompts are in data/README.md.
const feedback = 'The summary should say who it is about.';
const refine = (post, [{ text }]) =>
  `Post: ${post}\nSummary:${text}\nFeedback: ${feedback}\nA better summary:`;
const prompts = posts.map((post, i) => refine(post, outputs[i]));
const refinements = await sample(instruct, prompts, { n: 3, stop: '\n', topP: 0.95, seed: 2 });

// R: here the refinement that the instructed model itself finds likeliest, a token.
const examples = [];
for (const [i, post] of posts.entries()) {
  const items = refinements[i].map(({ text }) => ({ prompt: prompts[i], completion: text || ' ' }));
  const logprobs = await score(instruct, items);
  const means = logprobs.map((of) => of.reduce((sum, x) => sum + x, 0) / of.length);
  const best = refinements[i][means.indexOf(Math.max(...means))];
  examples.push({ prompt: ask(post), completion: best.text.trim() });
}

// π_θ: finetuned on (c → x1), and how far that moved it.
const tuned = await loadModel(embeddedModel('base'));
await finetune(tuned, examples, {
  epochs: 3,
  onLoss: (step, loss) => console.log(`step ${step}: ${loss.toFixed(3)} nats a token`),
});
const { tunedFromBase } = await kl(tuned, base, posts.map(ask), { seed: 3 });
console.log(`KL(tuned ‖ base): ${tunedFromBase.raoBlackwell.value.toFixed(3)} nats a text`);

const [folder] = process.argv.slice(2);
if (folder) await tuned.save(folder);
for (const model of [base, instruct, tuned]) model.dispose();
