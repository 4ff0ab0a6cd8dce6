"""
Ids and texts of Hugging Face's library, for tokenizers of every kind: goldens.json, beside the small tokenizers that are trained here.

    python make.py MODELS SHARED

MODELS holds base/tokenizer.json, SHARED/data has codegen-tokenizer/ and stories260K/. Made with tokenizers 0.23. A special
token's name in a text is text (encode_special_tokens); nothing is put around a text.
Training is not the same twice: goldens.json and made/ belong together.
"""

import json
import sys
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

here = Path(__file__).parent

SPACES = [*range(0x9, 0xE), 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x85, 0xA0, 0x1680, 0x180E, *range(0x2000, 0x2010)]
SPACES += [0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF]

HARD = {
    "nothing": "",
    "one space": " ",
    "spaces": "a  b   c    d ",
    "breaks": "\n\n\na\r\n b\r\n\r\n\tc \t d\n \n",
    **{f"white space U+{c:04X}": f"a{chr(c)}b {chr(c)} c{chr(c)}{chr(c)}{chr(c)}d{chr(c)}" for c in SPACES},
    "all white space": "x".join(map(chr, SPACES)),
    "a run of all white space": "a" + "".join(map(chr, SPACES)) + "b",
    "where white space ends": "a   \u0085b   \ufeffc  \u0085  d !\ufeff! x\ufeff\ufeff \u0085\u0085y   \u200bz  \u3000w",
    "controls": "".join(map(chr, range(32))) + "\x7f\x80\x9f\xad",
    "English": "She'll say: it's 12,345.67 % of what they've got; I'm sure you'd, we're, don't! 'S 'LL DON'T ''s",
    "camel": "someVariableName = foo_bar[0x1F] + 'αβγ' // TODO(me): fix #42",
    "Latin": "naïve café résumé ÅNGSTRÖM ﬁne Straße ǅ İstanbul ıssız ſo Kelvin",
    "combining": "e\u0301a\u0300\u0323 n\u0303 Z\u0351\u036b\u0343 \u0301 x\u0338",
    "composed and not": "\u00e9 e\u0301 \u1e69 s\u0323\u0307 s\u0307\u0323 \uac00 \u1100\u1161",
    "emoji": "👩‍👩‍👧‍👦 👩🏽‍🚀🏳️‍🌈 ❤️ 🇧🇪🇯🇵 #️⃣ 🙂🙂🙂",
    "CJK": "東京は日本の首都です。 北京，中国。 한국어 문장。 ㍿ ｶﾀｶﾅ ＡＢＣ１２３ 𠀀𪚥",
    "right to left": "שלום עולם, مرحبا بالعالم! ١٢٣ \u200fabc\u200e \u202eback\u202c نِيّة",
    "Indic": "नमस्ते दुनिया १२३ ক্ষ த்தி ไทยภาษา ខ្មែរ",
    "numbers": "1 12 123 1234 12345 ½ ² ₃ Ⅷ ① 一二三 ٣ 𝟘",
    "marks": "!!! ??? ... … — – « » “x” ‘y’ $5 €5 ^_^ `a` <b> {c} [d] |e| ~f~ a+b=c",
    "Greek": "ΟΔΥΣΣΕΥΣ ὈΔΥΣΣΕΎΣ σς",
    "special": "a<|endoftext|>b <|endoftext|> <s>x</s> <unk> [UNK] [CLS] <0x41> Ġ ▁ ## ##a",
    "words of code": "__proto__ constructor toString hasOwnProperty valueOf",
    "long": "x" * 200 + " " + "é" * 100 + " " + "ab" * 100,
    "long digits": "1234567890" * 9,
    "no-break mix": "a\u00a0b\u200bc\u200dd\u2011e\u00ade",
    "private and last": "\ue000 \U000f0000 \U0010ffff \ufffd \ufffe",
}

# How a text is split shows in these.
FOR_SPLITS = ["breaks", "all white space", "English", "camel", "numbers", "marks", "CJK"]

# Beside each text, for tokens that are looked for in it.
MORE = {"qwen": " <think>a word b words <l> c  <r>  d<l><r>word"}

CORPUS = [
    "The meeting in Antwerp moved from Tuesday to Thursday, 14:30; Dr. Okonkwo can't come.",
    "She'll bring the spreadsheet, we don't know whether it's late. naïve café résumé, 12345 units (3.5 %).",
    "東京は日本の首都です。 한국어 문장 नमस्ते दुनिया, مرحبا بالعالم",
    "internationalization of words, the words of the world: words, words and words again!",
] * 4


def byte_bpe(split):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(split), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tok.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tok.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(vocab_size=400, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False),
    )
    return tok


CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def qwen():
    tok = byte_bpe(CL100K.replace("{1,3}", ""))
    tok.normalizer = normalizers.NFC()
    tok.add_tokens([AddedToken("<think>", special=False, normalized=False), AddedToken("word", single_word=True)])
    tok.add_tokens([AddedToken("<l>", lstrip=True, special=False), AddedToken("<r>", rstrip=True, normalized=False)])
    return tok


def deepseek():
    tok = byte_bpe("a")
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), "isolated"),
            pre_tokenizers.Split(Regex("[一-龥぀-ゟ゠-ヿ]+"), "isolated"),
            pre_tokenizers.Split(
                Regex(
                    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
                    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
                ),
                "isolated",
            ),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tok


