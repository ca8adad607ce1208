"""The peer: what a careful Python engineer writes by hand for one night, a process pool with one file a task.

Needs pyarrow, numpy and onnxruntime. Arguments: one JSON object (model, files, modelInput, columns, outputs, key, out).
"""
import json
import multiprocessing
import os
import sys

import numpy
import onnxruntime
import pyarrow
import pyarrow.parquet

job = json.loads(sys.argv[1])
session = None


def start():
    global session
    pyarrow.set_cpu_count(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(job["model"], options, providers=["CPUExecutionProvider"])


def score(task):
    index, path = task
    columns = job["columns"]
    file = pyarrow.parquet.ParquetFile(path)
    target = os.path.join(job["out"], f"part-{index:05d}.parquet")
    writer = None
    for group in range(file.num_row_groups):
        table = file.read_row_group(group, columns=[job["key"], *columns], use_threads=False)
        matrix = numpy.empty((table.num_rows, len(columns)), numpy.float32)
        for position, column in enumerate(columns):
            matrix[:, position] = table[column].to_numpy()
        pieces = [session.run(job["outputs"], {job["modelInput"]: matrix[at:at + 4096]}) for at in range(0, len(matrix), 4096)]
        data = {job["key"]: table[job["key"]]}
        for position, name in enumerate(job["outputs"]):
            values = numpy.concatenate([piece[position] for piece in pieces])
            data[name] = values if values.ndim == 1 else values[:, -1]
        result = pyarrow.table(data)
        writer = writer or pyarrow.parquet.ParquetWriter(target, result.schema, compression="zstd")
        writer.write_table(result)
    writer.close()


if __name__ == "__main__":
    os.makedirs(job["out"], exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(job["processes"], start) as pool:
        list(pool.imap_unordered(score, enumerate(job["files"])))
