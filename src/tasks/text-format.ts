/** What a written text looks like: where it ends, and what of it counts. */

export interface TextFormat {
  /** What steps that write are known by: another name, and they are made again. */
  readonly name: string;
  /** What ends a text besides the end-of-text token: what follows would be cut. Null: nothing. */
  readonly stop: string | null;
  /** A text as a person would have it. `finished`: the model ended it, instead of the token limit. */
  tidy(text: string, finished: boolean): string;
}

/**
 * One line, without a last sentence that the token limit cut off. A text that is all one unfinished sentence stays, since an
 * empty one says even less.
 */
export const oneLine: TextFormat = {
  name: 'one line',
  stop: '\n',
  tidy: (text, finished) => {
    const newline = text.trimStart().indexOf('\n');
    const line = (newline < 0 ? text.trimStart() : text.trimStart().slice(0, newline)).trimEnd();
    if (finished || newline >= 0) return line;
    const end = line.search(/[.!?][^.!?]*$/);
    return end < 0 ? line : line.slice(0, end + 1);
  },
};

/** Any number of lines, up to the end of the text; a last line that the token limit cut off is dropped, where there are others. */
export const manyLines: TextFormat = {
  name: 'many lines',
  stop: null,
  tidy: (text, finished) => {
    if (finished) return text.trim();
    const whole = text.slice(0, Math.max(0, text.lastIndexOf('\n'))).trim();
    return whole === '' ? text.trim() : whole;
  },
};
