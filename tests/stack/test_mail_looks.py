"""The email on a phone, light and dark, in a real Chromium: readable, nothing off screen, links for a thumb."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack.test_mail_template import NOBREAK, ROOT_FS, alert, render
from tests.support_browser import chromium, faint_texts
from tests.tools.stack import running
from tests.tools.stack.running import linking
from tests.tools.stack.shipped import ROOT, Shipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PHONE, DESKTOP, THUMB, SMALLEST, GMAIL_CUTS, LOCK_SCREEN = 390, 700, 44, 15, 102_000, 40
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
DEEP = "/srv/backups/customers/2026/november/incremental/archive-of-everything/volume-0001"
LETTERS = "A" * 200
CPU = alert(
    "firing",
    "HostHighCpu",
    "critical",
    summary="CPU 98 % (limit 90 %)",
    description="CPU usage is 98 % (critical limit: 90 %).\nBusiest programs:\npython3 train.py: 1.90 cores\n"
    "(sd-pam): 0.24 cores",
    runbook_url="http://localhost:5000/runbooks#hosthighcpu",
)
DOWN = alert(
    "firing",
    "HostExporterDown",
    "critical",
    description="Prometheus has been unable to scrape a:5000 for at least 2 minutes. It is down.\n"
    "Last response: 2026-01-01 09:57:46 UTC\nMemory: 97 % of 15.6 GiB used\n"
    "Hottest sensor: coretemp Core 0 71 °C\nPrograms using the most memory:\njava app.jar: 9.2 GiB",
)
FULL = alert("firing", "HostFilesystemFull", "critical", {"mountpoint": DEEP}, summary=f"Filesystem {DEEP} 95 % full")
HOSTILE = alert(
    "firing",
    "HostHighCpu",
    "warning",
    {"hostname": "<b>evil</b>\N{RIGHT-TO-LEFT OVERRIDE}"},
    summary="<script>boom()</script>",
    description="Busiest programs:\n<img src=x onerror=boom()> {{ .Labels }} $1 \x1b[31m: 1.90 cores\n"
    f"</td></table>: 0.30 cores\n{LETTERS}: 0.10 cores\n<div>:\n<a href=x>",
    next_step=LETTERS,
)
ENDED = alert(
    "resolved",
    "HostHighMemory",
    "warning",
    keep_firing_for="3m",
    resolved_summary="Memory peaked at 91 %",
    resolved_description="Memory usage peaked at 91 %.\nPrograms using the most memory:\nfirefox: 1.9 GiB",
)
REBOOTED = alert("firing", "HostRebooted", "info", summary="Booted 3m 12s ago")
MAILS = {
    "one": [CPU],
    "down": [DOWN],
    "deep": [FULL],
    "hostile": [HOSTILE],
    "over": [ENDED],
    "info": [REBOOTED],
    "five": [ENDED, REBOOTED, alert("firing", "HostInodesLow", "warning", ROOT_FS), FULL, CPU],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def shown(browser: Browser, folder: Path, *alerts: dict[str, Any], scheme: Any = "light", width: int = PHONE) -> Page:
    """Return the email in a window of this width."""
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.set_content(render(folder, "html", *alerts, zone="Europe/Berlin"))
    return page


@SCHEMES
@pytest.mark.parametrize("alerts", MAILS.values(), ids=MAILS)
def test_it_can_be_read_and_tapped_on_a_phone(
    browser: Browser, tmp_path: Path, alerts: list[dict[str, Any]], scheme: str
) -> None:
    page = shown(browser, tmp_path, *alerts, scheme=scheme)
    assert faint_texts(page) == []
    assert small_texts(page) == []
    assert [box for box in boxes(page, "a") if box["height"] < THUMB or box["width"] < THUMB] == []
    for width in (PHONE, 320, DESKTOP):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@SCHEMES
@pytest.mark.parametrize(
    ("one", "hue"),
    [(CPU, "red"), (HOSTILE, "orange"), (REBOOTED, "blue"), (ENDED, "green")],
    ids=lambda one: str(one)[:9],
)
def test_the_level_has_its_colour(browser: Browser, tmp_path: Path, one: dict[str, Any], hue: str, scheme: str) -> None:
    """At the edge and behind the word."""
    page = shown(browser, tmp_path, one, scheme=scheme)
    for colour in page.evaluate(
        "[getComputedStyle(document.querySelector('.alert')).borderLeftColor,"
        " getComputedStyle(document.querySelector('.alert span')).backgroundColor]"
    ):
        red, green, blue = (int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(", "))
        assert hue == {
            red > 1.9 * green and red > 1.9 * blue and green < 1.2 * blue: "red",
            red > green > 1.2 * blue: "orange",
            blue > 1.15 * green and blue > 1.5 * red: "blue",
            green > blue > red: "green",
        }.get(True)
    page.close()


def test_what_happened_where_since_when_and_who_did_it_come_before_what_to_do(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, CPU)
    text = page.inner_text("body").replace(NOBREAK, " ")
    order = ["CRITICAL", "web-01", "CPU 98 %", "Since 2026-01-01 11:00:00 CET", "python3 train.py", "1.90 cores"]
    order += ["Next step:", "Dashboard", "Runbook", "Silence"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    # One screen of a phone has all of it.
    assert boxes(page, "a")[-1]["y"] < 700
    page.close()


def test_programs_stand_in_rows_with_their_figures_in_a_column(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, DOWN)
    rows = [row.replace(NOBREAK, " ").split("\t") for row in page.locator(".row tr").all_inner_texts()]
    assert rows == [
        ["Last response", "2026-01-01 10:57:46 CET"],
        ["Memory", "97 % of 15.6 GiB used"],
        ["Hottest sensor", "coretemp Core 0 71 °C"],
        ["java app.jar", "9.2 GiB"],
    ]
    figures = boxes(page, ".row td:last-child")
    assert len({round(box["x"] + box["width"]) for box in figures}) == 1
    page.close()


def test_sentences_with_a_colon_and_a_figure_stay_sentences(browser: Browser, tmp_path: Path) -> None:
    said = [
        "CPU usage is 98 % (critical limit: 90 %).",
        "Failed evaluations of x in 5 minutes: 3. Alerts of this group may be missing.",
        "Sent by host-exporter test-alert on web-01: email gets through.",
        "It waits without end. Stuck: 2.",
    ]
    page = shown(browser, tmp_path, alert("firing", "X", "critical", description="\n".join(said)))
    assert page.locator(".row").count() == 0
    assert [line for line in said if line.replace(" %", f"{NOBREAK}%") not in page.inner_text(".alert")] == []
    page.close()


def test_hostile_names_stay_text(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, HOSTILE)
    assert page.locator("script, img, .alert b b, a[href='x']").count() == 0
    text = page.inner_text("body").replace(NOBREAK, " ")
    for name in ("<b>evil</b>?", "<script>boom()</script>", "<img src=x onerror=boom()> {{ .Labels }} $1 ?[31m"):
        assert name in text
    assert page.locator(".row").count() == 3
    page.close()
    for kind in ("text", "subject"):
        said = render(tmp_path, kind, HOSTILE)
        assert "\x1b" not in said
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in said


def test_several_alerts_begin_with_a_list_the_worst_first(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, *MAILS["five"])
    lines = page.inner_text(".list").replace(NOBREAK, " ").splitlines()
    assert [line.split()[0] for line in lines] == ["web-01:", "CRITICAL", "CRITICAL", "INFO", "WARNING", "RESOLVED"]
    assert lines[0] == "web-01: 5 alerts"
    assert lines[-1] == "RESOLVED Memory peaked at 91 %"
    page.close()
    # Of several machines, each line names its own.
    other = alert("firing", "HostRebooted", "info", {"instance": "b:5000", "hostname": "web-02"}, summary="Booted")
    page = shown(browser, tmp_path, REBOOTED, other)
    assert "INFO web-02: Booted" in page.inner_text(".list")
    page.close()


def test_the_preview_in_a_list_of_emails_adds_to_the_subject(tmp_path: Path) -> None:
    def preview(*alerts: dict[str, Any]) -> str:
        hidden = render(tmp_path, "html", *alerts).split('mso-hide: all">')[1]
        return " ".join(hidden.split("</div>")[0].replace(NOBREAK, " ").split())

    assert preview(CPU) == "Busiest programs: python3 train.py: 1.90 cores (sd-pam): 0.24 cores"
    assert preview(REBOOTED) == "About HostRebooted."
    assert preview(CPU, ENDED) == "Also: Memory peaked at 91 %"


@pytest.mark.parametrize(
    ("mountpoint", "shortened"),
    [
        (DEEP, "…/volume-0001"),
        ("/srv", "/srv"),
        ("/var/lib/docker", "/var/lib/docker"),
        ("/mnt/" + "b" * 40, "…/bbbbbbbbbbbbbbbb"),
    ],
)
def test_a_lock_screen_shows_how_full_a_filesystem_with_a_long_name_is(
    tmp_path: Path, mountpoint: str, shortened: str
) -> None:
    full = alert("firing", "HostFilesystemFull", "critical", summary=f"Filesystem {mountpoint} 95 % full (limit 90 %)")
    assert render(tmp_path, "subject", full) == f"[CRITICAL] web-01: Filesystem {shortened} 95 % full (limit 90 %)"
    assert mountpoint in render(tmp_path, "text", full)


def test_a_lock_screen_shows_every_figure_that_has_reached_its_limit() -> None:
    """As the rules' own tests expect the summaries; level and machine take 18 of 40 characters."""
    files = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests/rules").glob("*.yml"))
    summaries = set(re.findall(r"\bsummary: '?([^\n]+?) \(limit", files))
    summaries = {each for each in summaries if "{{" not in each}  # a hostile mountpoint
    assert len(summaries) > 10
    figure = r"\d( %| ?s\b| °C| ms| c\w*|h \d+m)"
    assert [each for each in summaries if not re.search(figure, f"[WARNING] web-01: {each}"[:LOCK_SCREEN])] == []


