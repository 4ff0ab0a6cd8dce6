"""Writes one table in the encodings that pandas, polars and pyarrow write, into this script's folder.

    pip install pyarrow pandas        # made with pyarrow 25.0.1, pandas 3.0.6
    python make.py
"""

import pathlib

import pandas as pd
import pyarrow as pa
from pyarrow import feather, ipc

HERE = pathlib.Path(__file__).parent
# One text is long, or nothing would be compressed. A text of more than 12 bytes is not in its view; NUL, a byte-order mark and an emoji are text as any.
ROWS = {
    "context": ["a", "a", "a", "b", "b", "b"],
    "candidate": [0, 1, 2, 0, 1, 2],
    "text": ["Ines keeps parking in a spot that is not hers. " * 8, "", "\ufeffInes\x00", "Rafael 🙂", "A torn tent is back.", "漢字"],
    "ids": [[5, 6, 7], [], [8], [1, 2], [3, 4], [9]],
    "pair": [[0.5, 1.0], [0.25, 2.0], [-1.0, 0.0], [3.0, 4.0], [5.5, 6.0], [7.0, 8.0]],
    "logprob": [-5.0, None, -0.5, -7.25, None, -1e-3],
    "base": [-6, -7, -8, -9, -10, -11],
    "selected": [True, False, False, False, True, False],
    # More columns, which nobody asks for: they must be passed over.
    "seen": pd.to_datetime(["2024-01-01"] * 6),
    "more": [{"x": [1, 2], "y": "z"}] * 6,
}


def table(text=pa.string(), number=pa.int64(), many=pa.list_, pairs=None):
    words = pa.dictionary(number, text.value_type) if isinstance(text, pa.DictionaryType) else text
    types = {
        "context": words,
        "candidate": number,
        "text": words,
        "ids": many(number),
        "pair": pairs or many(pa.float64()),
        "logprob": pa.float64(),
        "base": pa.int16(),
        "selected": pa.bool_(),
        "seen": pa.timestamp("us"),
        "more": pa.struct({"x": many(number), "y": pa.string_view()}),
    }
    return pa.table({name: pa.array(ROWS[name], types[name]) for name in ROWS})


def file(name, of, batch=None, **options):
    with ipc.new_file(HERE / f"{name}.arrow", of.schema, options=ipc.IpcWriteOptions(**options)) as out:
        out.write_table(of, batch)


def stream(name, of, batch=None, **options):
    with ipc.new_stream(HERE / f"{name}.arrow", of.schema, options=ipc.IpcWriteOptions(**options)) as out:
        out.write_table(of, batch)


plain = table()
file("plain", plain)
file("chunked", plain, batch=4)
file("sliced", pa.concat_tables([plain, plain]).slice(6, 6))
file("lz4", plain, compression="lz4")
file("zstd", plain, compression="zstd")
file("large", table(pa.large_string(), pa.uint32(), pa.large_list))
file("views", table(pa.string_view(), pa.int8(), pa.large_list), batch=5)
file("views-zstd", table(pa.string_view(), pa.int32(), pa.list_), compression="zstd")
file("dictionary", table(pa.dictionary(pa.int8(), pa.string()), pa.int8()))
file("dictionary-large", table(pa.dictionary(pa.int32(), pa.large_string()), pa.uint16()), compression="lz4")
file("fixed", table(pairs=pa.list_(pa.float32(), 2)))
stream("stream", plain)
stream("stream-lz4", table(pa.large_string()), batch=2, compression="lz4")

# Each batch's own dictionary: replaced where it is another, and then only added to.
parts = [plain.slice(0, 3), plain.slice(3, 3)]
for delta in (False, True):
    texts = [part["text"].combine_chunks().dictionary_encode() for part in parts]
    if delta:
        both = pa.concat_arrays([texts[0].dictionary, texts[1].dictionary])
        texts[1] = pa.DictionaryArray.from_arrays(pa.array([3, 4, 5], pa.int32()), both)
    batches = [
        pa.record_batch([*(part[name].combine_chunks() if name != "text" else text for name in ROWS)], names=list(ROWS))
        for part, text in zip(parts, texts)
    ]
    with ipc.new_stream(
        HERE / f"stream-{'delta' if delta else 'replaced'}.arrow",
        batches[0].schema,
        options=ipc.IpcWriteOptions(emit_dictionary_deltas=delta),
    ) as out:
        for batch in batches:
            out.write_batch(batch)

frame = pd.DataFrame({name: ROWS[name] for name in ROWS if name != "more"})
frame.to_feather(HERE / "pandas.arrow")
frame["context"] = frame["context"].astype("category")
frame.to_feather(HERE / "pandas-category.arrow", compression="zstd")
# What pandas makes of columns without a single value.
frame["logprob"], frame["ids"] = None, [[]] * 6
frame.to_feather(HERE / "pandas-empty.arrow")

# What is not read.
feather.write_feather(plain.select(["candidate", "base"]), HERE / "feather-1.arrow", version=1)
file("times", pa.table({"context": pa.array(ROWS["seen"], pa.timestamp("us")), "half": pa.array([0.5] * 6, pa.float16())}))

# Contexts as `generate` reads them: a text of many words, or nothing would be compressed.
CONTEXT = {name: [""] for name in ("context", "text", "facts", "output", "feedback", "gold")}
CONTEXT |= {"context": ["a"], "text": ["Dana pays rent, and Dana is late. " * 4], "facts": ["null"]}
feather.write_feather(pa.table(CONTEXT), HERE.parent / "contexts-zstd.arrow", compression="zstd")
