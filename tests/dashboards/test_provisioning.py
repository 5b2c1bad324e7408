"""Grafana is provisioned with data sources, dashboards and a home page, and asks for no password."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from tests.dashboards.boards import BOARDS, FOLDER
from tests.tools.stack.shipped import ROOT, Shipped

PROVISIONING = ROOT / "grafana/provisioning"


def provisioned(kind: str) -> dict[str, Any]:
    (file,) = (PROVISIONING / kind).glob("*.yml")
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def grafana(variables: dict[str, str] | None = None) -> dict[str, str]:
    return Shipped.read(variables or {}, dotenv=False).environment("grafana")


def test_the_data_sources_have_names_that_do_not_change() -> None:
    sources = {source["uid"]: source for source in provisioned("datasources")["datasources"]}
    assert {uid: source["type"] for uid, source in sources.items()} == {
        "prometheus": "prometheus",
        "alertmanager": "alertmanager",
    }
    assert sources["prometheus"]["isDefault"] is True
    assert sources["alertmanager"]["jsonData"]["implementation"] == "prometheus"
    for source in sources.values():
        assert grafana()[source["url"].removeprefix("$")].startswith("http://")
    scrapes = yaml.safe_load((ROOT / "prometheus.yml").read_text(encoding="utf-8"))["global"]["scrape_interval"]
    assert sources["prometheus"]["jsonData"]["timeInterval"] == scrapes


def test_the_dashboards_are_where_grafana_looks_for_them() -> None:
    (provider,) = provisioned("dashboards")["providers"]
    path = grafana()[provider["options"]["path"].removeprefix("$")]
    volumes = Shipped.read({}, dotenv=False).document["services"]["grafana"]["volumes"]
    assert f"./{FOLDER.relative_to(ROOT)}:{path}:ro" in volumes
    assert provider["allowUiUpdates"] is False


def test_host_is_the_home_page() -> None:
    home = grafana()["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    board = json.loads((FOLDER / home.rpartition("/")[2]).read_text(encoding="utf-8"))
    assert board["uid"] == "host"
    assert home.startswith(grafana()["DASHBOARDS"] + "/")


def test_everyone_may_look_and_there_is_no_default_password() -> None:
    settings = grafana()
    assert settings["GF_AUTH_ANONYMOUS_ENABLED"] == "true"
    assert settings.get("GF_AUTH_ANONYMOUS_ORG_ROLE", "Viewer") == "Viewer"
    assert settings["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    with_password = grafana({"GRAFANA_ADMIN_PASSWORD": "secret"})
    assert "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION" not in with_password
    assert with_password["GF_SECURITY_ADMIN_PASSWORD"] == "secret"


def test_grafana_asks_nothing_of_the_internet() -> None:
    """Its own settings for statistics, news, updates, plugins and their keys, pictures of users, snapshots."""
    settings = grafana()
    off = {
        "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
        "GF_NEWS_NEWS_FEED_ENABLED",
        "GF_SNAPSHOTS_EXTERNAL_ENABLED",
    }
    on = {
        "GF_PLUGINS_PREINSTALL_DISABLED",
        "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED",
        "GF_SECURITY_DISABLE_GRAVATAR",
    }
    assert {name for name, value in settings.items() if value == "false"} >= off
    assert {name for name, value in settings.items() if value == "true"} >= on


def test_no_folder_that_grafana_reads_is_missing() -> None:
    """It logs an error for each, at each start. Git keeps no empty folders, so every one has a file."""
    for kind in ("datasources", "dashboards", "plugins", "alerting"):
        assert provisioned(kind)["apiVersion"] == 1


def test_what_mails_link_to_is_there() -> None:
    mail = Shipped.read({}, dotenv=False).config("mail")
    assert 'printf "%s/d/%s' in mail
    uids = set(re.findall(r'"(\w+)\?', mail))
    assert uids == {"host", "application", "stack"}
    assert uids <= {board["uid"] for board in BOARDS.values()}
