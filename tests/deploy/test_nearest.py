import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocls.deploy import nearest
from autocls.deploy.nearest import by_blocks, by_faiss, products, search


def rows(n: int, d: int = 16) -> nearest.Halves:
    return np.random.default_rng(n).standard_normal((n, d)).astype(np.float16)


@given(n=st.integers(1, 60), block=st.integers(1, 70), top=st.integers(1, 60))
def test_blocks_of_any_size_find_what_sorting_all_of_them_finds(n: int, block: int, top: int):
    top, there, queries = min(top, n), rows(n), rows(3).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "BLOCK", block)
        values, where = by_blocks(there)(queries, top)
        np.testing.assert_allclose(products(there, queries), queries @ there.astype(np.float32).T, rtol=1e-5, atol=1e-5)
    everything = queries @ there.astype(np.float32).T
    np.testing.assert_allclose(values, -np.sort(-everything, axis=1)[:, :top], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(everything, where, 1), values, rtol=1e-5, atol=1e-5)


def test_faiss_gives_the_same_answers():
    there, queries = rows(20_000), rows(50).astype(np.float32)
    ours, theirs = by_blocks(there)(queries, 5), by_faiss(there)(queries, 5)
    np.testing.assert_array_equal(ours[1], theirs[1])
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-4)


@pytest.mark.parametrize(("n", "installed", "way"), [(10, True, "blocks"), (30, True, "faiss"), (30, False, "blocks")])
def test_faiss_searches_what_is_large_where_it_is_installed(
    n: int, installed: bool, way: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(nearest, "EXACT", 20)
    monkeypatch.setattr(nearest, "find_spec", lambda name: name if installed else None)
    monkeypatch.setattr(nearest, "by_faiss", lambda rows: "faiss")
    monkeypatch.setattr(nearest, "by_blocks", lambda rows: "blocks")
    assert search(rows(n)) == way


def test_a_memory_map_is_searched_as_it_lies(tmp_path):
    there = np.memmap(tmp_path / "rows", np.float16, "w+", shape=(100, 16))
    there[:] = rows(100)
    there.flush()
    mapped = np.memmap(tmp_path / "rows", np.float16, "r", shape=(100, 16))
    assert by_blocks(mapped)(mapped[:5].astype(np.float32) * 10, 1)[1].shape == (5, 1)
