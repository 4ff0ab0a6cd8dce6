/** One deliberate mistake in one line of src/, and the tests that should notice it. */
export interface Mutant {
  /** Names it for people and for --only: "bayes/k1-sign". */
  id: string;
  /** From the repository's root. */
  file: string;
  /** Occurs exactly once in the file, within one line. */
  find: string;
  replace: string;
  /** What the mistake is, in words. */
  about: string;
  /** Test files that should fail with it, the likeliest first. */
  tests: readonly string[];
  /** Why no test can or need notice it; for a mutant that survives. */
  survives?: string;
}

/** The file's text with the mistake in it. @throws Error where the list no longer fits the file */
export function mutated({ file, find, replace }: Mutant, text: string): string {
  const found = text.split(find).length - 1;
  if (found !== 1) throw new Error(`${file} has ${JSON.stringify(find)} ${found} times, not once`);
  if (find === replace || find.includes('\n') || replace.includes('\n'))
    throw new Error(`a mutant changes one line: ${JSON.stringify(find)} to ${JSON.stringify(replace)}`);
  // Not replace(): a $ in the replacement would mean something.
  return text.split(find).join(replace);
}
