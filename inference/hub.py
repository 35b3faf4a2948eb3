"""Models of the Hugging Face hub: found in the local cache or a folder, and fetched on request only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..errors import DownloadFailed, WeightsNotFound, WeightsUnusable
from .catalogue import LICENCE_OF_MODEL, LICENCE_OF_OWNER, MODEL_ID
from .files import read_json, reason_of
from .torch_runtime import require

UNKNOWN_LICENCE = "licence unknown: ask its publisher"
_FILES = ["*.json", "*.txt", "README.md", "LICENSE*", "*.safetensors"]
_SCALARS = re.compile(r"^(license|license_name):\s*[\"']?([^\"'\n#]+)", re.MULTILINE)


def find_model(argument: str) -> Path:
    """Return the folder of a model that is on this machine; nothing is downloaded.

    Args:
        argument: a folder with config.json, or a model id such as "Intel/dpt-large".

    Raises:
        LibraryMissing: transformers is not installed.
        WeightsNotFound: no such folder, or the id is not in the local cache.
        WeightsUnusable: the folder holds no config.json.
    """
    folder = Path(argument).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise WeightsUnusable(f"{folder}: there is no config.json in this folder; give one from save_pretrained")
        return folder
    if folder.exists():
        raise WeightsUnusable(f"{folder}: this is a file, where the folder of a model is needed")
    if not MODEL_ID.fullmatch(argument):
        raise WeightsNotFound(f"{argument}: there is no such folder; give one that is there, or an id OWNER/NAME")
    require("transformers", f"the model {argument}")
    found = cached_folder(argument)
    if found is None:
        raise WeightsNotFound(
            f"{argument}: no such folder, and no model of this id is on this machine; "
            f"blockout models fetch {argument} downloads it"
        )
    return found


def cached_folder(model_id: str) -> Path | None:
    """Return the folder of a model id in the local cache, None where it is not there or huggingface_hub is not."""
    try:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError
    except ImportError:
        return None
    try:
        config = try_to_load_from_cache(model_id, "config.json")
    except HFValidationError:
        return None
    return Path(config).parent if isinstance(config, str) else None


def fetch(model_id: str) -> Path:
    """Download a model into the local cache, and return its folder.

    Raises:
        LibraryMissing: transformers is not installed.
        DownloadFailed: the hub cannot be reached, or has no such model.
    """
    require("transformers", f"blockout models fetch {model_id}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        folder = Path(snapshot_download(model_id, allow_patterns=_FILES))
        if not any(folder.glob("*.safetensors")):
            folder = Path(snapshot_download(model_id, allow_patterns=[*_FILES, "*.bin"]))
    except HFValidationError:
        raise DownloadFailed(f"{model_id!r} is not the id of a model; it has the form OWNER/NAME") from None
    except (HfHubHTTPError, OSError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0].removeprefix("Got: ").rstrip(".")
        raise DownloadFailed(f"{model_id}: it could not be fetched ({reason}); check the id and the network") from error
    return folder


def read_config(folder: Path) -> dict[str, Any]:
    """Return a model's config.json.

    Raises:
        WeightsUnusable: it is not readable, or does not say what kind of model it is.
    """
    config = read_json(folder / "config.json", WeightsUnusable)
    if not isinstance(config.get("model_type"), str):
        raise WeightsUnusable(f"{folder / 'config.json'}: model_type is missing; this is no model of transformers")
    return config


def read_licence(folder: Path, argument: str) -> str:
    """Return the licence of a model's weights: what is known of its id, else what its README says."""
    if argument in LICENCE_OF_MODEL:
        return LICENCE_OF_MODEL[argument]
    card = folder / "README.md"
    if card.is_file():
        head = card.read_text("utf-8", "replace").split("\n---", 1)[0]
        found = {key: value.strip() for key, value in _SCALARS.findall(head)}
        named = found.get("license_name") or found.get("license", "other")
        if named != "other":
            return named
    by_owner = (licence for prefix, licence in LICENCE_OF_OWNER.items() if argument.startswith(prefix))
    return next(by_owner, UNKNOWN_LICENCE)


def read_version(folder: Path) -> str:
    """Return what tells one version of a model's weights from another: the commit that the cache names, or nothing."""
    return folder.name[:12] if re.fullmatch(r"[0-9a-f]{40}", folder.name) else ""


def load_network(folder: Path, auto_class: str, wanted: str) -> Any:
    """Return a model in evaluation mode, on the processor, in float32.

    Args:
        folder: of ``find_model``.
        auto_class: the name of transformers' class, such as "AutoModelForDepthEstimation".
        wanted: what the model has to do, for the sentence.

    Raises:
        WeightsUnusable: another kind of model, or files that are damaged or missing.
    """
    transformers = require("transformers", f"the model {folder.name}")
    import torch

    _be_quiet(transformers)
    try:
        network, info = getattr(transformers, auto_class).from_pretrained(
            folder,
            local_files_only=True,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are told below, by name
        )
    except ValueError as error:
        if "Unrecognized" in str(error):
            kind = read_config(folder)["model_type"]
            raise WeightsUnusable(f"{folder}: a model of type {kind} does no {wanted}; give one that does") from error
        raise WeightsUnusable(f"{folder}: the model does not load ({_short(error)}); fetch it again") from error
    except ImportError as error:
        raise WeightsUnusable(f"{folder}: the model needs another library ({_short(error)})") from error
    except Exception as error:  # safetensors raises a class of its own, and configurations whatever they like
        raise WeightsUnusable(f"{folder}: the model does not load ({_short(error)}); fetch it again") from error
    _require_all_weights(folder, info)
    return network.eval()


def _require_all_weights(folder: Path, info: dict[str, Any]) -> None:
    mismatched = sorted(str(key[0]) if isinstance(key, tuple) else str(key) for key in info["mismatched_keys"])
    if mismatched:
        raise WeightsUnusable(
            f"{folder}: the weights {mismatched[0]} have another shape than config.json says; fetch the model again"
        )
    missing = sorted(info["missing_keys"])
    if missing:
        raise WeightsUnusable(
            f"{folder}: {len(missing)} of the model's weights are missing, {missing[0]} among them; fetch it again"
        )


def _short(error: BaseException) -> str:
    text = reason_of(error)
    return text if len(text) < 160 else text[:157] + "..."


def _be_quiet(transformers: Any) -> None:
    """Keep transformers' log and bars off the terminal: what matters is told in our words."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
