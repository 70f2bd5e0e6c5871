"""The page: one HTML file with its style, its script and its icon, served from the package itself."""

from __future__ import annotations

from importlib.resources import files

from worker.local.sandbox.answers import Answer
from worker.local.sandbox.handlers import Handler

FILES = {
    "index.html": "text/html; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
)


class PageHandler(Handler):
    """`GET /` and the files that it names."""

    def get(self, name: str | None) -> None:
        """A file of the page, under a policy that lets nothing else in."""
        name = name or "index.html"
        headers = {
            "Content-Type": FILES[name],
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
        }
        self.answer(Answer(200, files(__name__).joinpath(name).read_bytes(), headers))

    head = get
