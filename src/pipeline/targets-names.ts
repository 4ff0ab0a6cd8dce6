/** What π_θ may be finetuned on, by name; src/ilf/targets.ts makes them. */
export const TARGETS = [
  'ilf',
  'initial',
  'gold',
  'no-feedback',
  'shuffled-feedback',
  'feedback-refinement',
  'posterior',
] as const;
export type TargetsName = (typeof TARGETS)[number];
