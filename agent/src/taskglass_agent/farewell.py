"""How an agent that cannot go on leaves: our server learns why, and the scheduler's log nothing."""

from distributed.comm import CommClosedError

from .tables import text


class Farewell:
    """Stands in for an agent that failed, for the two calls of ``tick`` that its feed has left."""

    def __init__(self, comm, error):
        self.comm = comm
        self.reason = reason(error)

    def tick(self, scheduler):
        """The error, as Dask itself would answer it; then the end that a feed takes for that of its connection."""
        why, self.reason = self.reason, None
        if why is not None:
            return {"agent": "unfit", "status": "uncaught-error", "exception_text": why}
        try:
            self.comm.abort()
        except Exception:
            pass
        raise CommClosedError("the agent has left")

    def detach(self, scheduler):
        pass


def reason(error):
    try:
        return text(repr(error))
    except Exception:
        return type(error).__name__
