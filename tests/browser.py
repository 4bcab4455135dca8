"""A headless Chromium, where there is one; without it these tests skip, and say what is missing.

They need the packages chromium and chromium-driver of the system, and `pip install
"minnet-nn[browser]"`. Pages are opened as files: no server, no address.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
)

SIZES = {"wide": (1280, 900), "narrow": (390, 800)}
"""A laptop or a projector, and a telephone."""


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for all tests, with a profile of its own."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("chromium and chromium-driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()


class Page:
    """A page that is open in the browser."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def all(self, selector: str) -> list[Any]:
        """The elements that a CSS selector names."""
        return self.browser.find_elements("css selector", selector)

    def one(self, selector: str) -> Any:
        """The first of them."""
        return self.browser.find_element("css selector", selector)

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        from selenium.webdriver import ActionChains

        ActionChains(self.browser).send_keys(*keys).perform()

    def point(self, element: Any) -> None:
        """Move the pointer onto an element."""
        from selenium.webdriver import ActionChains

        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        ActionChains(self.browser).move_to_element(element).perform()

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.browser.execute_script(script, *arguments)

    def errors(self) -> list[str]:
        """What the console has."""
        return [entry["message"] for entry in self.browser.get_log("browser")]

    def faults(self) -> list[str]:
        """What axe-core finds that is serious or worse; nothing where it is not installed."""
        package = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
        self.run(Path(package.__file__).with_name("axe.min.js").read_text("utf-8"))
        found = self.browser.execute_async_script(
            "const done = arguments[0]; axe.run().then((r) => done(r.violations.map("
            "(v) => [v.impact, `${v.id}: ${v.nodes[0].html.slice(0, 200)}`])))"
        )
        return [fault for impact, fault in found if impact in ("serious", "critical")]

    def overflows(self) -> bool:
        """Whether the page is wider than its window."""
        return self.run("return document.documentElement.scrollWidth > innerWidth")


@pytest.fixture
def opened(chromium: Any) -> Callable[..., Page]:
    """A function that opens a file, at a size, light or dark, with or without scripts."""

    def open_page(
        path: Path, size: str = "wide", *, dark: bool = False, scripts: bool = True
    ) -> Page:
        width, height = SIZES[size]
        for command, values in (
            (
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
            ),
            (
                "Emulation.setEmulatedMedia",
                {
                    "features": [
                        {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
                    ]
                },
            ),
            ("Emulation.setScriptExecutionDisabled", {"value": not scripts}),
        ):
            chromium.execute_cdp_cmd(command, values)
        chromium.get_log("browser")  # what others left there
        chromium.get(path.resolve().as_uri())
        return Page(chromium)

    return open_page
