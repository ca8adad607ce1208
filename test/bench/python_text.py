"""The peers of the text bench: a plain Python script that embeds texts, and the same one with texts sorted by length.

Needs pyarrow, numpy, tokenizers and onnxruntime. Arguments: one JSON object (model, tokenizer, input, out, maxLength,
batch, threads, sort).
"""
import json
import sys

import numpy
import onnxruntime
import pyarrow
import pyarrow.parquet
from tokenizers import Tokenizer

job = json.loads(sys.argv[1])
tokenizer = Tokenizer.from_file(job["tokenizer"])
tokenizer.enable_truncation(job["maxLength"])
tokenizer.no_padding()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = job["threads"]
options.log_severity_level = 4
session = onnxruntime.InferenceSession(job["model"], options, providers=["CPUExecutionProvider"])
wanted = {entry.name for entry in session.get_inputs()}

table = pyarrow.parquet.read_table(job["input"])
texts = table["text"].to_pylist()
encodings = tokenizer.encode_batch(texts)
order = list(range(len(texts)))
if job["sort"]:
    order.sort(key=lambda index: -len(encodings[index].ids))
vectors = [None] * len(texts)
for start in range(0, len(order), job["batch"]):
    rows = order[start:start + job["batch"]]
    longest = max(len(encodings[row].ids) for row in rows)
    ids = numpy.zeros((len(rows), longest), numpy.int64)
    mask = numpy.zeros((len(rows), longest), numpy.int64)
    for place, row in enumerate(rows):
        length = len(encodings[row].ids)
        ids[place, :length] = encodings[row].ids
        mask[place, :length] = 1
    feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
    hidden = session.run(None, {name: value for name, value in feeds.items() if name in wanted})[0]
    weights = mask[:, :, None].astype(numpy.float32)
    pooled = (hidden * weights).sum(1) / numpy.maximum(weights.sum(1), 1e-9)
    pooled /= numpy.maximum(numpy.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)
    for place, row in enumerate(rows):
        vectors[row] = pooled[place]
matrix = numpy.stack(vectors).astype(numpy.float32)
column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(matrix.ravel()), matrix.shape[1])
pyarrow.parquet.write_table(pyarrow.table({"id": table["id"], "embedding": column}), job["out"], compression="zstd")