def prefix_space():
    tok = byte_bpe("a")
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=True)])
    return tok


def splits(behavior, pattern, invert=False):
    tok = byte_bpe("a")
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(pattern, behavior, invert), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    return tok


def white_space():
    """GPT-2's pattern, and tokens that show where white space ends: of several spaces, of U+0085 and U+FEFF with neighbours."""
    tok = Tokenizer(models.BPE())
    tok.decoder = decoders.ByteLevel()
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    text = [" ", "  ", "   ", " \u0085", "\u0085\u0085", "!\ufeff", "\ufeff\ufeff", " \ufeff", "\ufeffc", "!\ufeff!"] * 9
    tok.train_from_iterator(
        text, trainers.BpeTrainer(vocab_size=290, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False)
    )
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tok


def unigram(**how):
    tok = Tokenizer(models.Unigram())
    tok.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tok.pre_tokenizer = pre_tokenizers.Metaspace(**how)
    tok.decoder = decoders.Metaspace(**how)
    tok.train_from_iterator(
        CORPUS, trainers.UnigramTrainer(vocab_size=150, special_tokens=["<unk>", "</s>"], unk_token="<unk>", show_progress=False)
    )
    return tok


def unigram_bytes():
    vocab = [("<unk>", 0.0), ("</s>", 0.0)] + [(f"<0x{b:02X}>", -9.0 - b / 1000) for b in range(256)]
    vocab += [("▁", -2.0), ("▁the", -3.0), ("the", -4.0), ("e", -3.5), ("t", -3.6), ("h", -3.7), ("he", -4.1), ("th", -4.2), ("xx", -5.0)]
    tok = Tokenizer(models.Unigram(vocab, unk_id=0, byte_fallback=True))
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tok.add_special_tokens(["</s>"])
    return tok


def word_piece(bert, pre):
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tok.normalizer = bert
    tok.pre_tokenizer = pre
    tok.decoder = decoders.WordPiece()
    tok.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=200, special_tokens=["[UNK]", "[SEP]"], show_progress=False))
    return tok


def word_level():
    tok = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tok.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()])
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("contiguous")])
    tok.train_from_iterator(CORPUS, trainers.WordLevelTrainer(special_tokens=["[UNK]", "</s>"], show_progress=False))
    return tok


def suffix_bpe():
    tok = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>", fuse_unk=True))
    tok.normalizer = normalizers.Lowercase()
    tok.pre_tokenizer = pre_tokenizers.Whitespace()
    tok.decoder = decoders.BPEDecoder("</w>")
    tok.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=150, special_tokens=["<unk>", "</s>"], end_of_word_suffix="</w>", show_progress=False)
    )
    return tok


def main():
    base, shared = Path(sys.argv[1]), Path(sys.argv[2])
    from_files = {
        "models/base": base / "base/tokenizer.json",
        "shared/codegen-tokenizer": shared / "data/codegen-tokenizer/tokenizer.json",
        "shared/stories260K": shared / "data/stories260K/tokenizer.json",
    }
    trained = {
        "white-space": white_space(),
        "cl100k": byte_bpe(CL100K),
        "o200k": byte_bpe(O200K),
        "qwen": qwen(),
        "deepseek": deepseek(),
        "prefix-space": prefix_space(),
        "split-removed": splits("removed", " "),
        "split-previous": splits("merged_with_previous", Regex(r"[aeiou\s]")),
        "split-next": splits("merged_with_next", Regex(r"[aeiou\s]")),
        "split-contiguous": splits("contiguous", Regex(r"\p{P}|\d")),
        "split-invert": splits("removed", Regex(r"\w+|[^\w\s]"), invert=True),
        "unigram": unigram(),
        "unigram-first": unigram(prepend_scheme="first"),
        "unigram-bytes": unigram_bytes(),
        "word-piece": word_piece(normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()),
        "word-piece-cased": word_piece(normalizers.BertNormalizer(lowercase=False), pre_tokenizers.Whitespace()),
        "word-level": word_level(),
        "suffix-bpe": suffix_bpe(),
    }
    tokenizers = {name: Tokenizer.from_file(str(path)) for name, path in from_files.items()}
    made = here / "made"
    made.mkdir(exist_ok=True)
    for name, tok in trained.items():
        (made / f"{name}.json").write_text(json.dumps(json.loads(tok.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
        tokenizers[name] = tok
    goldens = {}
    for name, tok in tokenizers.items():
        tok.encode_special_tokens = True
        rows = goldens[name] = {}
        for what, text in HARD.items():
            if name.startswith("split-") and what not in FOR_SPLITS:
                continue
            text += MORE.get(name, "")
            ids = tok.encode(text, add_special_tokens=False).ids
            said = tok.decode(ids, skip_special_tokens=True)
            rows[what] = [ids] if said == text else [ids, said]
    compact = lambda value: json.dumps(value, separators=(",", ":"))
    blocks = [f"{json.dumps(name)}: {{\n" + ",\n".join(f"{json.dumps(what)}: {compact(row)}" for what, row in rows.items()) + "\n}" for name, rows in goldens.items()]
    texts = json.dumps(HARD, indent=0)
    (here / "goldens.json").write_text(f'{{\n"texts": {texts},\n"more": {compact(MORE)},\n"goldens": {{\n' + ",\n".join(blocks) + "\n}\n}\n")


main()
