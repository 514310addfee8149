import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from autocls.deploy.gallery import KEY, Gallery, change
from autocls.deploy.nearest import Floats
from autocls.errors import BadInput

MODEL = "0" * 32


def points(n: int, d: int = 8, seed: int = 0) -> Floats:
    drawn = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture
def gallery() -> Gallery:
    return Gallery.of(points(6), ["b", "a", "b", "c", "a", "b"], MODEL, 0.1)


@pytest.fixture
def file(gallery: Gallery, tmp_path: Path) -> Path:
    gallery.save(tmp_path / "g.safetensors")
    return tmp_path / "g.safetensors"


def test_a_template_is_the_direction_of_the_mean_of_a_names_pictures(gallery: Gallery):
    assert gallery.names == ("a", "b", "c")
    assert gallery.card.names == ("a", "a", "b", "b", "b", "c")
    of_a = points(6)[[1, 4]].mean(0)
    np.testing.assert_allclose(gallery.templates[0], of_a / np.linalg.norm(of_a), atol=1e-3)
    np.testing.assert_allclose(gallery.templates[2], points(6)[3], atol=1e-3)


def test_what_is_saved_is_opened_again_as_it_was_and_memory_mapped(gallery: Gallery, file: Path):
    again = Gallery.open(file)
    assert again.card == gallery.card
    assert isinstance(again.embeddings, np.memmap)
    assert again.embeddings.dtype == again.templates.dtype == np.float16
    np.testing.assert_array_equal(again.embeddings, gallery.embeddings)
    np.testing.assert_array_equal(again.templates, gallery.templates)


@given(st.lists(st.sampled_from("pqrst"), min_size=2, max_size=12), st.data())
def test_adding_and_then_removing_gives_what_was_there(names: list[str], data: st.DataObject):
    first = Gallery.of(points(len(names)), names, MODEL, 0.1)
    newcomers = data.draw(st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=4))
    added = first.added(points(len(newcomers), seed=1), newcomers)
    assert set(added.names) == set(names) | set(newcomers)
    back = added.without(set(newcomers))
    assert back.card == first.card
    np.testing.assert_array_equal(back.embeddings, first.embeddings)
    np.testing.assert_array_equal(back.templates, first.templates)


def test_removing_someone_who_is_not_there_says_who_is(gallery: Gallery):
    with pytest.raises(BadInput, match="no such name in the gallery 'd'; known: a, b, c"):
        gallery.without(["d"])
    with pytest.raises(BadInput, match="nobody would be left"):
        gallery.without(["a", "b", "c"])


def test_of_many_names_only_near_ones_are_listed():
    many = Gallery.of(points(100), [f"name{i:02}" for i in range(100)], MODEL, 0.1)
    with pytest.raises(BadInput, match=r"did you mean 'name.0'") as error:
        many.without(["nam0"])
    assert len(str(error.value)) < 400


def test_pictures_in_which_there_is_nothing_are_refused():
    rows = points(3)
    rows[1] = 0
    with pytest.raises(BadInput, match="finds nothing in picture 2, of b"):
        Gallery.of(rows, ["a", "b", "c"], MODEL, 0.1)
    with pytest.raises(BadInput, match="the pictures of a have nothing in common"):
        Gallery.of(np.float32([[1, 0], [-1, 0], [0, 1]]), ["a", "a", "b"], MODEL, 0.1)


def written_otherwise(file: Path, edit: Callable[[dict, dict], object]) -> None:
    """The file again, with its matrices and its card as ``edit`` changes them."""
    with safe_open(file, "np") as opened:
        matrices = {name: opened.get_tensor(name) for name in ("embeddings", "templates")}
        card = json.loads(opened.metadata()[KEY])
    edit(matrices, card)
    save_file(matrices, file, {KEY: json.dumps(card)})


