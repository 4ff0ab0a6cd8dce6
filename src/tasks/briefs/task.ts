import { random } from '../random.js';
import type { Context, Task } from '../task.js';
import { annotate } from './annotator.js';
import { drawPost } from './post.js';
import type { Facts } from './world.js';

/** The embedded world `briefs`: posts without end, and a simulated annotator who knows what they say. */
export const briefs: Task = {
  name: 'briefs',
  size: () => Number.POSITIVE_INFINITY,
  contexts: (split, from, n) => Array.from({ length: n }, (_, i): Context => drawPost(split, from + i)),
  // Any of its phrasings, those too that no model was trained on.
  annotate: ({ id, facts }, output, key) =>
    annotate(random('annotator', key, id), facts as Facts, output, 'any'),
};
