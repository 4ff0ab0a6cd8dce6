import { random } from '../random.js';
import { prompts } from '../summarization.js';
import type { Context, Task } from '../task.js';
import { oneLine } from '../text-format.js';
import { annotate } from './annotator.js';
import { type Point, pointsAgainst, settled } from './points.js';
import { drawPost } from './post.js';
import { read } from './reading.js';
import { CARE, refine } from './refining.js';
import { drawPlan, goldSummary, write } from './summary.js';
import { details, type Facts } from './world.js';

/** The first 1,000 posts of each split were looked at while the world and the models were made; nobody has seen these. */
const firstUnseen = 1000;

/**
 * How often a comparison is answered the wrong way round. People comparing summaries agree with each other in 73 to 77 of 100
 * cases (Stiennon et al. 2020); with equals decided by lot, two of these annotators agree about as often.
 */
const errs = 0.1;

/** The embedded world `briefs`: posts without end, and a simulated annotator who knows what they say. */
export const briefs: Task = {
  name: 'briefs',
  about: 'one-line summaries of briefs',
  words: { context: 'post', contexts: 'posts', output: 'summary', outputs: 'summaries' },
  prompts,
  format: { output: oneLine, feedback: oneLine },
  size: () => Number.POSITIVE_INFINITY,
  contexts: (split, from, n) =>
    Array.from({ length: n }, (_, i): Context => {
      const post = drawPost(split, firstUnseen + from + i);
      return { ...post, gold: goldSummary(post.facts) };
    }),
  annotates: ({ facts }) => facts !== undefined,
  // Any of its phrasings, those too that no model was trained on.
  annotate: ({ id, facts }, output, key) =>
    annotate(random('annotator', key, id), facts as Facts, output, 'any'),
  prefers: ({ id, facts }, first, second, key) => {
    const r = random('preference', key, id, first, second);
    const complaints = (output: string) => {
      const points = pointsAgainst(facts as Facts, read(output));
      return points[0]!.kind === 'nothing' ? 0 : points.length;
    };
    const difference = complaints(second) - complaints(first);
    const better = difference === 0 ? r.chance(0.5) : difference > 0;
    return r.chance(errs) ? !better : better;
  },
  follows: ({ facts }, { points }, refinement) =>
    (points as Point[]).every((point) => settled(point, facts as Facts, refinement)),
  refined: ({ id, text, facts }, output, { points }, key) =>
    refine(random('refiner', key, id), facts as Facts, text, output, points as Point[], CARE),
  written: ({ id, text, facts }, key) =>
    write(drawPlan(random('writer', key, id), facts as Facts, text, details)),
};
