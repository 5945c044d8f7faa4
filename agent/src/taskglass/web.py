"""Where the built web server and its page are."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def web_dir() -> Path | None:
    """The folder of ``server.mjs`` and ``page/``.

    In an installed package that is ``taskglass/_web``, in a checkout ``dist/web``, which ``npm run build`` makes. None
    where neither is there: a checkout that was not built.
    """
    for folder in (_HERE / "_web", (_HERE / "../../../dist/web").resolve()):
        if (folder / "server.mjs").is_file():
            return folder
    return None
