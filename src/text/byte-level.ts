/** What every byte-level BPE tokenizer has from GPT-2: how text falls into pre-tokens, and how bytes are written. */

/**
 * GPT-2's pre-tokens. Every character belongs to exactly one, merges never cross their borders, and a pre-token on
 * its own falls into itself alone: so a text's tokens are its pre-tokens' tokens, one after another. White space is Unicode's, as in
 * Hugging Face's library: JavaScript's \s leaves U+0085 out and takes U+FEFF in.
 */
export const PRE_TOKENS =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** Bytes that a vocabulary file shows as the Latin-1 character of the same code. */
const isPrintable = (byte: number): boolean =>
  (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;

/** [byte] → the character that stands for it in a vocabulary file; the others become U+0100, U+0101, … */
export const BYTE_CHARS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
})();

/** The inverse of BYTE_CHARS. */
export const CHAR_BYTES: ReadonlyMap<string, number> = new Map(BYTE_CHARS.map((char, byte) => [char, byte]));

/** All bytes in the order of GPT-2's first 256 ids: the printable ones, then the others. */
export const BYTE_ORDER: readonly number[] = (() => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  return [...bytes.filter(isPrintable), ...bytes.filter((byte) => !isPrintable(byte))];
})();

export const END_OF_TEXT = '<|endoftext|>';

/** The tokenizer.json (Hugging Face tokenizers 1.0) of a byte-level BPE whose one special token is <|endoftext|>. */
export function byteLevelJson(vocab: Record<string, number>, merges: string[], endOfText: number) {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      {
        id: endOfText,
        content: END_OF_TEXT,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}

/** The tokenizer_config.json that goes with `byteLevelJson`. */
export const BYTE_LEVEL_CONFIG = {
  tokenizer_class: 'GPT2Tokenizer',
  add_prefix_space: false,
  clean_up_tokenization_spaces: false,
  bos_token: END_OF_TEXT,
  eos_token: END_OF_TEXT,
  unk_token: END_OF_TEXT,
};
