"""A folder of .wav files, or single ones, as a source: each recording is an image, its log-mel spectrogram."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import tensorflow as tf

from ..errors import InputError
from ..models.log_mel import HOP, MEL_BANDS, LogMel, hop_length
from ..utils.extras import require_extra
from ..utils.memory import require_memory
from ..utils.progress import Shown, print_beside, progress
from ..utils.texts import Texts
from .broken import refuse_mostly_broken
from .decode import reason_of
from .file_names import file_names
from .folder import first_folder_labels
from .images import ImageSource
from .validate import MEMORY_BUDGET
from .wav import read_wav, wav_length

SUFFIXES = (".wav",)
# Above it a folder's recordings are resampled: speech, and most of what else is told apart, is below 8,000 Hz.
HIGHEST_RATE = 16_000
# Of a longer recording its middle is held.
SECONDS = 10
# Frames around a recording that still hear some of it: half of a window is 3.2 of them.
EDGE = 3
# Columns of a spectrogram: what an encoder hears at once, and what is held at most. Both even, so that the middle of
# a recording stays where it is, whatever else lies in its folder.
FEWEST_FRAMES, MOST_FRAMES = 96, round(SECONDS / HOP)


def from_recordings(
    folder: str | os.PathLike, memory_budget: int = MEMORY_BUDGET, sample_rate: int | None = None
) -> ImageSource:
    """The .wav files below a folder, at any depth, sorted by path; labels as for `from_folder`.

    A recording is the log-mel spectrogram of its channels' mean, see `LogMel`, of its middle SECONDS at most. What
    cannot be read, is cut off or holds no sound is excluded and named in `broken`.

    Args:
        folder: path.
        memory_budget: int, bytes of spectrograms to hold; of long recordings less is held, 0.96 s at least.
        sample_rate: of all of them: those with another are resampled, which is said. None for the commonest one, at
            most HIGHEST_RATE.

    Returns:
        ImageSource with `images` (N, 64, T, 1) uint16, `paths` and `sample_rate`. In `images` each recording lies in
        the middle of silence; in `sizes` is its own length.

    Raises:
        InputError: when the folder is missing or holds no recording, or too many that cannot be read (`check_all` has
            the rule); without soundfile and soxr.
    """
    root = os.path.abspath(folder)
    if not os.path.isdir(root):
        raise InputError(f"No such folder: {folder}")
    names = Texts.of(file_names(root, SUFFIXES))
    if not names:
        raise InputError(f"No recordings in {folder}: looked at any depth for files ending in {', '.join(SUFFIXES)}")
    source, broken = from_wavs(names.prefixed(os.path.join(root, "")), names, folder, memory_budget, sample_rate)
    refuse_mostly_broken(folder, broken, len(names), "recordings cannot be read")
    labels, class_names = first_folder_labels(names)
    labels = labels[names.places(source.names)]
    if (labels < 0).any():
        labels = class_names = None
    return replace(source, labels=labels, class_names=class_names)


def from_wavs(
    paths: Sequence[str],
    names: Sequence[str],
    where: str | os.PathLike,
    memory_budget: int = MEMORY_BUDGET,
    sample_rate: int | None = None,
    shown: Shown = progress,
) -> tuple[ImageSource | None, tuple[tuple[str, str], ...]]:
    """Some .wav files as spectrograms, without labels; those that cannot be read are excluded.

    Args:
        paths: N absolute paths.
        names: N texts.
        where: names them all while they are read.
        memory_budget, sample_rate: as for `from_recordings`.
        shown: shows how far it is, as for `check_each`.

    Returns:
        ImageSource, or None where not one can be read; and (name, reason) of each that was excluded.
    """
    require_extra("Reading recordings", "soundfile", "soxr")
    lengths = [_reasoned(_length, path) for path in paths]
    known = [length for length, _ in lengths if length is not None]
    if not known:
        return None, _broken(names, lengths)
    rate = min(HIGHEST_RATE, _commonest(known)) if sample_rate is None else sample_rate
    images = _room(known, rate, len(paths), memory_budget, where)
    spectrogram, sizes = _spectrogram(rate), np.full((len(paths), 2), MEL_BANDS, np.int32)

    def read(index):
        length, reason = lengths[index]
        if length is None:
            return None, reason
        columns, reason = _reasoned(spectrogram, paths[index])
        if columns is None:
            return None, reason
        sizes[index, 1] = columns.shape[1] - 2 * EDGE
        _lay(columns, images[index, ..., 0])
        return length, None

    with ThreadPoolExecutor() as pool:
        found = [*shown(pool.map(read, range(len(paths))), len(paths), f"Listening to {where}")]
    valid = np.array([index for index, (length, _) in enumerate(found) if length is not None], np.int64)
    if not len(valid):
        return None, _broken(names, found)
    _say([length for length, _ in found if length is not None], rate, images.shape[2], where)
    source = ImageSource(
        names=Texts.of(names)[valid],
        sizes=sizes[valid],
        images=images if len(valid) == len(images) else images[valid],
        paths=Texts.of(paths)[valid],
        broken=_broken(names, found),
        sample_rate=rate,
    )
    return source, source.broken


def with_rate(source: ImageSource, sample_rate: int) -> ImageSource:
    """The same recordings at another sample rate: read anew, in their order.

    Args:
        source: of recordings.
        sample_rate: samples per second.

    Raises:
        InputError: where files have been lost since the source was opened.
    """
    if source.sample_rate == sample_rate:
        return source
    again, broken = from_wavs(source.paths, source.names, "the recordings", source.images.nbytes, sample_rate)
    if broken:
        raise InputError(f"{len(broken):,} recordings can no longer be read: {broken[0][0]} ({broken[0][1]})")
    return replace(again, labels=source.labels, class_names=source.class_names, broken=source.broken)


def samples_of(source: ImageSource, count: int) -> np.ndarray:
    """The middle of each recording as samples, for what hears them itself.

    Args:
        source: of recordings, N of them.
        count: int, of samples at the source's rate; a shorter recording lies in the middle of zeros.

    Returns:
        (N, count) float32 in [-1, 1].
    """
    rows = np.zeros((len(source), count), np.float32)
    for row, path in zip(rows, source.paths, strict=True):
        samples = _at_rate(path, source.sample_rate)
        first, start = max(0, (len(samples) - count) // 2), max(0, (count - len(samples)) // 2)
        part = samples[first : first + count]
        row[start : start + len(part)] = np.clip(part, -1, 1)
    return rows


def _at_rate(path, rate):
    """The samples of a file's middle, at `rate`."""
    import soxr

    sound = read_wav(path, SECONDS)
    return sound.samples if sound.sample_rate == rate else soxr.resample(sound.samples, sound.sample_rate, rate)


