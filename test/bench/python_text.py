"""The peers of the text bench: a plain Python script that embeds texts, and the same one with texts sorted by length.

Needs pyarrow, numpy, tokenizers and onnxruntime. Arguments: one JSON object (model, tokenizer, input, out, maxLength,
batch, threads, sort).
"""
import json
import sys

import pyarrow
import pyarrow.parquet
from python_embed import Embedder

job = json.loads(sys.argv[1])
embedder = Embedder(job)
table = pyarrow.parquet.read_table(job["input"])
matrix = embedder(table["text"].to_pylist())
column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(matrix.ravel()), matrix.shape[1])
pyarrow.parquet.write_table(pyarrow.table({"id": table["id"], "embedding": column}), job["out"], compression="zstd")
