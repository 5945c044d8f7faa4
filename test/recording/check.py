"""Reads a sealed recording and an export with the libraries that people have; prints what each of them found."""

import json
import sys

import duckdb
import pandas
import pyarrow.feather
import pyarrow.parquet

recording, exported, arrow = sys.argv[1:]

table = pyarrow.parquet.read_table(f"{recording}/tasks")
# Both exports are of the same rows: every value of every column is the same.
ours = pyarrow.feather.read_table(arrow)
theirs = pyarrow.parquet.read_table(exported)
same = ours.column_names == theirs.column_names and all(
    ours[name].to_pylist() == theirs[name].to_pylist() for name in ours.column_names
)
types = [
    name
    for name in ours.column_names
    if str(ours.schema.field(name).type) != str(theirs.schema.field(name).type)
]
frame = pandas.read_parquet(f"{recording}/tasks")
rows = duckdb.sql(
    f"select name, count(*) from '{recording}/tasks/*.parquet' group by name order by name"
).fetchall()
sources = duckdb.sql(
    f"select count(*) from (select unnest(startstops) s from '{exported}') where s.action = 'transfer' and s.source <> ''"
).fetchall()[0]
tasks = frame.query("not past").reset_index(drop=True)
links = tasks["dependencies"].explode().dropna().astype(int)
links = pandas.DataFrame({"task": links.index, "depends_on": links.index - links})
names = links.apply(lambda column: column.map(tasks["name"]))
print(
    json.dumps(
        {
            "pyarrow": table.num_rows,
            "arrow": "as the Parquet file" if same else f"differs: {types}",
            "pandas": frame.groupby("name").size().to_dict(),
            "duckdb": dict(rows),
            "transfers": sources[0],
            "start": frame["start"].min().timestamp(),
            "types": {
                column: str(frame[column].dtype)
                for column in ["thread", "start", "nbytes", "past"]
            },
            "links": {
                f"{a} -> {b}": int(n)
                for (a, b), n in names.groupby(["depends_on", "task"]).size().items()
            },
            "needs": int(tasks["needs"].sum()),
            "waits": bool((tasks["ready"] <= tasks["start"]).all()),
            "startstops": sum(len(one) for one in frame["startstops"]),
        }
    )
)
