import { random } from '../random.js';
import type { Context, Task } from '../task.js';
import { annotate } from './annotator.js';
import { drawPost } from './post.js';
import type { Facts } from './world.js';

/** The first 1,000 posts of each split were looked at while the world and the models were made; nobody has seen these. */
const firstUnseen = 1000;

/** The embedded world `briefs`: posts without end, and a simulated annotator who knows what they say. */
export const briefs: Task = {
  name: 'briefs',
  size: () => Number.POSITIVE_INFINITY,
  contexts: (split, from, n) =>
    Array.from({ length: n }, (_, i): Context => drawPost(split, firstUnseen + from + i)),
  // Any of its phrasings, those too that no model was trained on.
  annotate: ({ id, facts }, output, key) =>
    annotate(random('annotator', key, id), facts as Facts, output, 'any'),
};