def test_a_whole_file_of_targets_fits_into_one_email(browser: Browser, tmp_path: Path) -> None:
    gone = [
        alert("firing", "HostTargetGone", "info", {"instance": f"10.0.{n // 250}.{n % 250}:5000"}, summary=8 * "Gone ")
        for n in range(500)
    ]
    html, text = (render(tmp_path, kind, *gone) for kind in ("html", "text"))
    assert len(html.encode()) < GMAIL_CUTS
    assert text.count("INFO  ") == 100
    assert "\n400 more: http://localhost:9093/#/alerts\n" in text
    assert render(tmp_path, "subject", *gone).endswith(" and 499 more")
    page = shown(browser, tmp_path, *gone)
    assert page.locator(".alert").count() == 10
    assert page.inner_text(".list").splitlines()[0] == "500 alerts"
    assert page.inner_text(".list").endswith("and 400 more")
    page.close()


def test_all_times_are_the_owners(tmp_path: Path) -> None:
    """Also the one that Prometheus writes, which knows UTC only."""
    last = "Last response: 2026-01-01 10:57:46 CET"
    text = render(tmp_path, "text", DOWN, zone="Europe/Berlin")
    assert last in text
    assert "UTC" not in text + render(tmp_path, "html", DOWN, zone="Europe/Berlin")
    # Longer ago than it looks back: as it was written, which is true as well.
    old = DOWN | {"startsAt": "2026-01-01T12:00:00Z"}
    assert "Last response: 2026-01-01 09:57:46 UTC" in render(tmp_path, "text", old, zone="Europe/Berlin")


