"""The Python side of Taskglass. Only :mod:`taskglass_agent.agent` is shipped to a scheduler."""
