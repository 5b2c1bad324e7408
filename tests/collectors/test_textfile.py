"""Textfiles: each is served as a whole or not at all, and none costs more than itself."""

from __future__ import annotations

import os
import re
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exporter.collectors.textfile import File, Textfiles
from exporter.machine import open_machine
from exporter.render.exposition import encode
from exporter.sampling.sampler import Sampler
from exporter.sources.textfile_content import MOST_SERIES as MOST_IN_ALL
from exporter.sources.textfile_names import KNOWN, check_name
from exporter.sources.textfile_parser import MOST_SERIES, parse
from exporter.sources.textfiles import MOST_BYTES, MOST_FILES
from exporter.thresholds import Level
from tests.machines import EPOCH, FixtureMachine
from tests.support import Samples

if TYPE_CHECKING:
    from exporter.model import Snapshot
    from tests.other_systems import MacOs, Windows

FOLDER = "var/lib/host-exporter/textfile"
KEPT = 31.0
HOUR = 3600
WORDS = {"and", "or", "unless", "bool", "offset", "on", "e", "inf", "start", "end"}
"""What is no name in PromQL."""


def put(machine: FixtureMachine, name: str, text: str | bytes, age: float = 60) -> None:
    """Write a file that is so many seconds old when it is next looked at."""
    machine.write(f"{FOLDER}/{name}", text)
    written = machine.time() + KEPT - age
    os.utime(machine.path(f"{FOLDER}/{name}"), (written, written))


def errors(machine: FixtureMachine) -> dict[str, str | None]:
    section = machine.sample(KEPT).section(Textfiles)
    assert section is not None
    return {each.file: each.error for each in section.files}


def of_kind(snapshot: Snapshot, kind: str) -> list[tuple[Level, str, str]]:
    return [(each.level, each.subject, each.reason) for each in snapshot.findings() if each.kind == kind]


def said(text: str | bytes) -> str:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        parse(text if isinstance(text, bytes) else text.encode())
    return str(caught.value)


def test_what_a_file_holds_is_served_with_its_own_help_and_type(server: FixtureMachine) -> None:
    put(
        server,
        "mine.prom",
        "# HELP coffee_cups Cups since morning.\n# TYPE coffee_cups gauge\n"
        'coffee_cups{who="Ann"} 3\n# TYPE steps_total counter\nsteps_total 5000\nbare -1.5e3\n',
    )
    families = server.sample(KEPT).readings
    text = encode([family for reading in families for family in reading.families], "")[0].decode()
    assert "# HELP coffee_cups Cups since morning.\n# TYPE coffee_cups gauge\n" in text
    assert "# TYPE steps_total counter\nsteps_total 5000.0\n" in text
    assert "# TYPE bare untyped\nbare -1500.0\n" in text
    assert 'coffee_cups{who="Ann"} 3.0' in text


def test_the_section_says_how_old_each_file_is_and_how_much_it_holds(server: FixtureMachine) -> None:
    put(server, "b.prom", "b 1\nb_more 2\n", age=90)
    put(server, "a.prom", "a\n")
    section = server.sample(KEPT).section(Textfiles)
    assert section is not None
    assert section.files == (
        File("a.prom", EPOCH + server.now - 60, 60.0, "line 1 is not in Prometheus' text format", 0),
        File("b.prom", EPOCH + server.now - 90, 90.0, None, 2),
    )


def test_a_machine_without_the_folder_has_no_series_and_an_empty_one_no_failure(server: FixtureMachine) -> None:
    assert server.try_read(Textfiles) is None
    server.path(FOLDER).mkdir(parents=True)
    assert server.sample(KEPT).section(Textfiles) == Textfiles(())
    assert not server.sample().failures()


def test_other_systems_have_no_textfiles(windows: Windows, macos: MacOs) -> None:
    assert windows.sample().section(Textfiles) is None
    assert macos.sample().section(Textfiles) is None


