from pathlib import Path

import pytest

from autocls.probe import Bench, Cost, cost
from autocls.tricks.attention import SqueezeExcite
from autocls.tricks.distillation import Teacher
from autocls.tricks.evaluation import Mirror, Shifts
from autocls.tricks.norm import Batch
from autocls.tricks.structure import Stride


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


def test_parameters_are_counted_and_memory_is_what_autograd_keeps(bench: Bench):
    norm = cost("norm", Batch(), bench)
    assert norm is not None
    assert norm.parameters == 2 * (6 + 16), "a scale and a shift for each map of LeNet's convolutions"
    assert norm.memory > 1.1
    stride = cost("downsample", Stride(), bench)
    assert stride is not None
    assert stride.parameters == (6 * 6 * 4 + 6) + (16 * 16 * 4 + 16)


def test_views_make_answers_longer_and_steps_not(bench: Bench):
    mirror, shifts = cost("tta", Mirror(), bench), cost("tta", Shifts(), bench)
    assert mirror is not None
    assert shifts is not None
    assert 1.3 < mirror.answer < shifts.answer
    assert (mirror.parameters, mirror.memory) == (0, 1)


def test_a_trick_is_measured_where_it_has_a_place(bench: Bench):
    excite = cost("attention", SqueezeExcite(), bench)
    assert excite is not None
    assert excite.architecture == "lenet"


def test_a_teacher_of_other_data_is_stood_for(bench: Bench, tmp_path: Path):
    assert cost("distill", Teacher(folder=str(tmp_path)), bench) is not None


def test_a_cost_is_read_as_a_sentence():
    assert str(Cost("lenet", 1.234, 1.0, 2.0, -100)) == (
        "a training step takes 1.2 × the time and 2 × the memory, an answer 1 × the time, -100 parameters "
        "(here, one thread, lenet at 32 pixels, 24 images)"
    )
