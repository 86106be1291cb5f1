"""HTTP as it is written on the wire, well-formed and not: the right status for each, and nothing after it."""

import contextlib
import re
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from served import Client, answer

BODY = b'{"prompt":"the cat"}'


def exchange(client: Client, raw: bytes, *, end: bool = False) -> bytes:
    """Everything that the server answers until it closes, or is silent."""
    with socket.create_connection((client.host, client.port), timeout=10) as one:
        one.sendall(raw)
        if end:
            one.shutdown(socket.SHUT_WR)
        got = b""
        one.settimeout(10)
        try:
            while part := one.recv(65536):
                got += part
                one.settimeout(0.3)
        except (TimeoutError, ConnectionResetError):
            pass
    return got


def statuses(got: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)]


def request(client: Client, line: str = "POST /api/run HTTP/1.1", *more: str, body: bytes = BODY) -> bytes:
    headers = [
        line,
        f"host: {client.host}:{client.port}",
        f"x-loadstore-key: {client.key}",
        "content-type: application/json",
        *more,
    ]
    if not any(re.match("content-length|transfer-encoding", header) for header in more):
        headers.append(f"content-length: {len(body)}")
    return "\r\n".join(headers).encode("latin-1") + b"\r\n\r\n" + body


CHUNKED = b"5\r\n" + BODY[:5] + b"\r\n" + b"%x\r\n" % (len(BODY) - 5) + BODY[5:] + b"\r\n0\r\n\r\n"
ONE = "POST /api/run HTTP/1.1"


FORMS: list[tuple[str, tuple[str, ...], bytes, int]] = [
    (ONE, (), BODY, 200),
    (ONE, ("transfer-encoding: chunked",), CHUNKED, 200),
    (ONE, ("transfer-encoding: chunked",), b"zz\r\n{}\r\n0\r\n\r\n", 400),
    (ONE, ("transfer-encoding: gzip, chunked",), CHUNKED, 400),
    (ONE, ("content-length: 99999999999999999999",), BODY, 413),
    (ONE, ("content-length: 999999999999999999999",), BODY, 400),
    (ONE, ("content-length: -1",), BODY, 400),
    (ONE, ("content-length: 0x10",), BODY, 400),
    (ONE, ("content-length: 5", "content-length: 6"), BODY, 400),
    (ONE, ("content-length: 262145",), BODY, 413),
    (ONE, ("expect: 100-continue",), BODY, 200),
    (ONE, ("host: evil.com",), BODY, 400),
    (ONE, ("x-loadstore-key: other",), BODY, 401),
    (ONE, ("origin: http://evil.com",), BODY, 403),
    (ONE, ("origin: http://{host}", "origin: http://evil.com"), BODY, 403),
    (ONE, ("sec-fetch-site: same-origin", "sec-fetch-site: cross-site"), BODY, 403),
    (ONE, ("x y: 1",), BODY, 400),
    (ONE, ("x: a\rb",), BODY, 400),
    (ONE, ("x: a\n b",), BODY, 200),
    (ONE, ("x: \x00",), BODY, 400),
    ("POST /api/run HTTP/1.0", (), BODY, 200),
    ("POST /api/run HTTP/1.2", (), BODY, 200),
    ("POST /api/run HTTP/2.0", (), BODY, 200),
    ("POST /api/run", (), BODY, 400),
    ("POST http://evil.com/api/run HTTP/1.1", (), BODY, 404),
    ("POST /api/run?key=x#y HTTP/1.1", (), BODY, 200),
    ("POST /api/%72un HTTP/1.1", (), BODY, 200),
    ("POST /api/run/ HTTP/1.1", (), BODY, 404),
    ("POST //api/run HTTP/1.1", (), BODY, 404),
    ("POST /API/run HTTP/1.1", (), BODY, 404),
    ("POST /api/run\t HTTP/1.1", (), BODY, 400),
    ("POST /api/\xe9 HTTP/1.1", (), BODY, 400),
    ("GET /api/run HTTP/1.1", ("upgrade: websocket", "connection: upgrade"), b"", 405),
    ("GET / HTTP/1.1", ("upgrade: websocket", "connection: upgrade", "sec-websocket-version: 13"), b"", 200),
    ("GET / HTTP/1.1", ("upgrade: h2c", "connection: upgrade, http2-settings"), b"", 200),
    ("CONNECT evil.com:443 HTTP/1.1", (), b"", 404),
    ("OPTIONS * HTTP/1.1", (), b"", 404),
    ("OPTIONS / HTTP/1.1", (), b"", 405),
    ("DELETE /explorer.js HTTP/1.1", (), b"", 405),
    ("PRI * HTTP/2.0", (), b"", 404),
]


