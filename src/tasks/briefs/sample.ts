import { random } from '../random.js';
import { annotate } from './annotator.js';
import { drawPost } from './post.js';
import { drawPlan, goldSummary, write } from './summary.js';
import { details, type Facts } from './world.js';

/** A post with everything that the world makes of it, for people to look at. */
export interface SampleLine {
  id: string;
  post: string;
  facts: Facts;
  /** Complete, and nothing more. */
  gold: string;
  /** As the base corpus has it: mostly incomplete, sometimes wrong or padded. */
  corpusSummary: string;
  /** By the simulated annotator, a program, on `corpusSummary`. */
  simulatedFeedback: string;
}

/** The first `count` posts that the base LM is trained on, with the very summaries it is trained on. */
export function sampleLines(count: number): SampleLine[] {
  return Array.from({ length: count }, (_, i) => {
    const { id, text, facts } = drawPost('base', i);
    const corpusSummary = write(drawPlan(random('base', i), facts, text, details));
    const feedback = annotate(random('annotator', 'sample', id), facts, corpusSummary, 'any');
    return {
      id,
      post: text,
      facts,
      gold: goldSummary(facts),
      corpusSummary,
      simulatedFeedback: feedback.text,
    };
  });
}
