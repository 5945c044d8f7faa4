"""Starts clusters as programs do, with the preload in Dask's configuration, and prints what each came with as JSON lines.

Run as ``python local_clusters.py PORT``: the port where Dask's own pages and ours are wanted.
"""

import json
import sys
import time
import urllib.request

import dask
from distributed import Client, LocalCluster


def main():
    port = int(sys.argv[1])
    settings = {
        "distributed.scheduler.preload": ["taskglass"],
        "distributed.worker.preload": ["taskglass"],
        "taskglass.port": port,
        "taskglass.scheduler-debug-port": 0,
        "taskglass.worker-debug-port": 0,
    }
    common = {"n_workers": 1, "threads_per_worker": 1}
    kinds = {
        # First: without Bokeh, Dask keeps an excuse for having no pages once a process has asked for them.
        "no dashboard": {"dashboard_address": None, "processes": False},
        "processes": {"dashboard_address": f"127.0.0.1:{port}"},
        "threads": {"dashboard_address": f"127.0.0.1:{port}", "processes": False},
    }
    with dask.config.set(settings):
        for kind, options in kinds.items():
            with LocalCluster(**common, **options) as cluster, Client(cluster) as client:
                answer = {"kind": kind, **describe(cluster, client)}
            # Closed by now.
            print(json.dumps(answer), flush=True)


def describe(cluster, client):
    info = client.scheduler_info()
    pages = cluster.scheduler.services["dashboard"]
    answer = {
        "services": info["services"],
        "worker": next(iter(info["workers"].values()))["services"],
        "pid": None,
    }
    if hasattr(pages, "pid"):
        while answer["pid"] is None:
            time.sleep(0.05)
            answer["pid"] = pages.pid
        # What a person does: opens the link.
        with urllib.request.urlopen(client.dashboard_link) as response:
            answer["page"] = response.read().decode()
    return answer


if __name__ == "__main__":
    main()
