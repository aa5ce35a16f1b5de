"""Run a notebook in JupyterLab, in a headless Chromium, as a person does.

Arguments: the notebook's URL, the Chromium, and the picture to take. It runs in the environment of
`requirements/jupyterlab.txt`.
"""

from __future__ import annotations

import sys

from playwright.sync_api import sync_playwright

SECONDS = 1_000  # in milliseconds


def main(url: str, chromium: str, picture: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 920, "height": 900})
        page.set_default_timeout(120 * SECONDS)
        page.goto(url)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        # The kernel's name and its state are in the toolbar and in the status bar.
        page.wait_for_selector("text=Code interpreter | Idle")
        page.click("text=Run >> nth=0")
        page.click("text=Run All Cells")
        page.wait_for_selector(".jp-RenderedHTMLCommon table")
        image = page.wait_for_selector(".jp-OutputArea-output img")
        assert image.evaluate("image => image.naturalWidth") > 100
        page.wait_for_selector("text=still running")
        # The last cell waits for ever.
        page.click("text=Kernel >> nth=0")
        page.click("text=Interrupt Kernel")
        page.wait_for_selector(".jp-OutputArea-output >> text=KeyboardInterrupt >> nth=0")
        page.wait_for_selector("text=Code interpreter | Idle")
        page.get_by_role("button", name="No", exact=True).click()  # Jupyter asks about its news
        page.keyboard.press("Control+b")  # the side bar
        page.locator(".jp-toast, .Toastify__toast").first.wait_for(state="detached")
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
