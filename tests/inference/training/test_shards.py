import io
import tarfile
from pathlib import Path

from blockout.inference.training.shards import ShardWriter, read_shard


def test_bytes_are_those_that_the_library_writes(tmp_path: Path) -> None:
    members = {"overlay.jpg": b"a" * 1000, "mask.png": b"", "json": b"{}" * 256}
    with ShardWriter(tmp_path / "a.tar", "json", 2) as shard:
        for key in ("000000000", "000000001"):
            shard.write(key, members)
        shard.finish()
    buffer = io.BytesIO()
    for key in ("000000000", "000000001"):
        for suffix, content in members.items():
            entry = tarfile.TarInfo(f"{key}.{suffix}")
            entry.size = len(content)
            buffer.write(entry.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512))
    assert (tmp_path / "a.tar").read_bytes() == buffer.getvalue() + bytes(1024)
    assert list(read_shard(tmp_path / "a.tar")) == [("000000000", members), ("000000001", members)]


def test_a_complete_shard_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"complete")
    with ShardWriter(tmp_path / "a.tar", "json", 7) as shard:
        assert shard.done == 7
        shard.finish()
    assert (tmp_path / "a.tar").read_bytes() == b"complete"
