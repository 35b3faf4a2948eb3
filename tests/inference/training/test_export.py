import zlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")
pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from blockout.inference import embedded
from blockout.inference.training.export import fold, round_to_halves, write_onnx
from blockout.inference.training.network import CHANNELS, SceneNetwork


@pytest.fixture(scope="module")
def network() -> SceneNetwork:
    torch.manual_seed(1)
    network = SceneNetwork()
    for _ in range(3):  # so that normalisation is not the identity
        network(torch.rand(2, 3, 64, 64))
    return network.eval()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's, of the exporter that needs no more libraries
@pytest.mark.parametrize("size", [(64, 96), (128, 64)])
def test_onnx_runtime_gives_what_torch_gives(network: SceneNetwork, tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "network.onnx"
    write_onnx(network, path, {"version": "7"})
    session = onnxruntime.InferenceSession(path)
    rgb = torch.rand(1, 3, *size)
    with torch.no_grad():
        expected = round_to_halves(network)(rgb)
    for value, torchs in zip(session.run(["maps", "camera"], {"rgb": rgb.numpy()}), expected, strict=True):
        assert abs(value - torchs.numpy()).max() < 1e-3
    assert session.get_modelmeta().custom_metadata_map["version"] == "7"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fewer_bits_make_a_smaller_file_that_says_nearly_the_same(network: SceneNetwork, tmp_path: Path) -> None:
    rgb, said, sizes = torch.rand(1, 3, 64, 96), [], []
    for bits in (16, 8, 6):
        path = tmp_path / f"{bits}.onnx"
        write_onnx(network, path, bits=bits)
        said.append(onnxruntime.InferenceSession(path).run(["maps"], {"rgb": rgb.numpy()})[0])
        sizes.append(len(zlib.compress(path.read_bytes())))
    assert sizes[1] < 0.7 * sizes[0] and sizes[2] < 0.8 * sizes[1]
    off = [np.abs(value - said[0]).mean() / said[0].std() for value in said[1:]]
    assert 0 < off[0] < 0.03 and off[0] < off[1] < 0.12


def test_folding_changes_nothing(network: SceneNetwork) -> None:
    rgb = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        for before, after in zip(network(rgb), fold(network)(rgb), strict=True):
            assert torch.allclose(before, after, atol=1e-3)


def test_both_sides_agree_on_the_channels() -> None:
    assert embedded.CHANNELS == CHANNELS
