"""Time and peak memory of the published networks with random weights, beside the structure of their originals.

The original's structure is the same network as the originals run it: plain float32, normalisation as a layer of its
own, channels first. Of transformers' models that is the model as its library builds it; here those of
depth are laid out for convolutions. Each figure comes from a process of its own. Run as ``python
benchmarks/network_speed.py [--runs 5] [NAME ...]``.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

SIZES = {  # height and width, px, and the number of pictures
    "depth-anything-v2 small": (518, 518, 1),
    "segformer-b0": (512, 512, 1),
    "deeplab-cocostuff": (513, 513, 1),
    "monodepth vgg": (256, 512, 2),
    "monodepth resnet50": (256, 512, 2),
    "densedepth": (480, 640, 2),
    "mask-rcnn": (800, 1067, 1),
}
HUB = ("depth-anything-v2 small", "segformer-b0")


def main() -> None:
    """Print a row for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SIZES)} (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="the least time of so many runs counts")
    parser.add_argument("--only", nargs=2, metavar=("NAME", "STRUCTURE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(*measure(arguments.only[0], arguments.only[1] == "original", arguments.runs))
        return
    print("| network | px | original's structure, s | here, s | original's, peak MB | here, peak MB |")
    print("|---|---|---|---|---|---|")
    for name in arguments.names or SIZES:
        height, width, count = SIZES[name]
        figures = []
        for structure in ("original", "here"):
            command = [sys.executable, __file__, "--only", name, structure, "--runs", str(arguments.runs)]
            figures.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
        (original_s, original_mb), (here_s, here_mb) = figures
        size = f"{height} x {width}" + (f" x {count}" if count > 1 else "")
        print(f"| {name} | {size} | {original_s} | {here_s} | {original_mb} | {here_mb} |", flush=True)


def measure(name: str, as_original: bool, runs: int) -> tuple[str, str]:
    """Return the least seconds and the process's peak memory in MB."""
    import torch
    from blockout.inference.networks import densedepth, mask_rcnn
    from blockout.inference.networks.deeplab import DeepLab
    from blockout.inference.networks.monodepth import Monodepth, ResnetEncoder, VggEncoder
    from blockout.inference.networks.weights import fold_norms

    torch.manual_seed(0)
    makers: dict[str, Callable[[], torch.nn.Module]] = {
        "deeplab-cocostuff": DeepLab,
        "monodepth vgg": lambda: Monodepth(VggEncoder()),
        "monodepth resnet50": lambda: Monodepth(ResnetEncoder()),
        "densedepth": lambda: densedepth.DenseDepth(densedepth.Layout()),
        "mask-rcnn": mask_rcnn.MaskRCNN,
        "depth-anything-v2 small": make_depth_anything,
        "segformer-b0": make_segformer,
    }
    height, width, count = SIZES[name]
    network = makers[name]().eval().requires_grad_(False)
    pictures = torch.rand(count, 3, height, width)
    if not as_original and name != "segformer-b0":
        network = network if name in HUB else fold_norms(network)
        network = network.to(memory_format=torch.channels_last)
        pictures = pictures.contiguous(memory_format=torch.channels_last)
    more: tuple[object, ...] = ()
    if name == "mask-rcnn":
        pictures, more = (pictures[0] * 255).to(torch.uint8), (mask_rcnn.Limits(),)
    seconds = []
    with torch.inference_mode():
        for _ in range(runs):
            start = time.perf_counter()
            network(pictures, *more)
            seconds.append(time.perf_counter() - start)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{min(seconds):.2f}", f"{peak_mb:.0f}"


def make_depth_anything() -> Any:
    """Return Depth Anything V2 at the size of the published small model, ViT-S/14."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    backbone = Dinov2Config(
        hidden_size=384,
        num_attention_heads=6,
        image_size=518,
        patch_size=14,
        out_indices=[3, 6, 9, 12],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=384,
        neck_hidden_sizes=[48, 96, 192, 384],
        fusion_hidden_size=64,
    )
    return DepthAnythingForDepthEstimation(config)


def make_segformer() -> Any:
    """Return SegFormer-B0 with the 150 classes of ADE20K."""
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    return SegformerForSemanticSegmentation(SegformerConfig(num_labels=150))


if __name__ == "__main__":
    main()
