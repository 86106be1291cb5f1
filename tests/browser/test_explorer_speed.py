"""How soon the explorer answers: keystrokes, clicks, the first paint of 384 heads, a real model."""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import torch
from pace import slowness
from served import Client, serving, started

import loadstore as ls
from loadstore.explorer.state import Explorer
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.weights import Weights

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.alone

WORDS = "the cat sat on the mat, the dog sat on the log, the bird sat on the tree, the fish in the deep blue sea now"
TYPED = """text => new Promise((done, fail) => {
    const field = document.querySelector('#prompt');
    const put = CanvasRenderingContext2D.prototype.putImageData;
    let count = 0;
    CanvasRenderingContext2D.prototype.putImageData = function (...given) { count++; return put.apply(this, given); };
    const start = performance.now();
    field.value = text;
    field.dispatchEvent(new InputEvent('input', { bubbles: true }));
    const look = () => {
        if (count >= document.querySelectorAll('button.head canvas').length) requestAnimationFrame(() => {
            CanvasRenderingContext2D.prototype.putImageData = put;
            done(performance.now() - start);
        });
        else if (performance.now() - start > 60000) fail('nothing was drawn');
        else setTimeout(look, 1);
    };
    look();
})"""
CLICKED = """([selector, done]) => new Promise((resolve, fail) => {
    const start = performance.now();
    document.querySelector(selector).click();
    const look = () => {
        if (eval(done)) requestAnimationFrame(() => resolve(performance.now() - start));
        else if (performance.now() - start > 60000) fail(done);
        else setTimeout(look, 1);
    };
    look();
})"""
PAINTED = """() => new Promise(done => {
    const look = () => document.querySelector('button.head canvas')
        ? requestAnimationFrame(() => done(performance.now())) : setTimeout(look, 2);
    look();
})"""
SCROLLED = """() => new Promise(done => {
    const frames = [];
    let last = performance.now();
    const step = now => {
        frames.push(now - last);
        last = now;
        scrollBy(0, 60);
        if (frames.length < 80) requestAnimationFrame(step); else done(frames.slice(2));
    };
    requestAnimationFrame(step);
})"""


@contextmanager
def opened(browser: "Browser", address: str, place: str) -> "Iterator[Page]":
    context = browser.new_context(viewport={"width": 1400, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(address + place)
    page.wait_for_selector("button.head canvas")
    yield page
    context.close()


def random_model(layers: int, heads: int) -> Weights:
    generator = torch.Generator().manual_seed(0)
    d, e, vocab, context = 512, 32, 1000, 512

    def draw(*shape: int, size: float = d**-0.5) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * size

    def layer() -> Layer:
        W_Q, W_K, W_V = (draw(heads, d, e) for _ in range(3))
        return Layer(W_Q=W_Q, W_K=W_K, W_V=W_V, W_O=draw(heads, e, d, size=0.01))

    return Weights(
        architecture=Architecture(layers, heads, d, e, vocab, context, "learned"),
        W_E=draw(vocab, d, size=1.0),
        W_pos=draw(context, d, size=1.0),
        layers=tuple(layer() for _ in range(layers)),
        W_U=draw(d, vocab),
        name=f"random {layers} × {heads}",
    )


def told(name: str, **numbers: float) -> None:
    print(f"explorer speed: {name}: " + ", ".join(f"{key} {value:.0f}" for key, value in numbers.items()))


def test_from_a_keystroke_to_all_patterns_and_any_click(browser: "Browser") -> None:
    with started("builtin") as address, opened(browser, address, "#/heads") as page:
        page.evaluate(TYPED, WORDS)
        count = page.locator("button.token").count()
        assert 30 <= count <= 40
        strokes = [page.evaluate(TYPED, WORDS + " and the sea"[: 1 + index]) for index in range(12)]
        heads = [
            [f"button.head:nth-of-type({index + 1})", f"location.hash.includes('{name}')"]
            for index, name in ((3, "L0.H3"), (19, "L1.H7"), (22, "L1.H10"))
        ]
        tokens = [
            [f".strip button:nth-of-type({index})", f"location.hash.includes('at={index - 1}')"] for index in (4, 9)
        ]
        rounds = [[page.evaluate(CLICKED, click) for click in (*heads, *tokens)] for _ in range(3)]
        clicks = [statistics.median(times) for times in zip(*rounds, strict=True)]
        for name, shown in (("memory", ".memory-map canvas"), ("address", ".side"), ("listing", ".program table")):
            there: list[float] = []
            for _ in range(3):
                there.append(
                    page.evaluate(CLICKED, [f".screens a[href*='{name}']", f"document.querySelector('{shown}')"])
                )
                page.evaluate(CLICKED, [".screens a[href*='heads']", "document.querySelector('button.head')"])
            clicks.append(statistics.median(there))
    told("builtin (ms)", keystroke=statistics.median(strokes), slowest_click=max(clicks))
    assert statistics.median(strokes) < 150 * slowness()
    assert max(clicks) < 100 * slowness()


def test_384_heads_at_256_tokens_are_painted_soon_packed_and_scroll_smoothly(browser: "Browser") -> None:
    prompt = torch.randint(0, 1000, (256,), generator=torch.Generator().manual_seed(1)).tolist()
    with (
        serving(Explorer(random_model(24, 16), prompt)) as served,
        opened(browser, served.address, "#/heads") as page,
    ):
        paints: list[float] = []
        for _ in range(3):
            page.reload()
            paints.append(page.evaluate(PAINTED))
        page.wait_for_timeout(2500)
        frames: list[float] = page.evaluate(SCROLLED)
        run = page.evaluate("new URLSearchParams(location.hash.split('?')[1]).get('run')")
        _, sent = Client(served.address).ask("patterns", run=run)
    told("24 × 16 heads, 256 tokens (ms)", paint=statistics.median(paints), frame=statistics.median(frames))
    assert statistics.median(paints) < 1500 * slowness()
    assert len(sent) == 24 * 16 * 256 * 257 // 2
    assert statistics.median(frames) < 34 * slowness()


def test_smollm2_at_64_tokens(browser: "Browser") -> None:
    model = ls.load("smollm2")
    assert model.tokens is not None
    text = "When Mary and John went to the store, John gave a drink to Mary. " * 5
    ids = model.tokens.encode(text)[:64]
    with (
        started("smollm2", "--ids", ",".join(map(str, ids))) as address,
        opened(browser, address, "#/heads") as page,
    ):
        typed = "".join(model.tokens.text(one) for one in ids[:63])
        patterns = [page.evaluate(TYPED, typed + end) for end in (" a", " b", " c")]
        page.evaluate(CLICKED, [".screens a[href*='address']", "document.querySelector('.side')"])
        inspector: list[float] = []
        for token in (20, 40, 60):
            done = f"document.querySelector('.address p b')?.textContent.endsWith('·{token}')"
            inspector.append(page.evaluate(CLICKED, [f".strip button:nth-of-type({token + 1})", done]))
    told("SmolLM2, 64 tokens (ms)", patterns=statistics.median(patterns), inspector=statistics.median(inspector))
    assert statistics.median(patterns) < 1500 * slowness()
    assert statistics.median(inspector) < 500 * slowness()
