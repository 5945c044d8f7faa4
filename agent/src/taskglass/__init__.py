"""Taskglass inside a Dask cluster: ``dask scheduler --preload taskglass``."""
