"""Sums up what was dropped, from tables of verdicts, on Spark: `pip install pyspark`, and Java 17 or newer.

    biplane replay shop.toml week/ --format parquet > verdicts/week.parquet
    spark-submit spark_verdicts.py verdicts/

Prints one JSON object a line, most frames first: reason, rule, place, frames, and the stamps of the first and the last.
"""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f


def read(spark, paths):
    """Reads tables of verdicts or connections. Spark has no nanoseconds: stamps are numbers of them since 1970."""
    return spark.read.parquet(*paths)


def dropped(verdicts):
    """What was dropped, by cause."""
    by_cause = verdicts.where(f.col("verdict") == "dropped").groupBy("reason", "rule", "place")
    counted = by_cause.agg(
        f.count(f.lit(1)).alias("frames"),
        f.min("stamp").alias("first_ns"),
        f.max("stamp").alias("last_ns"),
    )
    return counted.orderBy(f.desc("frames"), f.asc_nulls_first("reason"), "rule", "place")


def main(paths):
    spark = (
        SparkSession.builder.appName("biplane verdicts")
        # Without it Spark refuses columns of nanoseconds.
        .config("spark.sql.legacy.parquet.nanosAsLong", "true")
        .getOrCreate()
    )
    for row in dropped(read(spark, paths)).collect():
        print(json.dumps(row.asDict()))
    spark.stop()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: spark_verdicts.py TABLE...")
    main(sys.argv[1:])
