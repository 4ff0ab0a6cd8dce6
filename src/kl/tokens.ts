/** Single tokens, made readable. */
import { plain } from '../report/terminal.js';
import type { Tokenizer } from '../text/tokenizer.js';

/** A token within a text: line breaks are seen and kept, as is the end of the text. */
export function tokenText(tokenizer: Tokenizer | null, id: number): string {
  if (!tokenizer) return `⟨${id}⟩`;
  if (tokenizer.ends.includes(id)) return '⟨end⟩';
  const text = plain(tokenizer.decode([id]));
  return text === '' ? `⟨${id}⟩` : text.replaceAll('\n', '⏎\n');
}

const LONGEST = 24;

/** A token on its own, in one line: spaces are seen, and a piece of a character is told by its number. */
export function tokenLabel(tokenizer: Tokenizer | null, id: number): string {
  const text = tokenText(tokenizer, id).replaceAll('⏎\n', '⏎').replaceAll(' ', '␣');
  const characters = [...text];
  const shown = characters.length > LONGEST ? `${characters.slice(0, LONGEST).join('')}…` : text;
  return text.includes('\ufffd') ? `${shown} ⟨${id}⟩` : shown;
}
