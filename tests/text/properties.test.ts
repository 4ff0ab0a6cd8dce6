// What must hold of tokenizers whatever the text is.
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildGpt2Subset } from '../../src/text/gpt2-subset.js';
import { loadTokenizer, type Tokenizer } from '../../src/text/tokenizer.js';
import { holds } from '../helpers/properties.js';
import { scratchFolder } from '../store/folder.js';

const dir = join(scratchFolder(), 'subset');

/** Any UTF-16, halves of surrogate pairs too; characters as people see them; and what tokenizers take apart in ways of their own. */
const special = fc.constantFrom(
  '<|endoftext|>',
  '  ',
  '\n\n',
  "'s",
  "'LL",
  '\r\n',
  ' a',
  '🙂',
  '\u00a0',
  '123',
  '…',
);
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.array(fc.oneof(special, fc.string({ maxLength: 5 })), { maxLength: 20 }).map((parts) => parts.join('')),
  fc.array(fc.nat(0xffff), { maxLength: 30 }).map((units) => String.fromCharCode(...units)),
);
/** With U+FFFD for halves of surrogate pairs, which UTF-8 has not. */
const wellFormed = (text: string) => text.replace(/\p{Surrogate}/gu, '\ufffd');

describe.each(['a subset of GPT-2', 'models/base', 'models/instruct'])('%s', (name) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    if (name.startsWith('a subset'))
      await buildGpt2Subset(['Post: The meeting moved; we’ll see.\nSummary:'], dir);
    tokenizer = await loadTokenizer(name.startsWith('a subset') ? dir : name);
  });

  it('decodes what it encoded, to the byte', () => {
    holds(
      fc.property(anyText, (text) => {
        const ids = tokenizer.encode(text);
        expect(tokenizer.decode(ids)).toBe(wellFormed(text));
        expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < tokenizer.vocabSize)).toBe(true);
        // No text ends itself.
        expect(ids).not.toContain(tokenizer.eos);
      }),
      300,
    );
  });

  it('encodes what it decoded, if not to the same tokens, to the same text', () => {
    const ids = fc.array(fc.nat(10_000), { maxLength: 20 });
    holds(
      fc.property(ids, (numbers) => {
        const text = tokenizer.decode(numbers.map((id) => id % tokenizer.vocabSize));
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });
});
