"""The bounds of what the agent holds and sends, and of what it does in one tick."""

NAN = float("nan")
INF = float("inf")

MAX_INTERNED = 4_096  # strings per table before it is begun anew, or a few times as many as the cluster has now
MAX_ERRORS = 10  # ticks that fail in a row without the agent leaving for it
MAX_BACKLOG = 8 << 20  # unsent bytes on our socket above which nothing more is written
MAX_PENDING = 200_000  # records held while the peer does not read; more are counted as dropped
MAX_RAW = 1_024  # finished tasks noted by the hook before they are made records, should that be before the tick
MAX_KNOWN_GROUPS = 1_024  # groups whose prefix is known without a look
MAX_RECORDS = 5_000  # records sent per tick
MAX_PAST = 1_000  # records per tick of the scheduler's own buffer
MAX_LINKS = 64  # dependencies of a task that are looked up
MAX_FORGOTTEN = 20_000  # forgotten tasks per tick that are forgotten here too
MAX_KEY = 4_096  # characters of a key
MAX_EXCEPTION = 4_000  # characters
MAX_TRACEBACK = 20_000  # characters, the last ones
MAX_ERROR_TEXT = 4 << 20  # characters of error texts per tick
MAX_WORKERS = 64  # workers visited per tick
MAX_ROWS = 256  # heartbeats, and worker descriptions, sent per tick
MAX_STARTED = 1_000  # running tasks announced per tick
MAX_EXECUTING = 1_000  # running tasks looked at per worker
MAX_LOG = 200  # log entries per tick
MAX_SCATTERED = 20_000  # newest tasks looked at for scattered data
PREFIX_BUDGET = 0.0005  # seconds per tick for the counts of prefixes
SCAN_CHUNK = 5_000  # tasks per tick of the first look at what is in memory
RUNNING_AFTER = 0.1  # seconds that a task must run before it is announced: shorter ones only finish
RESTART_TOLERANCE = 0.02  # seconds by which a heartbeat's start must differ to be sent again
TIMED_CALLS = 16  # other calls after which none is timed until the next tick
FULL_TICK = 50  # records from which on a tick says what encoding one more costs
