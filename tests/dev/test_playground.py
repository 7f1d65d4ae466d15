"""The playground in a real browser, against the local Worker and the scripted model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cct_cloudflare.sandbox.local import local_worker
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from cct_cloudflare.scripted import ScriptedModel
from tests.dev.browser import CONTROL, Page, find_chromium, open_page
from tests.runtime import PROMPT, access, reply

TOKEN = "t0ken-of-the-playground"

HOSTILE = """\
console.log('<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>');
console.error('\\u202e\\x1b[31m<b>bold</b>');
require('fs').writeFileSync('page.html', '<script>opener.hacked = 3</script>');
"""


@dataclass
class Playground:
    page: Page
    url: str

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.evaluate(f"document.getElementById({name!r}).value = {json.dumps(value)}")

    def choose(self, kind: str) -> None:
        self.page.evaluate(f"document.querySelector('[name=kind][value={kind}]').click()")

    def click(self, name: str) -> None:
        self.page.evaluate(f"document.getElementById({name!r}).click()")

    def text(self, name: str) -> str:
        return str(self.page.evaluate(f"document.getElementById({name!r}).textContent"))

    def until(self, status: str) -> None:
        self.page.wait_for(f"document.getElementById('status').textContent.includes({json.dumps(status)})")

    @property
    def focus(self) -> str:
        return str(self.page.evaluate("document.activeElement.id"))


@pytest.fixture(scope="module")
def browser(runtime: LocalRuntime) -> Iterator[Playground]:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("there is no Chromium on this machine: install one, or name it in CHROMIUM")
    answer = reply({"main.js": HOSTILE})
    with (
        ScriptedModel([answer], pace=0) as model,
        local_worker(runtime, environment=access(model), listen="127.0.0.1:0", token=TOKEN) as worker,
        open_page(chromium) as page,
    ):
        yield Playground(page, f"{worker.url}/")


@pytest.fixture
def playground(browser: Playground) -> Iterator[Playground]:
    """The page as a new tab has it; nothing may have gone wrong in it by the end of a test."""
    page = browser.page
    page.errors.clear()
    page.requests.clear()
    page.call("Page.navigate", url=browser.url)
    page.wait_for("document.getElementById('worker')?.textContent.startsWith('Worker ')")
    page.evaluate("sessionStorage.clear()")
    browser.fill(text="", token="")
    yield browser
    assert page.errors == []
    assert page.evaluate("window.hacked") is None
    assert all(url.startswith((browser.url, "data:,")) for url in page.requests), page.requests
    assert page.evaluate("location.href") == browser.url
    assert TOKEN not in page.evaluate("JSON.stringify(localStorage) + document.cookie")


def test_a_prompt_from_the_keyboard_alone(playground: Playground) -> None:
    page = playground.page
    page.evaluate("document.getElementById('text').focus()")
    page.type(PROMPT)
    page.press("Tab")
    assert playground.focus == "language"
    page.press("Tab")
    assert playground.focus == "token"
    page.type(TOKEN)
    page.evaluate("document.getElementById('text').focus()")
    page.press("Enter", CONTROL)
    playground.until("The program succeeded")
    assert playground.text("sources").endswith(HOSTILE)
    assert "first token" in playground.text("fact-list")
    assert page.evaluate("sessionStorage.getItem('cct-token')") == TOKEN


def test_what_a_program_prints_and_writes_is_text(playground: Playground) -> None:
    playground.fill(text=PROMPT, token=TOKEN)
    playground.click("run")
    playground.until("The program succeeded")
    printed = playground.text("printed")
    assert '<img src=x onerror="window.hacked=1">' in printed
    assert "\ufffd\ufffd[31m<b>bold</b>" in printed
    assert playground.page.evaluate("document.querySelectorAll('main img, main b, main iframe').length") == 0
    link = playground.page.evaluate(
        "(a => [a.textContent, a.download, a.protocol])([...document.links].find(a => a.textContent === 'page.html'))"
    )
    assert link == ["page.html", "page.html", "blob:"]


def test_a_program_of_ones_own_and_how_it_failed(playground: Playground) -> None:
    playground.choose("program")
    assert playground.page.evaluate("document.getElementById('language').value") == "python"
    playground.fill(text="console.log(6 * 7); process.exit(3)", language="javascript", token=TOKEN)
    playground.click("run")
    playground.until("The program failed with status 3")
    assert playground.text("printed") == "42\n"
    assert playground.page.evaluate("document.getElementById('error').hidden")


def test_stop_ends_it_and_the_next_run_is_fine(playground: Playground) -> None:
    playground.choose("program")
    playground.fill(text="console.log('going'); setInterval(() => {}, 1000)", language="javascript", token=TOKEN)
    playground.click("run")
    playground.page.wait_for("document.getElementById('printed').textContent === 'going\\n'")
    assert playground.page.evaluate("document.getElementById('run').disabled")
    playground.click("stop")
    playground.until("Stopped.")
    playground.fill(text="console.log('again')")
    playground.click("run")
    playground.until("The program succeeded")
    assert playground.text("printed") == "again\n"


def test_an_error_comes_with_what_to_do(playground: Playground) -> None:
    playground.fill(text=PROMPT, token="wrong")
    playground.click("run")
    playground.page.wait_for("!document.getElementById('error').hidden")
    assert "token" in playground.text("error-text")
    assert "Bearer" in playground.text("error-hint")
    assert playground.text("error-code") == "unauthorized"
    playground.page.wait_for("document.activeElement.id === 'token'")
    playground.fill(token=TOKEN)
    playground.click("run")
    playground.until("The program succeeded")
    assert playground.page.evaluate("document.getElementById('error').hidden")


def test_nothing_is_sent_without_a_prompt_and_a_token(playground: Playground) -> None:
    for fields in ({"text": "", "token": TOKEN}, {"text": PROMPT, "token": ""}):
        playground.fill(**fields)
        playground.click("run")
    assert not any(url.endswith("/execute") for url in playground.page.requests)


def test_markup_cannot_be_put_into_the_page_at_all(playground: Playground) -> None:
    refused = playground.page.evaluate(
        "(() => { try { document.body.innerHTML = '<p>'; } catch (error) { return error.name; } })()"
    )
    assert refused == "TypeError"
    playground.page.errors.clear()  # Chromium reports the attempt, too


def test_every_field_has_a_name_and_a_phone_shows_all_of_it(playground: Playground) -> None:
    page = playground.page
    nameless = "[...document.querySelectorAll('input, select, textarea')].filter(e => !e.labels.length).length"
    assert page.evaluate(nameless) == 0
    page.call("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=1, mobile=True)
    try:
        playground.fill(text=PROMPT, token=TOKEN)
        playground.click("run")
        playground.until("The program succeeded")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    finally:
        page.call("Emulation.clearDeviceMetricsOverride")


#: The contrast of two colours as WCAG 2 defines it.
CONTRAST = """
(() => {
  const light = (color) => {
    const [r, g, b] = color.match(/\\d+/g).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return color === 'rgba(0, 0, 0, 0)' && element.parentElement ? ground(element.parentElement) : color;
  };
  for (const section of document.querySelectorAll('[hidden]')) section.hidden = false;
  const worst = [...document.querySelectorAll('body *')].filter((e) => e.getClientRects().length).map((element) => {
    const [one, two] = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => a - b);
    return [(two + 0.05) / (one + 0.05), element.id || element.localName];
  });
  return worst.sort(([one], [two]) => one - two)[0];
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(playground: Playground, scheme: str) -> None:
    page = playground.page
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    try:
        contrast, where = page.evaluate(CONTRAST)
        assert contrast >= 4.5, where
    finally:
        page.call("Emulation.setEmulatedMedia", features=[])