def test_without_a_grafana_no_link_leads_to_one(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As make stack has it where none is installed."""
    read = Shipped.config
    monkeypatch.setattr(
        Shipped, "config", lambda self, name: linking(grafana=False, silence=True)(f"{name}.tmpl", read(self, name))
    )
    page = shown(browser, tmp_path, CPU, ENDED)
    assert page.locator("a").all_inner_texts() == ["Runbook", "Silence for a while"]
    page.close()
    assert "Dashboard" not in render(tmp_path, "text", CPU, ENDED)
    monkeypatch.undo()
    assert render(tmp_path, "text", CPU, ENDED).count("Dashboard:\n") == 2


def test_without_pages_of_alertmanager_no_link_leads_to_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As make stack has it with Debian's."""
    many = [CPU | {"labels": {**CPU["labels"], "instance": f"web-{i}"}} for i in range(120)]
    for kind in ("text", "html"):
        before = render(tmp_path, kind, *many)
        assert "/#/alerts" in before
        with monkeypatch.context() as patch:
            read = Shipped.config
            edit = linking(grafana=True, silence=False)
            patch.setattr(
                Shipped, "config", lambda self, name, read=read, edit=edit: edit(f"{name}.tmpl", read(self, name))
            )
            after = render(tmp_path, kind, *many)
        assert "/#/alerts" not in after
        assert "ilence" not in after
        assert "more" in after
        assert after.count("ashboard") == before.count("ashboard")


@pytest.mark.parametrize(("files", "expected"), [
    ([], []),
    (["web/no-ui/x", "alertmanager/no-ui/x"], ["prometheus", "alertmanager"]),
    (["web/no-ui/x", "web/static/react/x", "alertmanager/no-ui/x", "alertmanager/ui/script.js"], []),
])  # fmt: skip
def test_a_server_without_pages_is_known_by_what_debian_put_there_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: list[str], expected: list[str]
) -> None:
    for file in files:
        path = tmp_path / "share/prometheus" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr(running, "find", lambda *names: str(tmp_path / "bin" / names[0]))
    assert running.without_pages() == expected


def test_lines_of_the_text_are_wrapped_between_words(tmp_path: Path) -> None:
    long = "word " * 40 + "95 % " * 30
    text = render(tmp_path, "text", alert("firing", "X", "critical", description=long, next_step=long))
    assert max(map(len, text.splitlines())) <= 72
    assert not [line for line in text.splitlines() if line.startswith("%")], "a figure has lost its unit"
    assert " ".join(text.split()).count(long.strip()) == 2


def boxes(page: Page, selector: str) -> list[dict[str, float]]:
    """Return where the elements are, in order."""
    found: list[dict[str, float]] = page.locator(selector).evaluate_all(
        "list => list.map((each) => each.getBoundingClientRect().toJSON())"
    )
    return found


def small_texts(page: Page) -> list[str]:
    """Return the texts in a font smaller than people read without effort."""
    found: list[str] = page.locator("body *").evaluate_all(
        "(list, least) => list.filter((each) => each.innerText && parseFloat(getComputedStyle(each).fontSize) < least)"
        ".map((each) => each.innerText)",
        SMALLEST,
    )
    return found
