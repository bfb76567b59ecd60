"""The HTML report in a real browser: it opens without errors, sorts, answers to hovering, and fits phones and paper.

Needs Chromium and its driver (Debian: ``apt-get install chromium chromium-driver``); run with ``-m slow``.
"""

import base64
import re
import shutil

import pytest

from fhnbench.report.html import html_report
from test_html import EXAMPLE, HOSTILE

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DESKTOP, PHONE = (1200, 900), (390, 844)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(html_report([("results/one", EXAMPLE), ("results/two", EXAMPLE)]))
    return file.as_uri()


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    from selenium.webdriver.chrome.service import Service

    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("no Chromium with chromedriver on the path")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


@pytest.fixture
def visit(browser, address):
    """Open the report in a window of a size and with a system's colour scheme; fail if the console has an error."""

    def open_page(size=DESKTOP, scheme="light"):
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        browser.get(address)
        browser.execute_script("localStorage.clear()")
        browser.refresh()
        return browser

    yield open_page
    assert browser.get_log("browser") == []


def contenders(browser):
    return browser.execute_script(
        "return [...document.querySelector('.results').tBodies[0].rows].map(row => row.dataset.row)"
    )


def heading(browser, text):
    from selenium.webdriver.common.by import By

    found = browser.find_elements(By.CSS_SELECTOR, "#run-1 .results thead button")
    return next(button for button in found if button.text == text)


def background(browser):
    colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    return [int(part) for part in re.findall(r"\d+", colour)[:3]]


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_opens_by_itself_and_fits_the_window(visit, size, scheme):
    page = visit(size, scheme)
    assert page.execute_script("const page = document.documentElement; return page.scrollWidth <= page.clientWidth")
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    visible = "return [...document.querySelectorAll('#run-1 .picture')].filter(e => e.getClientRects().length).length"
    assert page.execute_script(visible) == 9
    assert all(part > 200 if scheme == "light" else part < 60 for part in background(page))


def test_sorts_by_click_and_by_keyboard_with_empty_cells_last(visit):
    from selenium.webdriver.common.keys import Keys

    page = visit()
    by_time = ["euler-cpu[dt=0.05,precision=float64]", "rk4-cpu", HOSTILE, "euler-cuda"]
    assert contenders(page) == by_time
    heading(page, "MAE").click()
    by_error = ["rk4-cpu", "euler-cpu[dt=0.05,precision=float64]", HOSTILE, "euler-cuda"]
    assert contenders(page) == by_error
    heading(page, "MAE").send_keys(Keys.ENTER)
    assert contenders(page) == [*reversed(by_error[:3]), "euler-cuda"]
    sorts = page.execute_script("return [...document.querySelectorAll('#run-1 [aria-sort]')].map(e => e.ariaSort)")
    assert sorts == ["descending"]
    heading(page, "contender").click()
    assert contenders(page) == sorted(by_time)


def test_hovering_over_a_mark_shows_its_configuration_and_dims_the_others(visit):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    page = visit()
    mark = page.find_element(By.CSS_SELECTOR, "#run-1 .for-wide .picture [data-row='rk4-cpu']")
    ActionChains(page).move_to_element(mark).perform()
    tip = page.find_element(By.ID, "tip")
    assert tip.is_displayed()
    assert tip.text.splitlines()[0] == "rk4-cpu"
    assert "MAE 5.00e-4" in tip.text
    active = page.execute_script("return [...document.querySelectorAll('.active')].map(e => e.dataset.row)")
    assert set(active) == {"rk4-cpu"}
    assert page.execute_script("return document.querySelectorAll('.dim').length") == 1
    ActionChains(page).move_to_element(page.find_element(By.TAG_NAME, "h1")).perform()
    assert not tip.is_displayed()
    assert page.execute_script("return document.querySelectorAll('.dim').length") == 0


def test_theme_can_be_chosen_against_the_system_and_is_remembered(visit):
    from selenium.webdriver.common.by import By

    page = visit(scheme="dark")
    page.find_element(By.ID, "theme").click()
    assert min(background(page)) > 200
    page.refresh()
    assert min(background(page)) > 200
    page.find_element(By.ID, "theme").click()
    page.find_element(By.ID, "theme").click()
    assert max(background(page)) < 60


def test_text_of_third_parties_runs_nothing(visit):
    page = visit()
    assert page.execute_script("return document.scripts.length") == 1
    assert page.execute_script("return document.images.length") == 0


def test_prints_dark_pages_in_ink_on_white(visit):
    page = visit(scheme="dark")
    pdf = base64.b64decode(page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 4
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert background(page) == [255, 255, 255]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
