"""What Taskglass runs inside a Dask scheduler: :mod:`taskglass_agent.agent`, and the modules it is made of."""
