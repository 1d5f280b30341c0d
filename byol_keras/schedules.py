"""The learning rate and the target's decay, as pure functions of the step."""

import math

import keras
from keras import ops


def cosine_tau(
    step: int | keras.KerasTensor, total_steps: int | keras.KerasTensor, base: float | keras.KerasTensor
) -> keras.KerasTensor:
    """tau_k = 1 - (1 - base) * (1 + cos(pi * k / K)) / 2, rising from `base` to 1 (Grill et al. 2020, section 3.3).

    tau is the share of the target that is kept: target <- tau * target + (1 - tau) * online. Some texts write the
    mirror image, with t = 1 - tau.

    Args:
        step: k, the 0-based index of the optimizer update; a number or a tensor. Past K this is 1.
        total_steps: K, how many updates training has in all; 0 counts as 1.
        base: tau at the first update, from 0 to 1.

    Returns:
        () float32 tensor.

    Example:
        curve = [float(bk.schedules.cosine_tau(step, 1000, base=0.97)) for step in range(1000)]
    """
    progress = ops.cast(step, "float32") / ops.maximum(ops.cast(total_steps, "float32"), 1.0)
    progress = ops.minimum(progress, 1.0)
    return 1.0 - (1.0 - base) * (1.0 + ops.cos(math.pi * progress)) / 2.0


def warmup_cosine(
    base: float, batch_size: int, total_steps: int, warmup_steps: int = 0
) -> keras.optimizers.schedules.LearningRateSchedule:
    """The authors' schedule: linear warm-up from 0 to base * batch_size / 256, then cosine to 0.

    For step t < W: peak * t / W, then peak * (1 + cos(pi * (t - W) / (K - W))) / 2.

    With `gradient_accumulation_steps` Keras evaluates a schedule at micro-batches, not at updates: count
    `total_steps` and `warmup_steps` in micro-batches there.

    Args:
        base: learning rate for a batch of 256.
        batch_size: images in one update, over all replicas.
        total_steps: K, updates in all.
        warmup_steps: W, updates of warm-up; 0 for none.

    Returns:
        A `keras.optimizers.schedules.CosineDecay`.

    Raises:
        ValueError: unless 0 <= warmup_steps < total_steps.

    Example:
        rate = bk.schedules.warmup_cosine(0.45, batch_size=256, total_steps=4000, warmup_steps=400)
        model.compile(optimizer=bk.LARS(rate, weight_decay=1e-6))
    """
    if not 0 <= warmup_steps < total_steps:
        raise ValueError(
            "The warm-up must be shorter than training. "
            f"Received: warmup_steps={warmup_steps}, total_steps={total_steps}"
        )
    peak = base * batch_size / 256
    if warmup_steps == 0:
        return keras.optimizers.schedules.CosineDecay(peak, decay_steps=total_steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=total_steps - warmup_steps, warmup_target=peak, warmup_steps=warmup_steps
    )
