"""The file that leads a browser to the page: for its owner alone, and only until the page has asked."""

import stat
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from served import Client, builtin, serving, until

from loadstore.explorer.redirect import Redirect
from loadstore.explorer.state import Explorer


def path_of(address: str) -> Path:
    assert address.startswith("file:///")
    return Path(unquote(urlsplit(address).path))


def test_only_its_owner_can_read_it_and_its_name_is_new() -> None:
    first, second = Redirect("http://127.0.0.1:1/#key=k"), Redirect("http://127.0.0.1:1/#key=k")
    try:
        assert first.path != second.path
        assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(first.path.parent.stat().st_mode) == 0o700
    finally:
        for each in (first, second):
            each.remove()
            each.remove()
            assert not each.path.parent.exists()


def test_an_address_cannot_leave_its_place_in_the_file() -> None:
    hard = "http://127.0.0.1:1/</script><b onclick='x' \">&amp;"
    found: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append(tag)
            assert tag != "a" or attrs == [("href", hard)]

    redirect = Redirect(hard)
    Tags().feed(redirect.path.read_text(encoding="utf-8"))
    redirect.remove()
    assert found == ["html", "head", "meta", "meta", "title", "body", "p", "a", "script"]


def test_the_first_question_with_the_key_deletes_it() -> None:
    with serving(Explorer(builtin(), [1, 2, 3])) as served:
        client, file = Client(served.address), path_of(served.redirect())
        assert client.send("GET", "/")[0] == 200
        assert client.send("POST", "/api/model", b"{}", x_loadstore_key="wrong")[0] == 401
        assert client.key in file.read_text(encoding="utf-8")
        assert client.ask("model")[0] == 200
        assert until(lambda: not file.parent.exists())
        file = path_of(served.redirect())
        assert file.exists()
    assert not file.parent.exists()
