import { l as rougeL } from 'js-rouge';

/**
 * How like the reference an output is, in [0, 1]: F1 of ROUGE-L (Lin 2004), the words of the longest common subsequence as a
 * share of the words of each. Whatever the case of letters; punctuation counts as words; an empty text is like nothing.
 */
export function likeness(output: string, reference: string): number {
  if (output.trim() === '' || reference.trim() === '') return 0;
  // As one sentence, the order of the words counts throughout, over lines too.
  return rougeL(output, reference, { caseSensitive: false, segmenter: (text) => [text] });
}
