/**
 * What goes into a scheduler before the agent does, of bare builtins: an agent that this Python or Dask cannot load says so
 * itself, and the scheduler's log says nothing. `load` evaluates to the agent's `setup`, which looks for its connection in
 * the frame that calls it, so nothing stands between.
 */
export const ENTRY_SOURCE = `
def load(text):
    names = {"__name__": "taskglass_agent", "__interval__": __interval__, "__opts__": __opts__}
    try:
        exec(compile(text, "<taskglass agent>", "exec"), names)
        return names["setup"]
    except Exception as error:
        try:
            why = ascii(error)[:1000]
        except Exception:
            why = type(error).__name__
        return lambda scheduler: Unfit(why)

class Unfit:
    def __init__(self, why):
        self.why = why
    def tick(self, scheduler):
        return {"agent": "unfit", "status": "uncaught-error", "exception_text": self.why}
    def detach(self, scheduler):
        pass
`;

/**
 * `feed` written out, as a coroutine that writes to its own connection, which it finds in its caller's frame. The scheduler
 * keeps what it ran among its events, so the agent's text comes after it, over that same connection.
 */
export const RUN_SOURCE = `${ENTRY_SOURCE}
import asyncio, sys

async def taskglass_agent(dask_scheduler):
    comm = sys._getframe(1).f_locals["comm"]
    await comm.write("ready")
    setup = load(await comm.read())
    agent = setup(dask_scheduler)
    try:
        while dask_scheduler.status.name == "running":
            await comm.write(agent.tick(dask_scheduler))
            await asyncio.sleep(__interval__)
    except OSError:
        pass
    finally:
        agent.detach(dask_scheduler)
`;
