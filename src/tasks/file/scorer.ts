import type { Scorer } from '../task.js';
import { likeness } from './likeness.js';

/** For contexts that all have a reference. It knows nothing of feedback. */
export const scorer: Scorer = {
  unit: 'F1 of ROUGE-L against the reference',
  ofReference: true,
  score: async (items) => items.map(({ context: { gold }, text }) => likeness(text, gold!)),
};