def test_every_form_of_request_has_its_status(client: Client) -> None:
    def answered(form: tuple[str, tuple[str, ...], bytes, int]) -> list[int]:
        line, more, body, _ = form
        filled = [header.replace("{host}", f"{client.host}:{client.port}") for header in more]
        got = statuses(exchange(client, request(client, line, *filled, body=body)))
        return [code for code in got if code != 100]

    with ThreadPoolExecutor(8) as pool:  # what each waits for is the silence after an answer
        told = list(pool.map(answered, FORMS))
    assert not [(form, got) for form, got in zip(FORMS, told, strict=True) if got != [form[3]]]


def test_a_405_names_the_methods(client: Client) -> None:
    assert client.send("GET", "/api/run")[1]["allow"] == "POST"
    assert set(client.send("POST", "/")[1]["allow"].split(", ")) == {"GET", "HEAD"}


def test_the_head_of_the_page_has_no_body(client: Client) -> None:
    assert exchange(client, request(client, "HEAD / HTTP/1.1", body=b"")).endswith(b"\r\n\r\n")


def test_http_1_0_closes_and_needs_a_host_too(client: Client) -> None:
    got = exchange(client, b"GET / HTTP/1.0\r\n\r\n")
    assert statuses(got) == [421]
    got = exchange(client, f"GET / HTTP/1.0\r\nhost: {client.host}:{client.port}\r\n\r\n".encode())
    assert statuses(got) == [200]
    assert b"connection: close" in got.lower()


def test_pipelined_requests_are_answered_in_order(client: Client) -> None:
    wrong = request(client).replace(client.key.encode(), b"wrong")
    raw = request(client) + wrong + request(client, body=b"{") + request(client, "GET / HTTP/1.1", body=b"")
    assert statuses(exchange(client, raw)) == [200, 401, 400, 200]


def test_what_follows_a_malformed_request_is_not_answered(client: Client) -> None:
    raw = b"GET / HTTP/9\r\n\r\n" + request(client)
    assert statuses(exchange(client, raw)) == [400]


def test_malformed_chunks_after_an_early_refusal_end_the_connection(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = request(client, ONE, "transfer-encoding: chunked", body=b"").replace(client.key.encode(), b"wrong")
    with socket.create_connection((client.host, client.port), timeout=10) as one:
        one.sendall(wrong)
        assert answer(one) == 401
        one.sendall(b"no chunk\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert one.recv(65536) == b""
    assert "Traceback" not in capfd.readouterr().err
    assert statuses(exchange(client, request(client))) == [200]


def test_no_header_of_a_request_comes_back(client: Client) -> None:
    got = exchange(client, request(client, "POST /api/%0d%0ax-evil:%201 HTTP/1.1", "x: evil-value"))
    assert statuses(got) == [404]
    assert b"evil" not in got


def test_half_a_request_and_an_end_is_no_answer(client: Client) -> None:
    assert statuses(exchange(client, request(client)[:40], end=True)) in ([], [400])
    assert statuses(exchange(client, request(client)[:-5], end=True)) in ([], [400])
