"""MNIST: files that the tests write themselves, damaged ones, and what to do without a network."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import struct
import sys
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minnet.datasets import fashion_mnist, mnist
from minnet.datasets.mnist import FILES, GZIP_MD5, KNOWN, MD5, cache_folder, read_idx
from tests.strategies import seeds

loader = importlib.import_module("minnet.datasets.mnist")  # `minnet.datasets.mnist` is a function
LOADERS = {"mnist": mnist, "fashion-mnist": fashion_mnist}
loaders = pytest.mark.parametrize("name", LOADERS)


def idx(array):
    """The bytes of an IDX file."""
    head = struct.pack(f">2x2B{array.ndim}I", 8, array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


def small(seed=0, train=5, test=3):
    """The four arrays of a data set that is as MNIST, but small."""
    rng = np.random.default_rng(seed)
    arrays = []
    for n in (train, test):
        arrays += [rng.integers(256, size=(n, 28, 28)), rng.integers(10, size=n)]
    return [array.astype(np.uint8) for array in arrays]


def write(folder, arrays, *, packed=True):
    """The four files in a folder; their MD5s, unpacked and packed."""
    folder.mkdir(parents=True, exist_ok=True)
    md5s = []
    for file, array in zip(FILES, arrays, strict=True):
        data = idx(array)
        stored = gzip.compress(data, mtime=0) if packed else data
        (folder / (file + ".gz" * packed)).write_bytes(stored)
        md5s.append([hashlib.md5(b).hexdigest() for b in (data, stored)])
    return md5s


def publish(monkeypatch, name, md5s):
    """Let these be the MD5s that were published."""
    for file, md5 in zip(FILES, md5s, strict=True):
        monkeypatch.setitem(KNOWN, md5, (name, file))


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No data and no cache on this machine, and a download that fails."""

    def retrieve(*args, **kwargs):
        raise OSError("the network is down")

    monkeypatch.delenv("MINNET_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "pooch", SimpleNamespace(retrieve=retrieve))


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("shape", [(3,), (300,), (2, 3), (4, 28, 28), (2, 3, 4, 5), (0,)])
def test_idx_files_of_every_shape(tmp_path, shape, suffix):
    array = np.random.default_rng(0).integers(256, size=shape).astype(np.uint8)
    path = tmp_path / f"data{suffix}"
    path.write_bytes(gzip.compress(idx(array)) if suffix else idx(array))
    read = read_idx(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


def test_sizes_are_read_big_endian(tmp_path):
    (tmp_path / "data").write_bytes(b"\0\0\x08\x02" + b"\0\0\0\x01" + b"\0\0\x01\0" + bytes(256))
    assert read_idx(tmp_path / "data").shape == (1, 256)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0\0\x08", b"\0\0\x09\x01\0\0\0\0", b"\0\x01\x08\x01\0\0\0\0", b"\0\0\x08\0", b"PK34"],
    ids=["empty", "short", "other numbers", "not zero", "no axis", "zip"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_wrong_magic_number(tmp_path, data, packed):
    path = tmp_path / ("data.gz" if packed else "data")
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(ValueError, match=r"data(.gz)? is no IDX file of bytes. Get it again"):
        read_idx(path)


@given(keep=st.floats(0, 1, exclude_max=True), packed=st.booleans(), seed=seeds)
def test_a_truncated_file_is_never_read(tmp_path_factory, keep, packed, seed):
    array = np.random.default_rng(seed).integers(256, size=(2, 3, 3)).astype(np.uint8)
    path = tmp_path_factory.mktemp("idx") / ("data.gz" if packed else "data")
    data = gzip.compress(idx(array)) if packed else idx(array)
    path.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(ValueError, match=r"is damaged|is no IDX file"):
        read_idx(path)


def test_what_a_damaged_file_lacks_is_named(tmp_path):
    path, data = tmp_path / "data", idx(np.zeros((2, 3, 3)))
    path.write_bytes(data[:10])
    with pytest.raises(ValueError, match="is damaged: it ends in its head"):
        read_idx(path)
    path.write_bytes(data[:-1])
    with pytest.raises(ValueError, match=r"promises 18 bytes for \(2, 3, 3\), and 17 are there"):
        read_idx(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(ValueError, match=r"and 19 are there. Get it again"):
        read_idx(path)


def test_a_gz_file_that_is_not_packed_is_damaged(tmp_path):
    path = tmp_path / "data.gz"
    path.write_bytes(idx(np.zeros(3)))
    with pytest.raises(ValueError, match=r"data.gz is damaged: it is no whole gzip file"):
        read_idx(path)


@loaders
@pytest.mark.parametrize("packed", [False, True])
def test_what_is_loaded_from_a_path(tmp_path, monkeypatch, name, packed):
    arrays = small()
    publish(monkeypatch, name, [md5s[0] for md5s in write(tmp_path, arrays, packed=packed)])
    x, y, x_test, y_test = LOADERS[name](str(tmp_path))
    for images, labels, given_x, given_y in ((x, y, *arrays[:2]), (x_test, y_test, *arrays[2:])):
        assert (images.dtype, labels.dtype) == (np.float32, np.intp)
        np.testing.assert_array_equal(images, given_x.reshape(-1, 784) / np.float32(255))
        np.testing.assert_array_equal(labels, given_y)
        images[...] = labels[...] = 0  # the caller's own


def test_white_is_1_and_black_0(tmp_path, monkeypatch):
    arrays = small()
    arrays[0][0], arrays[0][1] = 255, 0
    publish(monkeypatch, "mnist", [md5s[0] for md5s in write(tmp_path, arrays)])
    x = mnist(tmp_path)[0]
    assert x[0].min() == x[0].max() == 1.0
    assert x[1].min() == x[1].max() == 0.0


@loaders
def test_a_packed_file_is_known_by_the_md5_of_its_packed_form(tmp_path, monkeypatch, name):
    publish(monkeypatch, name, [md5s[1] for md5s in write(tmp_path, small())])
    assert LOADERS[name](tmp_path)[0].shape == (5, 784)


@loaders
def test_other_packed_files_are_refused(tmp_path, name):
    write(tmp_path, small())
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte.gz is not the file that was"):
        LOADERS[name](tmp_path)


def test_other_unpacked_files_are_refused_where_a_hash_is_known(tmp_path):
    write(tmp_path, small(), packed=False)
    with pytest.raises(ValueError, match=r"its MD5 differs. Get it again"):
        mnist(tmp_path)


def test_unpacked_fashion_mnist_has_no_published_hash_and_is_read(tmp_path):
    arrays = small()
    write(tmp_path, arrays, packed=False)
    np.testing.assert_array_equal(fashion_mnist(tmp_path)[1], arrays[1])


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_is_never_taken_for_fashion_mnist(tmp_path, monkeypatch, packed):
    publish(monkeypatch, "mnist", [md5s[0] for md5s in write(tmp_path, small(), packed=packed)])
    message = "should be train-images-idx3-ubyte of fashion-mnist. Got train-images.* of mnist"
    with pytest.raises(ValueError, match=message):
        fashion_mnist(tmp_path)


def test_exchanged_files_are_named(tmp_path, monkeypatch):
    publish(monkeypatch, "mnist", [md5s[0] for md5s in write(tmp_path, small())])
    train, test = (tmp_path / f"{file}.gz" for file in (FILES[0], FILES[2]))
    train.write_bytes(test.read_bytes())
    with pytest.raises(ValueError, match=r"be train-.* of mnist. Got t10k-images-idx3-ubyte"):
        mnist(tmp_path)


def test_the_hashes_are_those_that_were_published():
    assert GZIP_MD5["fashion-mnist"] == (  # as in the README of zalandoresearch/fashion-mnist
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    )
    assert set(GZIP_MD5) == set(LOADERS)
    assert len(KNOWN) == 4 * (len(MD5) + len(GZIP_MD5))
    assert all(len(md5) == 32 for md5 in KNOWN)


def test_images_and_labels_that_do_not_belong_together(tmp_path):
    arrays = small()
    arrays[1] = arrays[1][:-1]
    write(tmp_path, arrays, packed=False)
    message = r"do not belong together: images \(5, 28, 28\), labels \(4,\)"
    with pytest.raises(ValueError, match=message):
        fashion_mnist(tmp_path)


@loaders
@pytest.mark.parametrize("missing", range(4))
def test_a_missing_file_is_named(tmp_path, name, missing):
    write(tmp_path, small())
    (tmp_path / f"{FILES[missing]}.gz").unlink()
    with pytest.raises(FileNotFoundError, match=rf"There is no {FILES[missing]}\[.gz\] in .*path="):
        LOADERS[name](tmp_path)


def test_an_unpacked_file_is_taken_before_a_packed_one(tmp_path, monkeypatch):
    publish(monkeypatch, "mnist", [md5s[0] for md5s in write(tmp_path, small(0))])
    publish(monkeypatch, "mnist", [m[0] for m in write(tmp_path, small(1), packed=False)])
    np.testing.assert_array_equal(mnist(tmp_path)[1], small(1)[1])


@pytest.mark.parametrize(
    ("name", "place"),
    [("mnist", "mnist"), ("mnist", "."), ("fashion-mnist", "fashion-mnist")],
)
@pytest.mark.usefixtures("nowhere")
def test_where_minnet_data_leads(tmp_path, monkeypatch, name, place):
    md5s = write(tmp_path / "data" / place, small())
    publish(monkeypatch, name, [m[1] for m in md5s])
    monkeypatch.setenv("MINNET_DATA", str(tmp_path / "data"))
    np.testing.assert_array_equal(LOADERS[name]()[1], small()[1])


@pytest.mark.usefixtures("nowhere")
def test_minnet_data_comes_before_the_cache_and_a_path_before_both(tmp_path, monkeypatch):
    monkeypatch.setenv("MINNET_DATA", str(tmp_path / "data"))
    folders = [tmp_path / "data" / "mnist", cache_folder() / "mnist", tmp_path / "own"]
    for seed, folder in enumerate(folders):
        publish(monkeypatch, "mnist", [m[1] for m in write(folder, small(seed))])
    np.testing.assert_array_equal(mnist()[1], small(0)[1])
    np.testing.assert_array_equal(mnist(tmp_path / "own")[1], small(2)[1])
    monkeypatch.delenv("MINNET_DATA")
    np.testing.assert_array_equal(mnist()[1], small(1)[1])


@pytest.mark.usefixtures("nowhere")
def test_a_folder_with_a_part_of_the_files_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("MINNET_DATA", str(tmp_path / "data"))
    write(tmp_path / "data" / "mnist", small(0))
    (tmp_path / "data" / "mnist" / f"{FILES[3]}.gz").unlink()
    publish(monkeypatch, "mnist", [m[1] for m in write(cache_folder() / "mnist", small(1))])
    np.testing.assert_array_equal(mnist()[1], small(1)[1])


def test_the_cache_is_in_the_home_folder_by_default(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(loader.Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "minnet"


@loaders
@pytest.mark.usefixtures("nowhere")
def test_without_a_network_the_error_says_what_to_do(name):
    with pytest.raises(FileNotFoundError) as error:
        LOADERS[name]()
    message = str(error.value)
    assert message.startswith(
        f"{name} is not on this machine and could not be downloaded (the network is down). Offline:"
    )
    assert f"{FILES[0]}.gz, {FILES[1]}.gz, {FILES[2]}.gz, {FILES[3]}.gz" in message
    assert str(cache_folder() / name) in message
    assert "path=" in message
    assert "MINNET_DATA" in message


@loaders
@pytest.mark.usefixtures("nowhere")
def test_without_pooch_the_error_says_how_to_get_it(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "pooch", None)
    message = rf"{name} is not on this machine, and pooch.* python -m pip install pooch"
    with pytest.raises(FileNotFoundError, match=message + r"\. Offline: put"):
        LOADERS[name]()


@loaders
@pytest.mark.usefixtures("nowhere")
def test_a_download_goes_to_the_cache_and_is_checked_by_its_md5(tmp_path, monkeypatch, name):
    md5s = write(tmp_path / "server", small())
    publish(monkeypatch, name, [m[1] for m in md5s])
    asked = []

    def retrieve(url, known_hash, fname, path):
        asked.append((url, known_hash))
        path.mkdir(parents=True, exist_ok=True)
        (path / fname).write_bytes((tmp_path / "server" / fname).read_bytes())

    monkeypatch.setitem(sys.modules, "pooch", SimpleNamespace(retrieve=retrieve))
    for _ in range(2):  # the second time it is there
        np.testing.assert_array_equal(LOADERS[name]()[1], small()[1])
    assert [known_hash for _, known_hash in asked] == [f"md5:{md5}" for md5 in GZIP_MD5[name]]
    assert [url.rsplit("/", 1)[1] for url, _ in asked] == [f"{file}.gz" for file in FILES]
    assert sorted(p.name for p in (cache_folder() / name).iterdir()) == sorted(
        f"{file}.gz" for file in FILES
    )


@pytest.mark.parametrize("path", [3, ["mnist"], b"mnist"])
def test_a_path_is_text_or_a_path(path):
    with pytest.raises(TypeError, match=r"path takes a folder. Got"):
        mnist(path)


def test_the_real_mnist(data_folder):
    assert (data_folder / "mnist").is_dir()
    x, y, x_test, y_test = mnist()
    assert (x.shape, x_test.shape) == ((60_000, 784), (10_000, 784))
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y).tolist() == counts
    assert len(y_test) == 10_000
    assert y[:5].tolist() == [5, 0, 4, 1, 9]
    assert (x[:100].min(), x[:100].max()) == (0.0, 1.0)
    assert x.mean(dtype=np.float64) == pytest.approx(0.1307, abs=1e-4)


def test_a_gz_file_that_unpacks_to_more_than_its_head_promises_is_not_unpacked(tmp_path):
    """200 KB of which deflate makes 200 MB."""
    data = idx(np.zeros((60, 28, 28), np.uint8)) + bytes(200_000_000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(data, 9))
    del data
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"promises 47,040 bytes for .*, and more are there"):
        loader.read_idx(tmp_path / "bomb.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6
    huge = struct.pack(">2x2B3I", 8, 3, 2**31, 2**15, 2**15) + bytes(50_000)
    (tmp_path / "huge.gz").write_bytes(gzip.compress(huge))
    with pytest.raises(ValueError, match=r"and 50,000 are there"):
        loader.read_idx(tmp_path / "huge.gz")


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 1), (2, 3, 4), (2, 1, 3, 1), (0,), (40_000,)])
def test_packed_files_of_any_shape_are_read_whole(tmp_path, shape):
    array = np.random.default_rng(0).integers(256, size=shape).astype(np.uint8)
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(array)))
    np.testing.assert_array_equal(loader.read_idx(tmp_path / "a.gz"), array)
    if array.size:
        cut = gzip.compress(idx(array))[:-4]
        (tmp_path / "a.gz").write_bytes(cut)
        with pytest.raises(ValueError, match="damaged"):
            loader.read_idx(tmp_path / "a.gz")
