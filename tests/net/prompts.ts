/** What the loop's models read, written out once more: a model that was trained on these words has to be asked by them. */
export const summary = (id: string) => `Post: The story ${id}\nSummary:`;
export const critique = (id: string, initial: string) => `${summary(id)} ${initial}\nFeedback:`;
export const refine = (id: string, initial: string, feedback: string) =>
  `Post: The story ${id}\nSummary: ${initial}\nFeedback: ${feedback}\nNew summary:`;
export const improve = (id: string, initial: string) =>
  `Post: The story ${id}\nSummary: ${initial}\nNew summary:`;

/** What training sees of a target: its tokens' weights in the loss, at a prompt weight of 1/8. */
export const example = (text: string, weight = 1) => ({
  prompt: summary(text.split(' ')[0]!),
  completion: ` ${text}⟨end⟩`,
  promptWeight: weight / 8,
  weight,
});
