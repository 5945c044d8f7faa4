"""Refusals, as problem documents (RFC 9457) and as a page. Codes and titles are those of src/base/errors.ts."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable

PROBLEM_JSON = "application/problem+json; charset=utf-8"
_WHAT_THERE_IS = "See /api/v1/debug for what there is."

#: code: (status, title, advice)
PROBLEMS = {
    "NOT_FOUND": (404, "There is nothing here", _WHAT_THERE_IS),
    "METHOD_NOT_ALLOWED": (405, "That method is not allowed here", _WHAT_THERE_IS),
    "BODY_TOO_LARGE": (413, "That request is too large", "Send less."),
    "QUERY_INVALID": (400, "A query parameter is not right", _WHAT_THERE_IS),
    "HOST_REFUSED": (
        403,
        "This host name is not served",
        "Open the page under the address that the log has, or list the name in taskglass.allow-hosts.",
    ),
    "ORIGIN_REFUSED": (
        403,
        "Requests from other sites are refused",
        "Open the page itself instead of embedding it.",
    ),
    "TOKEN_REQUIRED": (401, "A token is needed", "Open the address with ?token=… that Taskglass printed at its start."),
    "RATE_LIMITED": (429, "Too many requests", "Wait a minute and try again."),
    "PAGE_NOT_BUILT": (
        500,
        "The page has not been built",
        "The wheel of taskglass has its files; a checkout makes them with npm run build. The same numbers as JSON:",
    ),
    "INTERNAL": (500, "Something went wrong in Taskglass", "The log of the process says more. Please report it."),
}


class Problem(Exception):
    """What a request is refused with. ``detail``: the particular."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status, self.title, self.advice = PROBLEMS[code]

    def document(self) -> dict[str, object]:
        return {
            "type": f"urn:taskglass:error:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "advice": self.advice,
        }


_STYLE = """:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:38rem;margin:12vh auto;padding:0 1.25rem}
h1{font-size:1.4rem;margin:0 0 .5rem}
code{font-size:.9em;opacity:.75;overflow-wrap:anywhere}
a{margin-right:1rem}
input,button{font:inherit;padding:.3rem .6rem}"""

#: What ``style-src`` must list for these pages: they have one style and no script.
STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"


def problem_page(problem: Problem, links: Iterable[tuple[str, str]]) -> str:
    """``links``: (address relative to the one that was asked for, text)."""
    detail = problem.detail[:1].upper() + problem.detail[1:]
    login = (
        '<form method="get"><label>Token <input name="token" type="password" autocomplete="current-password" required>'
        "</label> <button>Open</button></form>"
        if problem.code == "TOKEN_REQUIRED"
        else ""
    )
    listed = "\n".join(f'<a href="{html.escape(to)}">{html.escape(name)}</a>' for to, name in links)
    return _page(
        problem.title,
        f"""<h1>{html.escape(problem.title)}</h1>
<p>{html.escape(detail if detail.endswith((".", "!", "?")) else f"{detail}.")}</p>
<p>{html.escape(problem.advice)}</p>
{login}
<nav aria-label="Pages">{listed}</nav>
<p><code>{problem.code}</code></p>""",
    )


def forward_page(to: str) -> str:
    """Leads on by itself: what a redirect cannot do where the way here began on another site."""
    target = html.escape(to)
    return _page(
        "Taskglass",
        f'<p><a href="{target}">Open Taskglass</a></p>',
        f'<meta http-equiv="refresh" content="0; url={target}">',
    )


def _page(title: str, body: str, head: str = "") -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)} - Taskglass</title>
{head}<style>{_STYLE}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def printable(text: str) -> str:
    """What a request said, as it may stand in an answer and in a terminal."""
    return "".join(c if " " <= c <= "~" else "?" for c in text[:100])
