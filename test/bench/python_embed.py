"""What the text bench's peers have in common: texts to normalized mean-pooled embeddings.

Needs numpy, tokenizers and onnxruntime. Each batch is padded to its longest text.
"""
import numpy
import onnxruntime
from tokenizers import Tokenizer


class Embedder:
    """Takes a job: model, tokenizer, maxLength, batch, threads, and whether to sort the texts of a call by length."""

    def __init__(self, job):
        self.batch = job["batch"]
        self.sort = job["sort"]
        self.tokenizer = Tokenizer.from_file(job["tokenizer"])
        self.tokenizer.enable_truncation(job["maxLength"])
        self.tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = job["threads"]
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(job["model"], options, providers=["CPUExecutionProvider"])
        self.wanted = {entry.name for entry in self.session.get_inputs()}

    def __call__(self, texts):
        encodings = self.tokenizer.encode_batch(list(texts))
        order = list(range(len(encodings)))
        if self.sort:
            order.sort(key=lambda index: -len(encodings[index].ids))
        vectors = [None] * len(encodings)
        for start in range(0, len(order), self.batch):
            rows = order[start:start + self.batch]
            for row, vector in zip(rows, self.embed([encodings[row] for row in rows])):
                vectors[row] = vector
        return numpy.stack(vectors).astype(numpy.float32)

    def embed(self, encodings):
        longest = max(len(encoding.ids) for encoding in encodings)
        ids = numpy.zeros((len(encodings), longest), numpy.int64)
        mask = numpy.zeros((len(encodings), longest), numpy.int64)
        for place, encoding in enumerate(encodings):
            ids[place, :len(encoding.ids)] = encoding.ids
            mask[place, :len(encoding.ids)] = 1
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        hidden = self.session.run(None, {name: value for name, value in feeds.items() if name in self.wanted})[0]
        weights = mask[:, :, None].astype(numpy.float32)
        pooled = (hidden * weights).sum(1) / numpy.maximum(weights.sum(1), 1e-9)
        return pooled / numpy.maximum(numpy.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)
