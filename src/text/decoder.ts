/** From ids to a text. */
import { decodesLinearly } from './linear.js';
import { cleanUp, decoderOf } from './parts/decoders.js';
import type { Decoder } from './parts/kinds.js';
import type { TokenizerConfig } from './settings.js';
import { limited } from './time-limit.js';
import type { TokenizerJson } from './tokenizer-json.js';

/** @throws UserError for a part that cannot be used */
export function decoder(
  json: TokenizerJson,
  config: TokenizerConfig,
  ids: ReadonlyMap<string, number>,
  ends: readonly number[],
  where: string,
): (tokens: ArrayLike<number>) => string {
  const names: string[] = [];
  for (const [name, value] of ids) names[value] = name;
  const silent = new Set([
    ...json.added_tokens.filter(({ special }) => special).map(({ id }) => id),
    ...ends,
  ]);
  const chain: Decoder = json.decoder ? decoderOf(json.decoder, where) : (tokens) => [tokens.join(' ')];
  const tidies =
    config.clean_up_tokenization_spaces === true &&
    (json.model.type !== 'BPE' ||
      config.clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output === true);
  const decode = (tokens: ArrayLike<number>): string => {
    const said: string[] = [];
    for (const token of Array.from(tokens)) if (!silent.has(token)) said.push(names[token] ?? '\ufffd');
    const text = chain(said).join('');
    return tidies ? cleanUp(text) : text;
  };
  return !json.decoder || decodesLinearly(json.decoder)
    ? decode
    : (tokens) => limited(`${where}: to decode a text`, () => decode(tokens));
}
