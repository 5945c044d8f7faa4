"""What hatchling does besides packing this package: it adds the built web server, and refuses to go without it."""

from __future__ import annotations

from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path(__file__).resolve().parent.parent / "dist" / "web"
#: Where the command and ``taskglass.web`` look for it.
IN_PACKAGE = "taskglass/_web"
NEEDED = ("server.mjs", "seal-main.mjs", "page/index.html", "taskglass_agent/agent.py")


class WebBuildHook(BuildHookInterface):
    """Carries ``dist/web`` as ``taskglass/_web``. An editable install finds it in the checkout instead."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict) -> None:
        if version == "editable":
            return
        missing = [name for name in NEEDED if not (WEB / name).is_file()]
        if missing:
            raise RuntimeError(
                f"The web server has not been built: {', '.join(missing)} missing in {WEB}. "
                "Run `npm run build` in the checkout, or `npm run wheel`, which does both."
            )
        build_data["force_include"][str(WEB)] = IN_PACKAGE
