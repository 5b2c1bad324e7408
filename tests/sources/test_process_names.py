"""Names tell the owner what a process is, but never its secrets."""

from __future__ import annotations

import pytest

from exporter.sources.process_names import display_name

SECRET = "hunter2"
LONG = "x" * 81


def name(comm: str, command: str | list[str]) -> str:
    """Return the name of a process; a command line given as text is split at spaces."""
    words = command.split(" ") if isinstance(command, str) else command
    return display_name(comm, lambda: words)


@pytest.mark.parametrize(
    ("comm", "command", "expected"),
    [
        ("nginx", "nginx: worker process", "nginx"),
        ("python3", "/usr/bin/python3 /home/ann/train.py --password=hunter2", "python3 train.py"),
        ("python3", "python3 -u -O train.py hunter2", "python3 train.py"),
        ("python3.11", "python3.11 -W ignore -X dev train.py hunter2", "python3.11 train.py"),
        ("python3.13t", "python3.13t train.py hunter2", "python3.13t train.py"),
        ("python", "python -Wignore -Xdev train.py hunter2", "python train.py"),
        ("python3", "python3 --check-hash-based-pycs never train.py hunter2", "python3 train.py"),
        ("python3", "python3 -m http.server 8000", "python3 -m http.server"),
        ("python3", "python3 -Im pip install hunter2", "python3 -m pip"),
        ("python3", "python3 -mpip install hunter2", "python3 -m pip"),
        ("python3", "python3 -- train.py hunter2", "python3 train.py"),
        ("python3", "python3 /opt/app/", "python3 app"),
        ("pypy3", "pypy3 train.py hunter2", "pypy3 train.py"),
        ("python.exe", "C:\\Python\\python.exe C:\\jobs\\train.py hunter2", "python.exe train.py"),
        ("Python", "/Library/Frameworks/Python train.py hunter2", "Python train.py"),
        ("node", "node --inspect=9229 --max-old-space-size=4096 /srv/server.js hunter2", "node server.js"),
        ("node", "node -r dotenv/config server.js hunter2", "node server.js"),
        ("node", "node --watch server.js hunter2", "node server.js"),
        ("node", "node /usr/bin/npm run build", "node npm"),
        ("deno", "deno run --allow-net main.ts hunter2", "deno main.ts"),
        ("bun", "bun run index.ts hunter2", "bun index.ts"),
        ("java", "java -Xmx1g -Ddb.password=hunter2 -jar /opt/app.jar --token hunter2", "java app.jar"),
        ("java", "java -cp /a.jar:/b.jar com.example.Main hunter2", "java com.example.Main"),
        ("java", "java -classpath /a.jar com.example.Main hunter2", "java com.example.Main"),
        ("java", "java --class-path=/a.jar @options com.example.Main hunter2", "java com.example.Main"),
        ("java", "java -p mods -m com.example.app/com.example.Main hunter2", "java com.example.Main"),
        ("java", "java -javaagent:/a.jar=hunter2 -jar app.jar", "java app.jar"),
        ("ruby", "ruby -r bundler/setup -I lib app.rb hunter2", "ruby app.rb"),
        ("perl", "perl -w -I /lib report.pl hunter2", "perl report.pl"),
        ("perl", "perl -MStrict report.pl hunter2", "perl report.pl"),
        ("php8.2", "php8.2 -d memory_limit=1G artisan queue:work hunter2", "php8.2 artisan"),
        ("php", "php -f job.php -- hunter2", "php job.php"),
        ("bash", "/bin/bash /usr/local/bin/backup.sh hunter2", "bash backup.sh"),
        ("bash", "bash -eo pipefail backup.sh hunter2", "bash backup.sh"),
        ("bash", "-bash", "bash"),
        ("sh", "sh +x backup.sh hunter2", "sh backup.sh"),
        ("sh", "busybox sh /srv/backup.sh hunter2", "sh backup.sh"),
        ("sh", "/bin/busybox sh", "sh"),
        ("dotnet", "dotnet /srv/App.dll hunter2", "dotnet App.dll"),
        ("Rscript", "Rscript --vanilla model.R hunter2", "Rscript model.R"),
        ("R", "/usr/lib/R/bin/exec/R --no-echo --file=model.R --args hunter2", "R model.R"),
        ("python3", ["python3", "my script.py", SECRET], "python3 my script.py"),
        ("python3", ["python3", f"{LONG}.py"], "python3"),
        ("python3", ["python3", "-m", LONG], "python3"),
        ("python3", ["python3", "a\nb.py"], "python3"),
        ("python3", "python3", "python3"),
        ("python3", [], "python3"),
    ],
)
def test_an_interpreter_carries_its_script_or_module(comm: str, command: str | list[str], expected: str) -> None:
    assert name(comm, command) == expected


