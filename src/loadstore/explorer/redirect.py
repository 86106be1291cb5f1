"""A file that redirects a browser to the page, so that the key is not on a command line visible to other users."""

import html
import json
import os
import tempfile
from pathlib import Path
from typing import Final

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>loadstore</title>
</head>
<body>
<p><a href="{link}">Open loadstore</a></p>
<script>location.replace({address});</script>
</body>
</html>
"""


class Redirect:
    """A file with mode 0600 in a temporary folder with mode 0700."""

    def __init__(self, address: str) -> None:
        """Write the file."""
        self._folder = tempfile.TemporaryDirectory(prefix="loadstore-")  # mkdtemp: mode 0700, an unpredictable name
        descriptor, name = tempfile.mkstemp(".html", "loadstore-", self._folder.name)  # mode 0600
        script = json.dumps(address).replace("<", "\\u003c")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(PAGE.format(link=html.escape(address), address=script))
        self.path = Path(name)

    @property
    def address(self) -> str:
        """The address for the browser to open."""
        return self.path.as_uri()

    def remove(self) -> None:
        """Delete the file and its folder; may be called repeatedly."""
        self._folder.cleanup()
