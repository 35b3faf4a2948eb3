"""Processes that train one network together, each on its own GPU or CPU cores, as torchrun starts them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


class Team:
    """The processes of a run; one alone without torchrun.

    Attributes:
        rank: number of this one, from 0; size: how many there are.
        device: where this one works.
    """

    def __init__(self, device: str) -> None:
        self.rank, self.size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        self.device = torch.device(device)
        if self.size > 1:
            if self.device.type == "cuda":
                self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
                torch.cuda.set_device(self.device)
            if not distributed.is_initialized():
                distributed.init_process_group("nccl" if self.device.type == "cuda" else "gloo")

    @property
    def leads(self) -> bool:
        """Whether this process writes what all have made."""
        return self.rank == 0

    def share(self, network: nn.Module) -> nn.Module:
        """Return the network to train with: gradients and the statistics of batches are those of all processes."""
        if self.size == 1:
            return network
        for module in list(network.modules()):
            for name, child in module.named_children():
                if type(child) is nn.BatchNorm2d:
                    setattr(module, name, _share_statistics(child))
        return DistributedDataParallel(network)

    def mean(self, parts: Mapping[str, float]) -> dict[str, float]:
        """Return the means over all processes."""
        if self.size == 1:
            return dict(parts)
        values = torch.tensor(list(parts.values()), dtype=torch.float64, device=self.device)
        distributed.all_reduce(values)
        return dict(zip(parts, (values / self.size).tolist(), strict=True))


class TeamNorm(nn.BatchNorm2d):
    """Batch normalisation over the batches of all processes, on any device; torch's own works on GPUs alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (B, C, H, W) features, normalised."""
        if not self.training:
            return super().forward(x)
        wide, size = x.float(), distributed.get_world_size()
        sums = torch.cat([wide.mean((0, 2, 3)), wide.square().mean((0, 2, 3))])
        mean, square = (_SumOverTeam.apply(sums) / size).chunk(2)
        variance = (square - mean.square()).clamp(min=0)
        count = x.numel() / x.shape[1] * size
        with torch.no_grad():
            share = self.momentum or 0.0
            self.running_mean.lerp_(mean, share)
            self.running_var.lerp_(variance * count / (count - 1), share)
            self.num_batches_tracked += 1
        gain = self.weight * torch.rsqrt(variance + self.eps)
        return (wide * gain[:, None, None] + (self.bias - mean * gain)[:, None, None]).to(x.dtype)


class _SumOverTeam(torch.autograd.Function):
    """The sum of a tensor over all processes, which all of them are blamed for."""

    @staticmethod
    def forward(_: Any, values: torch.Tensor) -> torch.Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, *gradients: torch.Tensor) -> torch.Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


def _share_statistics(layer: nn.BatchNorm2d) -> TeamNorm:
    """Return a layer with the same tensors, not copies of them."""
    shared = TeamNorm(layer.num_features, layer.eps, layer.momentum)
    shared.weight, shared.bias = layer.weight, layer.bias
    for name, value in layer.named_buffers():
        shared.register_buffer(name, value)
    return shared
