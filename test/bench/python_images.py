"""The peer of the images bench: a plain Python script that decodes with Pillow and scores in batches.

Needs pillow, pyarrow, numpy and onnxruntime. Arguments: one JSON object (model, modelInput, folder, out, size, batch,
threads).
"""
import concurrent.futures
import json
import os
import sys

import numpy
import onnxruntime
import pyarrow
import pyarrow.parquet
from PIL import Image

job = json.loads(sys.argv[1])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = job["threads"]
options.log_severity_level = 4
session = onnxruntime.InferenceSession(job["model"], options, providers=["CPUExecutionProvider"])


def pixels(name):
    image = Image.open(os.path.join(job["folder"], name)).convert("RGB")
    image = image.resize((job["size"], job["size"]), Image.BILINEAR)
    return (numpy.asarray(image, numpy.float32) / 255).transpose(2, 0, 1)


names = sorted(os.listdir(job["folder"]))
scores = []
with concurrent.futures.ThreadPoolExecutor(job["threads"]) as pool:
    for start in range(0, len(names), job["batch"]):
        batch = numpy.stack(list(pool.map(pixels, names[start:start + job["batch"]])))
        scores.append(session.run(None, {job["modelInput"]: batch})[0])
values = numpy.concatenate(scores).reshape(len(names), -1)
column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(values.ravel()), values.shape[1])
pyarrow.parquet.write_table(pyarrow.table({"name": names, "scores": column}), job["out"])