def _length(path):
    str(path).encode()  # Names go into files that are UTF-8.
    return wav_length(path)


def _reasoned(function: Callable, path: str):
    """What a function of a file gives, and None; or None and why it cannot."""
    try:
        return function(path), None
    except (OSError, ValueError, MemoryError) as error:
        return None, reason_of(error)


def _broken(names, found):
    return tuple((names[index], reason) for index, (_, reason) in enumerate(found) if reason is not None)


def _commonest(lengths):
    """The commonest sample rate; the higher one of two."""
    return max(Counter(rate for _, rate in lengths).items(), key=lambda item: item[::-1])[0]


def _room(lengths, rate, count, memory_budget, where):
    """An empty array for all spectrograms, as long as the longest one where that may be held."""
    longest = max(frames / own for frames, own in lengths)
    wanted = min(MOST_FRAMES, int(longest * rate / hop_length(rate)) + 2)
    frames = max(FEWEST_FRAMES, min(wanted, memory_budget // (2 * MEL_BANDS * count)))
    shape = (count, MEL_BANDS, frames + frames % 2, 1)
    require_memory(2 * int(np.prod(shape)), f"{where}: spectrograms of {count:,} recordings", "give fewer recordings.")
    return np.zeros(shape, np.uint16)


def _spectrogram(rate):
    """A function: path -> (64, frames + 2 EDGE) uint16, of the middle of a .wav file at `rate`, between silence."""
    layer = LogMel(rate)
    layer.build((None, None))
    compiled = tf.function(layer, input_signature=[tf.TensorSpec((1, None))], autograph=False)
    compiled = compiled.get_concrete_function()  # once, before the threads

    def spectrogram(path):
        samples = _at_rate(path, rate)
        samples = np.pad(samples, (EDGE * layer.hop, EDGE * layer.hop + -len(samples) % layer.hop))
        return np.rint(65535 * compiled(samples[None])[0, ..., 0].numpy()).astype(np.uint16)

    return spectrogram


def _lay(columns, target):
    """Lays a spectrogram in the middle of an empty one (64, T), T even; what reaches beyond is cut."""
    start = target.shape[1] // 2 - (columns.shape[1] - 2 * EDGE + 1) // 2 - EDGE
    before, inside = max(0, -start), max(0, start)
    part = columns[:, before : before + target.shape[1] - inside]
    target[:, inside : inside + part.shape[1]] = part


def _say(lengths, rate, frames, where):
    """Says how many recordings were resampled, and how many are not held whole."""
    others = Counter(own for _, own in lengths if own != rate)
    if others:
        of = ", ".join(f"{count:,} of {own:,} Hz" for own, count in sorted(others.items()))
        print_beside(
            f"{where}: {sum(others.values()):,} of {len(lengths):,} recordings are resampled to {rate:,} Hz: {of}"
        )
    seconds = frames * hop_length(rate) / rate
    if longer := sum(count / own > seconds + HOP for count, own in lengths):
        print_beside(
            f"{where}: {longer:,} of {len(lengths):,} recordings are longer than {seconds:.3g} s: their middle is used."
        )
