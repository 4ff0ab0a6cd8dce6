/** Decoders: from tokens' names to a text. */
import { z } from 'zod';
import { CHAR_BYTES } from '../byte-level.js';
import { char, content, eachOf, listOf, oneOf, pattern, replaceEach } from './common.js';
import type { Decoder } from './kinds.js';

const count = z.number().int().nonnegative().max(1000);
const single = [
  z.looseObject({ type: z.enum(['ByteLevel', 'ByteFallback', 'Fuse']) }),
  z.looseObject({ type: z.literal('Replace'), pattern, content }),
  z.looseObject({ type: z.literal('Strip'), content: char, start: count, stop: count }),
  z.looseObject({
    type: z.literal('Metaspace'),
    replacement: char.default('▁'),
    prepend_scheme: z.enum(['first', 'never', 'always']).optional(),
    add_prefix_space: z.boolean().optional(),
  }),
  z.looseObject({
    type: z.literal('WordPiece'),
    prefix: z.string().default('##'),
    cleanup: z.boolean().default(true),
  }),
  z.looseObject({ type: z.literal('BPEDecoder'), suffix: z.string().default('</w>') }),
] as const;
const sequence = z.looseObject({ type: z.literal('Sequence'), decoders: listOf(oneOf(single)) });
export const decoderSchema = oneOf([...single, sequence]);
export type DecoderJson = z.infer<typeof decoderSchema>;

/** @throws UserError for regular expressions that cannot be run */
export function decoderOf(json: DecoderJson, where: string): Decoder {
  switch (json.type) {
    case 'ByteLevel':
      return byteLevel();
    case 'ByteFallback':
      return byteFallback;
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'Replace': {
      const each = eachOf(json.pattern, where);
      return (tokens) => replaceEach(tokens, each, json.content, where);
    }
    case 'Strip':
      return (tokens) => tokens.map((token) => strip(token, json.content, json.start, json.stop));
    case 'Metaspace': {
      const { replacement, prepend_scheme, add_prefix_space } = json;
      const begins = prepend_scheme ? prepend_scheme !== 'never' : add_prefix_space !== false;
      return (tokens) =>
        tokens.map((token, i) => token.replaceAll(replacement, i === 0 && begins ? '' : ' '));
    }
    case 'WordPiece':
      return (tokens) => tokens.map((token, i) => wordPiece(token, i, json));
    case 'BPEDecoder':
      return (tokens) =>
        json.suffix === ''
          ? tokens
          : tokens.map((token, i) => token.replaceAll(json.suffix, i === tokens.length - 1 ? '' : ' '));
    case 'Sequence': {
      const all = json.decoders.map((one) => decoderOf(one, where));
      return (tokens) => all.reduce((before, decode) => decode(before), tokens);
    }
    default:
      return json satisfies never as never;
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

function byteLevel(): Decoder {
  const known = new Map<string, Buffer>();
  const bytesOf = (token: string): Buffer => {
    let bytes = known.get(token);
    if (bytes === undefined) {
      const chars = Array.from(token, (char) => CHAR_BYTES.get(char));
      // A token that is not spelt in bytes stands for its own characters.
      bytes = chars.includes(undefined) ? Buffer.from(token) : Buffer.from(chars as number[]);
      known.set(token, bytes);
    }
    return bytes;
  };
  return (tokens) => [utf8.decode(Buffer.concat(tokens.map(bytesOf)))];
}

const BYTE = /^<0x([0-9A-Fa-f]{2})>$/;

/** Bytes that are tokens become characters; all of a run that is no UTF-8 becomes a U+FFFD a byte. */
const byteFallback: Decoder = (tokens) => {
  const out: string[] = [];
  let run: number[] = [];
  const end = () => {
    if (run.length === 0) return;
    const bytes = Buffer.from(run);
    const text = utf8.decode(bytes);
    out.push(Buffer.from(text).equals(bytes) ? text : '\ufffd'.repeat(run.length));
    run = [];
  };
  for (const token of tokens) {
    const byte = BYTE.exec(token);
    if (byte) run.push(Number.parseInt(byte[1]!, 16));
    else {
      end();
      out.push(token);
    }
  }
  end();
  return out;
};

/** Without at most `start` of the character in front, and `stop` behind. */
function strip(token: string, content: string, start: number, stop: number): string {
  const chars = Array.from(token);
  let from = 0;
  while (from < start && chars[from] === content) from++;
  let to = chars.length;
  while (to > from && chars.length - to < stop && chars[to - 1] === content) to--;
  return chars.slice(from, to).join('');
}

function wordPiece(token: string, index: number, { prefix, cleanup }: { prefix: string; cleanup: boolean }) {
  const joined =
    index === 0
      ? token
      : prefix !== '' && token.startsWith(prefix)
        ? token.slice(prefix.length)
        : ` ${token}`;
  return cleanup ? cleanUp(joined).replaceAll(' do not', " don't") : joined;
}

/** English, as transformers tidies it: without the spaces in front of punctuation and abbreviated words. */
export const cleanUp = (text: string): string =>
  [' .', ' ?', ' !', ' ,']
    .reduce((before, mark) => before.replaceAll(mark, mark.slice(1)), text)
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