LIES: dict[str, tuple[Callable[[dict, dict], object], str]] = {
    "fewer names than rows": (lambda m, c: c["names"].pop(), "embeddings must be float16 with 5 rows"),
    "NaN": (lambda m, c: m["embeddings"].__setitem__((3, 1), np.nan), "row 3 of embeddings is no direction"),
    "an infinite template": (lambda m, c: m["templates"].__setitem__((1, 0), np.inf), "row 1 of templates"),
    "a long row": (lambda m, c: m["embeddings"].__setitem__(2, m["embeddings"][2] * 3), "row 2 of embeddings"),
    "a template too few": (lambda m, c: m.update(templates=m["templates"][:2]), "templates must be float16 with 3"),
    "float32": (lambda m, c: m.update(templates=m["templates"].astype(np.float32)), "not F32"),
    "another width": (lambda m, c: m.update(templates=m["templates"][:, :4].copy()), "8 columns, templates 4"),
    "a flat matrix": (lambda m, c: m.update(embeddings=m["embeddings"].ravel()), "must be float16 with 6 rows"),
    "names apart": (lambda m, c: c.update(names=list("abcbac")), "must be float16 with 6 rows"),
    "names apart, templates to match": (
        lambda m, c: (c.update(names=list("abcbac")), m.update(templates=m["embeddings"])),
        "must lie together, and those of a, b, c don't",
    ),
    "no model": (lambda m, c: c.pop("model"), "model: "),
    "a threshold that is none": (lambda m, c: c["threshold"].update(similarity=float("nan")), "similarity: "),
    "a rate that is none": (lambda m, c: c.update(far=2), "far: "),
    "another format": (lambda m, c: c.update(format=9), "a gallery of format 9"),
    "no templates": (lambda m, c: m.pop("templates"), "not a gallery"),
}


@pytest.mark.parametrize(("lie", "message"), LIES.values(), ids=LIES)
def test_a_file_that_lies_is_refused_and_named(file: Path, lie: Callable[[dict, dict], object], message: str):
    written_otherwise(file, lie)
    with pytest.raises(BadInput, match=message) as error:
        Gallery.open(file)
    assert str(file) in str(error.value)


@pytest.mark.parametrize("cut", [0, 5, 200, -1], ids=["empty", "in its length", "in its header", "in its numbers"])
def test_a_truncated_file_is_refused_and_named(file: Path, cut: int):
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(BadInput, match=r"g\.safetensors: not a gallery"):
        Gallery.open(file)


def test_what_is_no_gallery_is_refused_and_named(tmp_path: Path):
    with pytest.raises(BadInput, match="none: not a gallery: No such file"):
        Gallery.open(tmp_path / "none")
    save_file({"weight": np.zeros(3)}, tmp_path / "weights.safetensors")
    with pytest.raises(BadInput, match=r"weights\.safetensors: a safetensors file, but not a gallery"):
        Gallery.open(tmp_path / "weights.safetensors")
    with pytest.raises(BadInput, match="there is no such gallery"):
        change(tmp_path / "none", lambda gallery: gallery)


def _adds(file: Path, name: str, times: int) -> None:
    for i in range(times):
        change(file, lambda gallery: gallery.added(points(1, seed=i), [name]))  # noqa: B023


def test_changes_at_the_same_time_lose_nothing(file: Path):
    fork = multiprocessing.get_context("fork")
    adding = [fork.Process(target=_adds, args=(file, name, 10)) for name in "xyz"]
    for process in adding:
        process.start()
    for process in adding:
        process.join(60)
        assert process.exitcode == 0
    assert [Gallery.open(file).card.names.count(name) for name in "xyz"] == [10, 10, 10]


def test_a_change_that_fails_leaves_the_gallery_as_it_was(file: Path):
    before = file.read_bytes()
    with pytest.raises(BadInput):
        change(file, lambda gallery: gallery.without(["nobody"]))
    assert file.read_bytes() == before


def _turns(path: Path, times: int) -> None:
    for i in range(times):
        change(path, lambda gallery: gallery.without(["a"]).added(points(2, seed=i), ["a", "a"]))  # noqa: B023


def test_a_gallery_is_read_whole_while_it_changes(tmp_path: Path):
    file, names = tmp_path / "g.safetensors", [f"{row:04}" for row in range(500)]
    fixed = points(500)
    Gallery.of(np.concatenate([points(2), fixed]), ["a", "a", *names], MODEL, 0.1).save(file)
    writer = multiprocessing.get_context("fork").Process(target=_turns, args=(file, 40))
    writer.start()
    while writer.is_alive():
        found = Gallery.open(file)
        rows = found.templates[:500].astype(np.float32)
        assert found.names[:500] == tuple(names)
        np.testing.assert_allclose(rows, fixed, atol=2e-3)
    writer.join()
    assert writer.exitcode == 0


def test_a_link_to_a_gallery_stays_one(file: Path, tmp_path: Path):
    link = tmp_path / "link.safetensors"
    link.symlink_to(file)
    change(link, lambda gallery: gallery.added(points(1), ["z"]))
    assert link.is_symlink()
    assert "z" in Gallery.open(file).names


def test_a_place_that_can_t_be_is_bad_input(gallery: Gallery, file: Path):
    with pytest.raises(BadInput, match="can't be written"):
        gallery.save(file / "below" / "g.safetensors")
