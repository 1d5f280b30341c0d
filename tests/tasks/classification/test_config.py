import pytest

from byol_keras.errors import InputError
from byol_keras.tasks.classification.train import (
    BATCH_SIZE,
    EPOCHS,
    FEWEST_UPDATES,
    LEARNING_RATE,
    FinetuneConfig,
)


def test_few_images_get_updates_and_many_get_epochs():
    assert FinetuneConfig.for_images(500, True) == FinetuneConfig(LEARNING_RATE, FEWEST_UPDATES, BATCH_SIZE)
    assert FinetuneConfig.for_images(50_000, True) == FinetuneConfig(
        LEARNING_RATE, EPOCHS * (50_000 // BATCH_SIZE), BATCH_SIZE
    )


def test_fewer_images_than_a_batch_are_one_batch():
    assert FinetuneConfig.for_images(30, False) == FinetuneConfig(LEARNING_RATE, FEWEST_UPDATES, 30)


def test_steps_are_smaller_for_few_images_after_pretraining():
    assert FinetuneConfig.for_images(100, True).learning_rate == pytest.approx(LEARNING_RATE / 25)
    assert FinetuneConfig.for_images(100, False).learning_rate == LEARNING_RATE
    assert FinetuneConfig.for_images(100, True, learning_rate=0.3).learning_rate == 0.3


def test_what_is_given_holds():
    assert FinetuneConfig.for_images(500, True, epochs=3, learning_rate=0.5, batch_size=100) == FinetuneConfig(
        0.5, 15, 100
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epochs": 0}, "epochs must be a whole number from 1"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"learning_rate": float("inf")}, "learning_rate must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0"),
        ({"batch_size": 1}, "from 2 to the number of training images, here 20"),
        ({"batch_size": 21}, "from 2 to the number of training images, here 20"),
    ],
)
def test_numbers_out_of_range(given, said):
    with pytest.raises(InputError, match=said):
        FinetuneConfig.for_images(20, True, **given)