def test_none_switches_it_off_and_another_folder_is_one_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = FixtureMachine("laptop", tmp_path / "off", monkeypatch, textfile_dir="")
    assert off.try_read(Textfiles) is None
    other = FixtureMachine("server", tmp_path / "other", monkeypatch, textfile_dir="/srv/figures")
    other.write("srv/figures/a.prom", "a 1\n")
    assert other.read(Textfiles).files[0].samples == 1
    root = tmp_path / "whole" / "server"
    whole = FixtureMachine("server", tmp_path / "whole", monkeypatch, textfile_dir=f"{root}/srv/figures")
    whole.write("srv/figures/a.prom", "a 1\n")
    assert whole.read(Textfiles).files[0].samples == 1, "below --rootfs, as one sees it in the container"


def test_a_file_is_read_again_only_when_it_has_changed(server: FixtureMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(content: bytes) -> Any:
        calls.append(content)
        return parse(content)

    monkeypatch.setattr("exporter.sources.textfiles.parse", counted)
    put(server, "a.prom", "a 1\n")
    put(server, "bad.prom", "bad\n")
    for _ in range(3):
        assert server.exposition(server.sample(KEPT)).value("a") == 1
    assert len(calls) == 2
    put(server, "a.prom", "a 2\n")
    assert server.exposition(server.sample(KEPT)).value("a") == 2
    server.remove(f"{FOLDER}/a.prom")
    assert errors(server) == {"bad.prom": "line 1 is not in Prometheus' text format"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host_cpu_usage_ratio 0.5\n", "the name host_cpu_usage_ratio is taken"),
        ("host_of_mine 1\n", "the name host_of_mine is taken"),
        ("process_open_fds 1\n", "the name process_open_fds is taken"),
        ("up 1\n", "the name up is taken"),
        ("scrape_samples_scraped 1\n", "is taken"),
        ('ALERTS{alertname="HostHighCpu"} 1\n', "is taken"),
        ("instance:host_seen:timestamp_seconds 1\n", "is taken"),
        ('{"with.dots"} 1\n', "letters, digits and _ only"),
        ('a{"with.dots"="x"} 1\n', "a label whose name"),
        ('a{__b="x"} 1\n', "line 1 is not in"),
        ("a 1 1700000000000\n", "a has a timestamp"),
        ("a 1\na 2\n", "a has a series twice"),
        ('a{b="1",c="2"} 1\na{c="2",b="1"} 1\n', "a has a series twice"),
        ('a 1\n# TYPE a gauge\na{b="1"} 1\n', "a has two types"),
        ("# TYPE a_total counter\na_total -1\n", "a_total is a counter and below 0"),
        ("a one\n", "line 1 is not in Prometheus' text format"),
        ("a 1\nb{ 1\n", "line 2 is not in"),
        ("<html>\n", "line 1 is not in"),
        ("a 1", "does not end with a newline"),
        (b"a\xff 1\n", "is not UTF-8"),
        ("host_disk_smart_healthy 2\n", "host_disk_smart_healthy is 2, which cannot be"),
        ("host_disk_wear_ratio 83\n", "host_disk_wear_ratio is 83, which cannot be"),
        ('host_disk_wear_ratio{disk="sda"} 0\n', "has the label disk; it may have device, model, serial"),
        ("# TYPE host_disk_media_errors_total gauge\nhost_disk_media_errors_total 0\n", "is a counter and not a gauge"),
        ("host_backup_last_success_timestamp_seconds NaN\n", "is nan, which cannot be"),
        ("prometheus_tsdb_wal_writes_failed_total 1\n", "the name prometheus_tsdb_wal_writes_failed_total is taken"),
        ("alertmanager_notifications_total 1\n", "the name alertmanager_notifications_total is taken"),
        ('a{b=""} 1\na 2\n', "a has a series twice"),
        (b"\xef\xbb\xbfa 1\n", "begins with a byte order mark"),
        ("a 1\n".encode("utf-16"), "begins with a byte order mark"),
        ("".join(f'a{{b="{number}"}} 1\n' for number in range(MOST_SERIES + 1)), "has more than 2,000 series"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_served_costs_its_file_and_is_said_in_a_line(text: str | bytes, expected: str) -> None:
    assert expected in said(text)


def test_an_error_does_not_quote_what_a_file_holds() -> None:
    """A link may lead to any file that the exporter's user can read."""
    assert "hunter2" not in said("password: hunter2\n")


def test_names_of_ours_come_from_textfiles_only() -> None:
    assert not [name for name in KNOWN if not name.startswith(("host_disk_", "host_backup_"))]
    for name, known in KNOWN.items():
        labels = ",".join(f'{label}="x"' for label in sorted(known.labels))
        (family,) = parse(f"{name}{{{labels}}} 1\n".encode())
        assert (family.kind, family.help_text) == (known.kind, known.help_text), "a bare line has our type and help"


def test_what_prometheus_client_writes_can_be_read() -> None:
    from prometheus_client import CollectorRegistry, Counter, Histogram, Info, Summary, generate_latest

    registry = CollectorRegistry()
    Counter("jobs", "Jobs.", registry=registry).inc()
    Histogram("took_seconds", "Time.", registry=registry).observe(0.3)
    Summary("size_bytes", "Size.", registry=registry).observe(3)
    Info("build", "Build.", registry=registry).info({"version": "1"})
    found = {each.name: each.kind for each in parse(generate_latest(registry))}
    assert found["jobs_total"] == "counter"
    assert found["took_seconds_bucket"] == "unknown"
    assert found["build_info"] == "gauge"
    assert not [name for name in found if name.endswith("_created")]


def test_a_counter_keeps_its_name_even_if_that_does_not_end_in_total() -> None:
    (family,) = parse(b"# TYPE reads counter\nreads 3\n")
    assert (family.name, family.kind) == ("reads", "unknown")


def test_values_that_are_no_numbers_are_absent() -> None:
    found = [(each.samples, each.left_out) for each in parse(b'a NaN\na{b="1"} 2\nb +Inf\nc 1\n')]
    assert found == [({(("b", "1"),): 2.0}, 1), ({}, 1), ({(): 1.0}, 0)]


def test_values_that_are_left_out_are_counted_in_the_row_of_their_file(server: FixtureMachine) -> None:
    put(server, "a.prom", "a NaN\nb +Inf\nc 1\n")
    section = server.sample(KEPT).section(Textfiles)
    assert section is not None
    assert [(each.samples, each.left_out, each.error) for each in section.files] == [(1, 2, None)]
    assert not {"a", "b"} & {sample.name for sample in server.exposition().samples}


def test_what_alerts_read_comes_from_files_only_if_this_is_known() -> None:
    """Metrics of applications may have any name; the rules about them ask for the job "app"."""
    rules = (Path(__file__).parents[2] / "alerts.yml").read_text(encoding="utf-8")
    exprs = [rule["expr"] for group in yaml.safe_load(rules)["groups"] for rule in group["rules"]]
    read: set[str] = set()
    for expr in exprs:
        plain = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", expr)
        plain = re.sub(r'\w+\{job="app"[^}]*\}|\{[^}]*\}|\[[^\]]*\]|"[^"]*"', " ", plain)
        read |= set(re.findall(r"(?<![\w:.])[a-zA-Z_][\w:]*(?![\w:]|\s*\()", plain)) - WORDS
    assert {"up", "alertmanager_notifications_total", "host_backup_max_age_seconds"} <= read
    assert len([name for name in read if name.startswith("prometheus_")]) > 15
    for name in read - KNOWN.keys():
        with pytest.raises(ValueError, match="is taken"):
            check_name(name)


def test_a_backup_in_the_future_is_an_error_of_its_file_until_the_clock_is_right(server: FixtureMachine) -> None:
    put(server, "ms.prom", 'host_backup_last_success_timestamp_seconds{job="ms"} 1790000000000\n')
    ahead = server.time() + 3600
    put(server, "soon.prom", f'host_backup_last_success_timestamp_seconds{{job="soon"}} {ahead}\n')
    put(server, "now.prom", f'host_backup_last_success_timestamp_seconds{{job="now"}} {server.time() + 100}\n')
    said = (
        "host_backup_last_success_timestamp_seconds lies in the future: "
        "give Unix time in seconds (date +%s), or set the clock"
    )
    assert errors(server) == {"ms.prom": said, "now.prom": None, "soon.prom": said}
    section = server.sample().section(Textfiles)
    assert section is not None
    assert [(each.job, each.age_seconds) for each in section.backups] == [("now", 0.0)]
    server.now += 3600
    assert errors(server)["soon.prom"] is None


def test_a_backup_with_nothing_but_a_limit_has_never_succeeded(server: FixtureMachine) -> None:
    put(server, "backup-new.prom", 'host_backup_max_age_seconds{job="new"} 777600\n')
    (found,) = of_kind(server.sample(KEPT), "HostBackupStale")
    assert found == (Level.WARNING, "new", "has never succeeded (warning after 9\u00a0days)")
    put(server, "bad.prom", "bad\n")
    assert not of_kind(server.sample(KEPT), "HostBackupStale"), "that file may hold its success"


def test_a_file_whose_name_cannot_be_printed_is_said(server: FixtureMachine) -> None:
    put(server, "a?b.prom", "a 1\n")
    for name in ("a\nb.prom", "a\tb.prom", "c\x1bd.prom", "c\x07d.prom", "\udcff.prom"):
        server.path(f"{FOLDER}/{name}").write_text("x 1\n")
    odd = "has a name that cannot be printed: rename it"
    assert errors(server) == {"?.prom": odd, "a?b.prom": None, "c?d.prom": odd}


def test_files_share_a_metric_and_a_contradiction_costs_the_later_file(server: FixtureMachine) -> None:
    put(server, "a.prom", '# TYPE m gauge\nm{x="1"} 1\n')
    put(server, "b.prom", '# TYPE m gauge\nm{x="2"} 2\n')
    put(server, "c.prom", "# TYPE m_total counter\nm_total 3\nother 1\n")
    put(server, "d.prom", '# TYPE m gauge\nm{x="1"} 4\n')
    put(server, "e.prom", "m 5\n")
    assert errors(server) == {
        "a.prom": None,
        "b.prom": None,
        "c.prom": "m_total cannot be beside m in a.prom",
        "d.prom": "m has a series that is in a.prom too",
        "e.prom": "m has another type in a.prom",
    }
    samples = server.exposition()
    assert {s.labels["x"]: s.value for s in samples.samples if s.name == "m"} == {"1": 1, "2": 2}
    assert "other" not in {s.name for s in samples.samples}, "a file is served as a whole or not at all"
    for accept in ("", "application/openmetrics-text;version=1.0.0"):
        families = [family for reading in server.sample().readings for family in reading.families]
        assert encode(families, accept)[0].count(b"# TYPE m gauge\n") == 1


def test_our_own_figures_stay_when_a_file_has_their_name(server: FixtureMachine) -> None:
    put(server, "bad.prom", "host_memory_total_bytes 1\n")
    put(server, "good.prom", "good 1\n")
    samples = server.exposition(server.sample(KEPT))
    assert samples.value("host_memory_total_bytes") != 1
    assert samples.value("good") == 1
    assert samples.value("host_textfile_error", file="bad.prom") == 1
    assert samples.value("host_textfile_error", file="good.prom") == 0


def test_a_million_lines_cost_one_file(server: FixtureMachine) -> None:
    put(server, "huge.prom", "".join(f'a{{b="{number}"}} 1\n' for number in range(1_000_000)))
    put(server, "good.prom", "good 1\n")
    begin = time.perf_counter()
    assert errors(server) == {"good.prom": None, "huge.prom": f"is larger than {MOST_BYTES >> 20} MiB"}
    assert time.perf_counter() - begin < 2


def test_all_files_together_have_a_limit_too(server: FixtureMachine, caplog: pytest.LogCaptureFixture) -> None:
    for name in "abc":
        put(server, f"{name}.prom", "".join(f'{name}{{b="{number}"}} 1\n' for number in range(MOST_SERIES)))
    put(server, "z.prom", "z 1\n")
    found = errors(server)
    assert found["c.prom"] == f"all files together have more than {MOST_IN_ALL:,} series"
    assert found["z.prom"] is None, "it still fits"
    for number in range(MOST_FILES):
        put(server, f"more{number}.prom", "")
    assert len(errors(server)) == MOST_FILES
    assert [record.message for record in caplog.records if "4 more files" in record.message]


def test_only_regular_files_are_read_and_links_stay_below_the_root_mount(
    server: FixtureMachine, tmp_path: Path
) -> None:
    put(server, "good.prom", "good 1\n")
    folder = server.path(FOLDER)
    os.mkfifo(folder / "pipe.prom")
    (folder / "folder.prom").mkdir()
    (tmp_path / "outside.prom").write_text("outside 1\n")
    (folder / "outside.prom").symlink_to(tmp_path / "outside.prom")
    server.write("srv/real.prom", "real 1\n")
    (folder / "inside.prom").symlink_to("/srv/real.prom")
    (folder / "hidden.txt").write_text("hidden 1\n")
    (folder / ".half.prom").write_text("half 1\n")
    (folder / "secret.prom").write_text("secret 1\n")
    (folder / "secret.prom").chmod(0)
    found = errors(server)
    assert found["pipe.prom"] == "is not a regular file"
    assert found["folder.prom"] == "is not a regular file"
    assert found["outside.prom"] == "is a link that leads nowhere"
    assert found["inside.prom"] is None
    assert found["good.prom"] is None
    assert found["secret.prom"] == ("Permission denied" if os.geteuid() else None)
    assert not {"hidden.txt", ".half.prom"} & set(found)
    assert "outside" not in {sample.name for sample in server.exposition().samples}


def test_a_file_that_hangs_costs_nothing_but_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = FixtureMachine("server", tmp_path, monkeypatch, filesystem_timeout=0.3)
    put(server, "good.prom", "good 1\n")
    put(server, "stuck.prom", "stuck 1\n")
    opened, real = [], os.open

    def slow(path: str, *args: Any, **more: Any) -> int:
        if str(path).endswith("stuck.prom"):
            opened.append(path)
            time.sleep(2)
        return real(path, *args, **more)

    monkeypatch.setattr("exporter.sources.textfiles.os.open", slow)
    assert errors(server) == {"good.prom": None, "stuck.prom": "no answer within 0.3 s"}
    assert errors(server)["stuck.prom"] == "no answer within 0.3 s"
    assert len(opened) == 1, "it is not asked again until it answers"


def test_a_folder_that_may_not_be_read_is_a_failure_with_its_reason(server: FixtureMachine) -> None:
    server.write(FOLDER, "a file")
    (failed,) = server.sample(KEPT).failures()
    assert failed.error == "the folder /var/lib/host-exporter/textfile cannot be read: Not a directory"


@pytest.mark.parametrize(
    ("name", "age", "up", "stale"),
    [
        ("smart.prom", 6 * HOUR, 90 * HOUR, False),
        ("smart.prom", 6 * HOUR + 1, 90 * HOUR, True),
        ("smart.prom", 90 * HOUR, HOUR - 1, False),
        ("mine.prom", 26 * HOUR, 90 * HOUR, False),
        ("mine.prom", 26 * HOUR + 1, 90 * HOUR, True),
        ("backup-home.prom", 900 * HOUR, 90 * HOUR, False),
    ],
)
def test_a_file_is_stale_by_who_writes_it_once_the_machine_has_settled(
    server: FixtureMachine, name: str, age: float, up: float, stale: bool
) -> None:
    server.write("proc/uptime", f"{up}.00 1.00\n")
    put(server, name, "a 1\n", age)
    snapshot = server.sample(KEPT)
    assert bool(of_kind(snapshot, "HostTextfileStale")) is stale


def test_findings_say_what_the_mails_say(server: FixtureMachine) -> None:
    disk = 'device="sdd",model="Example HDD 2TB",serial="EX-6"'
    put(
        server,
        "smart.prom",
        f"host_disk_smart_healthy{{{disk}}} 0\n"
        f'host_disk_smart_problem{{{disk},problem="sectors that cannot be read"}} 24\n'
        f'host_disk_smart_problem{{{disk},problem="does not answer"}} 0\nhost_disk_wear_ratio{{{disk}}} 0.83\n',
        7 * HOUR,
    )
    put(server, "bad.prom", "bad\n")
    put(
        server, "backup.prom", f'host_backup_last_success_timestamp_seconds{{job="home"}} {server.time() - 3 * 86400}\n'
    )
    server.write("proc/uptime", "999999.00 1.00\n")
    snapshot = server.sample(KEPT)
    assert of_kind(snapshot, "HostDiskFailing") == [
        (Level.CRITICAL, "sdd", "is failing: sectors that cannot be read: 24"),
    ]
    (worn,) = [each for each in snapshot.findings() if each.kind == "HostDiskWorn"]
    assert (worn.level, worn.subject, worn.ratio, worn.limit) == (Level.WARNING, "sdd", 0.83, 0.8)
    assert [each[1:] for each in of_kind(snapshot, "HostTextfileStale")] == [
        ("bad.prom", "cannot be used: line 1 is not in Prometheus' text format"),
        ("smart.prom", "was last written 7\u00a0h ago (warning after 6\u00a0h)"),
    ]
    assert of_kind(snapshot, "HostBackupStale") == [
        (Level.WARNING, "home", "last succeeded 3\u00a0days ago (warning after 2\u00a0days)"),
    ]


def test_a_backup_has_the_limit_that_its_file_names(server: FixtureMachine) -> None:
    text = 'host_backup_last_success_timestamp_seconds{{job="w"}} {}\nhost_backup_max_age_seconds{{job="w"}} 777600\n'
    for days, stale in ((8.9, 0), (9.1, 1)):
        put(server, "backup.prom", text.format(server.time() + KEPT - days * 86400))
        assert len(of_kind(server.sample(KEPT), "HostBackupStale")) == stale


def test_the_recipes_for_backups_are_read_by_the_exporter(server: FixtureMachine) -> None:
    import subprocess

    page = (Path(__file__).parents[2] / "docs/textfiles.md").read_text(encoding="utf-8")
    recipes = re.findall(r"<!-- .*backup's lines? -->\n```sh\n(.*)\n```", page)
    assert len(recipes) == 2
    server.path(FOLDER).mkdir(parents=True)
    server.now = time.time() - EPOCH  # date +%s gives this machine's
    for recipe in recipes:
        script = f"set -e\n{recipe.replace('/var/lib', str(server.path('var/lib')))}"
        subprocess.run(["sh", "-c", script], check=True)
    section = server.sample(KEPT).section(Textfiles)
    assert section is not None
    assert [(each.job, each.max_age_seconds) for each in section.backups] == [("home", None), ("weekly", 777600)]
    assert {each.file for each in section.files} == {"backup-home.prom", "backup-weekly.prom"}
    assert stat.S_IMODE(server.path(f"{FOLDER}/backup-home.prom").stat().st_mode) & stat.S_IROTH


def test_a_machine_of_its_own_reads_them_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --rootfs, a link is followed wherever it leads on this machine."""
    laptop = FixtureMachine("laptop", tmp_path, monkeypatch)
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.prom").write_text("a 1\n")
    (tmp_path / "link").symlink_to("real")
    from exporter.settings import Settings

    machine = open_machine(Settings(textfile_dir=str(tmp_path / "link")), laptop.probe)
    sampler = Sampler(machine)
    sampler.prime()
    section = sampler.sample().section(Textfiles)
    assert section is not None
    assert [(each.file, each.samples) for each in section.files] == [("a.prom", 1)]


def test_the_exposition_is_one_that_prometheus_reads(laptop: FixtureMachine) -> None:
    samples = laptop.exposition()
    assert samples.value("host_disk_wear_ratio", device="nvme0") == 0.12
    assert Samples.parse(encode(list(laptop.sample().readings[0].families), "")[0].decode())
