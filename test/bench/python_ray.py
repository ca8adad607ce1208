"""A peer of the text bench: Ray Data, with a pool of actors that hold the tokenizer and the session.

Needs ray[data] beside what python_embed.py needs, and this folder on PYTHONPATH. Arguments: one JSON object (input,
out, scratch, cores, callRows, and what Embedder takes). Prints JSON: rows, seconds, secondsWithStart.
"""
import time

started = time.perf_counter()

import json
import sys

import ray
from python_embed import Embedder

job = json.loads(sys.argv[1])


class Embed:
    def __init__(self):
        self.embedder = Embedder(job)

    def __call__(self, batch):
        return {"id": batch["id"], "embedding": self.embedder(batch["text"])}


# A CPU more than actors: Ray counts them, and the tasks that read and write need one, or wait for ever.
ray.init(
    num_cpus=job["cores"] + 1,
    include_dashboard=False,
    logging_level="error",
    log_to_driver=False,
    _node_ip_address="127.0.0.1",
    _temp_dir=job["scratch"],
)
ray.data.DataContext.get_current().enable_progress_bars = False
ready = time.perf_counter()
pool = ray.data.ActorPoolStrategy(size=job["cores"])
# One small file is one block, and one block keeps one actor busy.
texts = ray.data.read_parquet(job["input"]).repartition(target_num_rows_per_block=256)
texts.map_batches(Embed, batch_size=job["callRows"], compute=pool, num_cpus=1).write_parquet(job["out"])
done = time.perf_counter()
rows = ray.data.read_parquet(job["out"]).count()
ray.shutdown()
print(json.dumps({"rows": rows, "seconds": done - ready, "secondsWithStart": done - started}))
