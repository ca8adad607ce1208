"""A peer of the text bench: Spark in this process, with its pandas UDF for models, which keeps one a Python worker.

Needs pyspark, pandas and pyarrow beside what python_embed.py needs, and this folder on PYTHONPATH. Arguments: one JSON
object (input, out, scratch, cores, callRows, and what Embedder takes). Prints JSON: rows, seconds, secondsWithStart.
"""
import time

started = time.perf_counter()

import json
import os
import sys

from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, FloatType
from python_embed import Embedder

job = json.loads(sys.argv[1])
settings = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.local.dir": job["scratch"],
    "spark.sql.warehouse.dir": job["scratch"],
}
os.environ["PYSPARK_PYTHON"] = sys.executable
spark = SparkSession.builder.master(f"local[{job['cores']}]").config(map=settings).getOrCreate()
ready = time.perf_counter()
embed = predict_batch_udf(lambda: Embedder(job), return_type=ArrayType(FloatType()), batch_size=job["callRows"])
# One small file is one task: as many as Spark's tuning guide asks for, two or three a core.
texts = spark.read.parquet(job["input"]).repartition(3 * job["cores"])
texts.select("id", embed("text").alias("embedding")).write.parquet(job["out"])
done = time.perf_counter()
rows = spark.read.parquet(job["out"]).count()
spark.stop()
print(json.dumps({"rows": rows, "seconds": done - ready, "secondsWithStart": done - started}))
