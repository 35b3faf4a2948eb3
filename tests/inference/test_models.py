import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from blockout.cli import main
from blockout.inference.catalogue import ENTRIES
from blockout.inference.hub import UNKNOWN_LICENCE, read_licence
from blockout.inference.registry import loaders_of, networks_of
from networks import save_network

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CLOSED = "http://127.0.0.1:9"


def test_the_list_and_the_tables_hold_the_same_names() -> None:
    for task in ("depth", "segments"):
        listed = {entry.name for entry in ENTRIES if task in entry.task}
        assert listed == {*loaders_of(task), *networks_of(task)}


def test_the_list_tells_task_size_licence_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("depth-anything-v2"))
    for word in ("depth", "99 MB", "Apache-2.0", "depth-anything/Depth-Anything-V2-Small-hf"):
        assert word in row
    assert main(["models", "--json"]) == 0
    table = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert table["geometric"]["present"] is True
    assert table["onnx"]["present"] is None


def test_speed_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = save_network("segformer", tmp_path / "net")
    assert main(["models", "--time", f"segformer:{folder}", f"dpt:{folder}", "--device", "cpu", "--json"]) == 0
    fast, wrong = json.loads(capsys.readouterr().out)
    assert 0 < fast["seconds"] < 60
    assert 50 < fast["peak_memory_mb"]["process"] < 8000
    assert wrong["seconds"] is None
    assert "needs dpt" in wrong["problem"]


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: mit\ntags:\n- vision\n---\n# A\nlicense: gpl\n", "mit"),
        ("---\nlicense: other\nlicense_name: apple-amlr\n---\n", "apple-amlr"),
        ("---\nlicense: other\n---\n", UNKNOWN_LICENCE),
        ("no head\n", UNKNOWN_LICENCE),
    ],
)
def test_a_licence_is_what_the_card_says(card: str, licence: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(card)
    assert read_licence(tmp_path, "me/mine") == licence


def test_known_licences_go_before_cards(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: other\n---\n")
    assert read_licence(tmp_path, "facebook/mask2former-swin-large-ade-semantic") == "CC-BY-NC-4.0"
    assert "non-commercial" in read_licence(tmp_path, "nvidia/segformer-b5-finetuned-cityscapes-1024-1024")


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as a download needs: one model, tiny/segformer, from a folder."""

    folder = Path()
    asked: list[str] = []  # noqa: RUF012

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        self.asked.append(self.path)
        name = self.path.split("?")[0].rpartition("/")[2]
        file = self.folder / name
        if self.path.startswith("/api/models/tiny/segformer/revision/"):
            siblings = [{"rfilename": path.name} for path in self.folder.iterdir()]
            body = json.dumps({"id": "tiny/segformer", "sha": COMMIT, "siblings": siblings}).encode()
        elif self.path.startswith("/api/models/tiny/segformer/tree/"):
            tree = [
                {"type": "file", "path": p.name, "size": p.stat().st_size, "oid": p.name} for p in self.folder.iterdir()
            ]
            body = json.dumps(tree).encode()
        elif self.path.startswith("/tiny/segformer/resolve/") and file.is_file():
            body = file.read_bytes()
        else:
            self.send_error(404)
            return
        self.send_response(200)
        for key, value in (("ETag", f'"{name}"'), ("X-Repo-Commit", COMMIT), ("Content-Length", str(len(body)))):
            self.send_header(key, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    """Return the address of a hub that holds one tiny model."""
    Hub.folder = save_network("segformer", tmp_path / "published")
    (Hub.folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    Hub.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(home: Path, endpoint: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-m", "blockout", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def test_a_fetched_model_is_used_without_the_network(hub: str, tmp_path: Path, room: Path) -> None:
    home, stage = tmp_path / "home", tmp_path / "a.usd"
    build = ["build", room / "room.png", "--depth", room / "depth.npy", "--segments", "tiny/segformer", "-o", stage]
    refused = run(home, hub, *build)
    assert refused.returncode == 1
    assert "blockout models fetch tiny/segformer" in refused.stderr
    assert not Hub.asked  # nothing was asked of the network
    fetched = run(home, hub, "models", "fetch", "tiny/segformer")
    assert fetched.returncode == 0, fetched.stderr
    built = run(home, CLOSED, *build)
    assert built.returncode == 0, built.stderr
    assert f"tiny/segformer@{COMMIT[:12]}" in built.stdout
    assert built.stdout.count("for non-commercial use only") == 1
    listed = json.loads(run(home, CLOSED, "models", "--json").stdout)
    assert [row["licence"] for row in listed if row["name"] == "tiny/segformer" and row["present"]] == ["cc-by-nc-4.0"]


@pytest.mark.parametrize("model_id", ["tiny/other", "not an id"])
def test_what_cannot_be_fetched_is_one_sentence(model_id: str, hub: str, tmp_path: Path) -> None:
    refused = run(tmp_path / "home", hub, "models", "fetch", model_id)
    assert refused.returncode == 1
    assert refused.stderr.startswith("blockout: ")
    assert refused.stderr.count("\n") == 1
    assert model_id in refused.stderr
