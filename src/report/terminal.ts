// Text on a terminal. What comes from data is hostile: it must not move the cursor, recolour the screen or reverse the
// text, so control and direction characters are shown as what they are, not sent.

/** The terminal's width in columns, and whether it may be coloured. */
export interface Terminal {
  width: number;
  color: boolean;
}

/** What a stream can do: 80 columns and no colours where it is no terminal; NO_COLOR is honoured (no-color.org). */
export function terminalOf(
  stream: { isTTY?: boolean; columns?: number },
  environment: Record<string, string | undefined> = process.env,
): Terminal {
  const color = stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
  return { width: Math.max(40, (stream.isTTY && stream.columns) || 80), color };
}

/** Options of a table without lines, two spaces between its columns. */
export const borderless = {
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  chars: {
    ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
    ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
    ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
  },
};

/** Control characters, of both sets, and what turns the direction of writing. */
const STEERING = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text that is safe to print: what could steer a terminal as visible symbols; line breaks stay. */
export function plain(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/\t/g, ' ')
    .replace(STEERING, (c) => {
      if (c === '\n') return c;
      if (c === '\u007f') return '\u2421';
      return c < ' ' ? String.fromCharCode(0x2400 + c.charCodeAt(0)) : '\ufffd';
    });
}

/** A text of at most `most` characters: its beginning and its end. */
export function cutMiddle(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor((most - 1) / 2);
  // Of a character that takes two, half is none.
  const head = text.slice(0, half).replace(/[\ud800-\udbff]$/, '');
  return `${head}…${text.slice(text.length - half).replace(/^[\udc00-\udfff]/, '')}`;
}

/** Breaks lines between words so that none is wider than `width` columns; a longer word is cut. */
export function wrap(text: string, width: number): string {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (let word of paragraph.split(/ +/)) {
      if (line !== '' && textWidth(line) + 1 + textWidth(word) <= width) {
        line += ` ${word}`;
        continue;
      }
      if (line !== '') lines.push(line);
      while (textWidth(word) > width) {
        const head = fitting(word, width);
        if (head === word) break;
        lines.push(head);
        word = word.slice(head.length);
      }
      line = word;
    }
    lines.push(line);
  }
  return lines.join('\n');
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const wide =
  /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])/u;
const invisible = /^[\p{Mark}\p{Cf}]+$/u;

/** Columns that a text takes on a terminal: East Asian wide characters and emoji take two. */
export function textWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(text))
    columns += invisible.test(segment) ? 0 : wide.test(segment) ? 2 : 1;
  return columns;
}

/** The longest beginning that fits; one grapheme at least. */
function fitting(word: string, width: number): string {
  let head = '';
  for (const { segment } of graphemes.segment(word)) {
    if (head !== '' && textWidth(head + segment) > width) break;
    head += segment;
  }
  return head;
}
