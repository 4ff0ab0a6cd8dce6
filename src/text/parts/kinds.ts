/** The parts of a tokenizer, in the order in which text goes through them: as in the library `tokenizers` of Hugging Face. */

export type Normalizer = (text: string) => string;
/** A text's pieces; `first` where it is the beginning of the whole. */
export type PreTokenizer = (text: string, first: boolean) => string[];
/** The ids of a piece. */
export type Model = (piece: string) => number[];
/** The tokens' names on their way to a text. */
export type Decoder = (tokens: string[]) => string[];