@pytest.mark.parametrize(
    ("comm", "command", "expected"),
    [
        # As npm does it: the title is the first word, the rest of the space is zeros.
        ("npm install @hu", ["npm install @hunter2", "", ""], "npm"),
        ("npm run b", ["npm run b"], "npm"),
        ("npm i --tok=s3c", ["node", "/usr/bin/npm", "i"], "npm i"),
        ("worker -p hunte", ["/opt/worker", "-p", SECRET], "worker"),
        ("worker k=hunter", [], "worker"),
        ("Web Content", ["/usr/lib/firefox/firefox", "-contentproc"], "Web Content"),
        ("Isolated Web Co", ["/usr/lib/firefox/firefox", "-contentproc"], "Isolated Web Co"),
        ("tmux: server", ["tmux", "new", "-s", SECRET], "tmux: server"),
        ("Google Chrome", ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"], "Google Chrome"),
        ("two words", [], "two words"),
    ],
)
def test_a_title_with_arguments_is_cut_and_a_name_of_several_words_is_kept(
    comm: str, command: list[str], expected: str
) -> None:
    assert name(comm, command) == expected


@pytest.mark.parametrize(
    ("comm", "command"),
    [
        ("python3", "python3 -c hunter2"),
        ("python3", "python3 -Ic hunter2 hunter2"),
        ("python3", "python3 -m"),
        ("python3", "python3 --unknown hunter2"),
        ("python3", "python3 -"),
        ("node", "node -e hunter2"),
        ("node", "node --input-type=module --eval hunter2"),
        ("node", "node --eval=1 hunter2"),
        ("node", "node -pe hunter2 hunter2"),
        ("node", "node - hunter2"),
        ("node", "node --some-flag hunter2 server.js"),
        ("node", "node --run hunter2"),
        ("deno", "deno run -r main.ts hunter2"),
        ("deno", "deno run --env-file main.ts hunter2"),
        ("java", "java --module=app/com.example.Main hunter2"),
        ("java", "java -jar"),
        ("java", "java --source 21 hunter2"),
        ("ruby", "ruby -e hunter2"),
        ("ruby", "ruby -0ne hunter2"),
        ("ruby", "ruby -W app.rb hunter2"),
        ("perl", "perl -ne hunter2 hunter2"),
        ("perl", "perl -E hunter2"),
        ("perl", "perl -lane hunter2 hunter2"),
        ("perl", "perl -0777ne hunter2"),
        ("perl", "perl -l012 -ne hunter2"),
        ("perl", "perl -T report.pl hunter2"),
        ("perl", "perl -wT report.pl hunter2"),
        ("perl", "perl -i report.pl hunter2"),
        ("perl", "perl -C report.pl hunter2"),
        ("php", "php -r hunter2"),
        ("php", "php --run hunter2"),
        ("php", "php --run=1 hunter2"),
        ("php", "php -- hunter2"),
        ("php", "php -S localhost:80 -t hunter2"),
        ("bash", "bash -c hunter2"),
        ("bash", "bash -xec hunter2"),
        ("bash", "bash --login -c hunter2"),
        ("bash", "bash -s hunter2"),
        ("bash", "bash -s -- hunter2"),
        ("bash", "bash -o pipefail -c hunter2"),
        ("bash", "bash /dev/fd/63 hunter2"),
        ("bash", "bash --rcfile hunter2 -i"),
        ("julia", "julia -p hunter2 model.jl"),
        ("lua", "lua -l hunter2 app.lua"),
        ("lua", "lua -e hunter2"),
        ("MainThread", ["myapp --password=hunter2"]),
        ("MainThread", ["myapp hunter2 /hunter2"]),
        ("a-cut-name-of-15", "/bin/something hunter2"),
        ("curl", "curl -u ann:hunter2 https://example.com"),
        ("mysql", "mysql -phunter2"),
    ],
)
def test_what_may_be_a_secret_is_never_shown(comm: str, command: str | list[str]) -> None:
    assert SECRET not in name(comm, command)


@pytest.mark.parametrize(
    ("comm", "command", "expected"),
    [
        ("gnome-terminal-", "/usr/libexec/gnome-terminal-server", "gnome-terminal-server"),
        (
            "unattended-upgr",
            "/usr/bin/python3 /usr/bin/unattended-upgrade-shutdown --wait",
            "unattended-upgrade-shutdown",
        ),
        ("system-monitori", "/usr/bin/python3 -Es /usr/sbin/system-monitoring hunter2", "system-monitoring"),
        ("exactly15letter", "/usr/bin/exactly15letter", "exactly15letter"),
        ("gnome-terminal-", "/usr/bin/other hunter2", "gnome-terminal-"),
        ("gnome-terminal-", [], "gnome-terminal-"),
        ("gnome-terminal-", [f"gnome-terminal-{LONG}"], "gnome-terminal-"),
        ("gnome-terminal-", ["gnome-terminal-x hunter2"], "gnome-terminal-"),
        ("short", "/usr/bin/short-but-longer", "short"),
        # The kernel truncates at 15 bytes, not characters: this name is left with 12 characters.
        ("übermäßigXYZ", "/usr/bin/übermäßigXYZaber", "übermäßigXYZaber"),
    ],
)
def test_a_name_truncated_by_the_kernel_is_completed(comm: str, command: str | list[str], expected: str) -> None:
    assert name(comm, command) == expected


@pytest.mark.parametrize(
    ("comm", "command", "expected"),
    [
        ("MainThread", "/usr/bin/python3 /srv/worker.py hunter2", "python3 worker.py"),
        ("node-MainThread", "/usr/bin/node /srv/server.js", "node server.js"),
        ("MainThread", "/opt/myapp/bin/myapp --serve", "myapp"),
        ("MainThread", [], "MainThread"),
        ("MainThread", [LONG], "MainThread"),
    ],
)
def test_a_thread_name_of_the_main_thread_is_replaced_by_the_program_name(
    comm: str, command: str | list[str], expected: str
) -> None:
    assert name(comm, command) == expected


@pytest.mark.parametrize("comm", ["a\nb", "a\x1b[2Jb", "a\u202eb", "a\tb", "a\udc80b"])
def test_every_name_is_printable(comm: str) -> None:
    shown = name(comm, [])
    assert shown.isprintable()
    shown.encode()  # a lone surrogate could not be encoded


def test_the_command_line_is_not_even_read_if_the_name_says_enough() -> None:
    """Reading it costs one file per process; most names do not need it."""

    def command() -> list[str]:
        raise AssertionError("read")

    assert display_name("nginx", command) == "nginx"
