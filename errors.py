"""Everything that can go wrong for a user: the table of contents.

Each message is one sentence with what happened, the value met and the next step. cli.py turns an error into its
exit code (1 data, 2 usage, 130 interrupted); nothing below it catches a ``BlockoutError``.
"""


class BlockoutError(Exception):
    """Any failure that a user can reach; 1 is the exit code of bad data."""

    exit_code = 1


class UsageError(BlockoutError):
    """An option or a combination of options that makes no sense."""

    exit_code = 2


class UnknownEstimator(UsageError):
    """A name that no estimator has, and that is no file either."""


class PhotoNotFound(BlockoutError):
    """The photo's path does not lead to a file."""


class PhotoUnreadable(BlockoutError):
    """The photo is empty, truncated, not a picture, or may not be read."""


class PhotoSizeUnusable(BlockoutError):
    """The photo has too few pixels to build from, or too many."""


class MapNotFound(BlockoutError):
    """The path of a depth or segment map does not lead to a file."""


class MapUnreadable(BlockoutError):
    """A depth or segment map is not in a format that is read here."""


class MapAspectMismatch(BlockoutError):
    """A map's aspect ratio is not the photo's."""


class PlateUnusable(BlockoutError):
    """A clean plate is not the photo's view without its foreground."""


class DepthUnusable(BlockoutError):
    """A depth map has no finite positive value."""


class SegmentsUnusable(BlockoutError):
    """A segment map names no pixel."""


class MaterialUnusable(BlockoutError):
    """A folder or picture that a data set was to be made of cannot serve."""


class DatasetUnusable(BlockoutError):
    """A folder is no data set, or one with members that are broken, missing or do not belong together."""


class RateNotFound(BlockoutError):
    """A range test saw no learning rate at which the loss falls."""


class WorkerLost(BlockoutError):
    """A worker's process ended before its work was done."""


class CameraInvalid(BlockoutError):
    """A camera file or option does not describe a camera that could have taken the photo."""


class ScaleReferenceUnknown(BlockoutError):
    """The label of a scale reference is on no segment."""


class NothingToBuild(BlockoutError):
    """No segment of the photo gives a solid."""


class LibraryMissing(BlockoutError):
    """An estimator needs a library that is not installed."""


class WeightsNotFound(BlockoutError):
    """A network's weights are neither a file or folder that is there nor in the local cache."""


class WeightsUnusable(BlockoutError):
    """A network's files are damaged, incomplete, or those of another kind of network."""


class DownloadFailed(BlockoutError):
    """Weights could not be fetched."""


class DeviceUnusable(UsageError):
    """The computing device that was asked for is not there."""


class MemoryExhausted(BlockoutError):
    """A network does not fit into memory even at its smallest size."""


class EstimateUnusable(BlockoutError):
    """A network's output is not finite, or not what its description says."""


class OutputExists(BlockoutError):
    """A file would be overwritten and --overwrite was not given."""


class OutputUnwritable(BlockoutError):
    """The output's folder is missing, read-only or full."""


class WorkerFailed(BlockoutError):
    """The process that works for the Blender add-on could not start, or ended before its time."""


class Cancelled(BlockoutError):
    """The user interrupted; nothing was left behind."""

    exit_code = 130


class TrainingConfigInvalid(UsageError):
    """A training configuration has an unknown key or a value that makes no sense."""


class CheckpointUnusable(BlockoutError):
    """A checkpoint or a network file is missing, damaged, or of another task."""
