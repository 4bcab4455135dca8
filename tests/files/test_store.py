"""What is saved comes back bit for bit, and what cannot be saved is refused before it is tried."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minnet
from minnet.files import archive, description, disk, store
from minnet.files.contents import Contents
from minnet.foundation.checks import ModelFileError
from tests import frozen_file
from tests.files import (
    ARRAYS,
    NAME,
    alike,
    describes,
    forge,
    members,
    npy,
    rezip,
    same,
    small,
    text_of,
)

ROOT = Path(minnet.__file__).parents[1]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
configs = st.dictionaries(texts, plain, max_size=5)
names = (
    st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/\\"), min_size=1)
    .filter(archive.fits_name)
    .filter(lambda name: name != description.NAME)
)
orders = st.sampled_from(["<", ">"])
arrays = st.dictionaries(
    names,
    st.one_of(
        hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
        for dtype in (
            hnp.floating_dtypes(sizes=(32, 64)),
            hnp.integer_dtypes(sizes=64),
            hnp.unsigned_integer_dtypes(sizes=64),
            st.just(np.dtype("uint8")),
            st.just(np.dtype("bool")),
        )
    ).filter(lambda array: bool(np.isfinite(array).all())),
    max_size=4,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.npz"


def changed(**parts):
    """A change of the description: these parts have these values."""
    return lambda description: description.update(parts)


# --- back and forth -------------------------------------------------------------------------------


@given(configs, arrays)
def test_any_config_and_arrays_come_back_bit_for_bit(tmp_path_factory, config, saved) -> None:
    path = tmp_path_factory.getbasetemp() / "any.npz"
    store.save(path, config, saved)
    again, loaded = store.load(path)
    assert json.dumps(again) == json.dumps(config)
    native = {name: array.astype(array.dtype.newbyteorder("=")) for name, array in saved.items()}
    assert alike(loaded, native)


@given(configs, arrays)
def test_equal_content_gives_equal_bytes(tmp_path_factory, config, saved) -> None:
    a, b = (tmp_path_factory.getbasetemp() / name for name in ("a.npz", "b.npz"))
    store.save(a, config, saved)
    store.save(b, *store.load(a))
    assert a.read_bytes() == b.read_bytes()


def test_equal_content_gives_equal_bytes_in_another_process_and_year(path) -> None:
    data = small(path)
    other = path.with_name("other.npz")
    code = "import sys; from pathlib import Path; from tests.files import small; "
    code += f"small(Path({str(other)!r}))"
    environment = {**os.environ, "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)
    assert other.read_bytes() == data


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_layout_in_memory_does_not_matter(path, order) -> None:
    W = np.arange(24.0).reshape(2, 3, 4)
    store.save(path, {}, {"W": np.asarray(W, order=order)[:, ::2]})
    loaded = store.load(path)[1]["W"]
    assert alike({"W": loaded}, {"W": np.ascontiguousarray(W[:, ::2])})


@pytest.mark.parametrize("part", [slice(None, None, 2), slice(None, None, -1), slice(3, 3)])
def test_parts_of_arrays_are_saved_as_they_look(path, part) -> None:
    row = np.arange(7.0)[part]
    store.save(path, {}, {"row": row})
    assert store.load(path)[1]["row"].tolist() == row.tolist()


def test_loaded_arrays_are_writable_and_aligned(path) -> None:
    small(path)
    for array in store.load(path)[1].values():
        assert array.flags.writeable
        assert array.flags.aligned
        assert array.flags.c_contiguous


def test_plain_numpy_reads_the_arrays(path) -> None:
    small(path)
    with np.load(path, allow_pickle=False) as file:
        assert alike({name: file[name] for name in ARRAYS}, ARRAYS)


def test_the_archive_is_one_that_other_programs_find_whole(path) -> None:
    small(path)
    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == [NAME, *(name + ".npy" for name in ARRAYS)]


def test_save_returns_the_path_and_adds_no_suffix(tmp_path) -> None:
    assert store.save(tmp_path / "plain", {}, {}) == tmp_path / "plain"
    assert store.load(str(tmp_path / "plain")) == ({}, {})


def test_a_file_is_named_by_what_is_in_it(path) -> None:
    data = small(path)
    assert store.file_hash(path) == hashlib.sha256(data).hexdigest()
    with pytest.raises(ModelFileError, match="file_hash takes a file that exists"):
        store.file_hash(path.with_name("none"))


def test_a_description_says_what_wrote_the_file(path) -> None:
    small(path)
    said = describes(members(path))
    assert (said["format"], said["format_version"]) == ("minnet", description.FORMAT_VERSION)
    assert said["minnet_version"] == minnet.__version__


# --- what cannot be saved -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "arrays", "error", "message"),
    [
        ([], {}, TypeError, r"save takes a config that is a dict. Got \[\]"),
        ({}, [], TypeError, r"save takes arrays as a dict, name → array. Got \[\]"),
        ({}, {1: np.zeros(1)}, TypeError, "save takes text as names of arrays. Got 1"),
        ({}, {"W": [1.0]}, TypeError, "takes a NumPy array for W. Got .* Use numpy.asarray"),
        ({}, {"W": np.ma.ones(2)}, TypeError, "Got .* or filled.. of a masked array"),
        ({}, {"W": np.array([1.0, np.nan])}, ModelFileError, "Got NaN or infinity in W"),
        ({}, {"W": np.array(-np.inf)}, ModelFileError, "finite numbers. Got NaN or infinity in W"),
        ({}, {"W": np.zeros(2, "int8")}, ModelFileError, "float32, .* Got int8 in W"),
        ({}, {"W": np.zeros(2, complex)}, ModelFileError, "Got complex128 in W. Use astype"),
        ({}, {"W": np.array(["a"])}, ModelFileError, "Got <U1 in W. Use astype"),
        ({}, {"W": np.array([None])}, ModelFileError, "Got object in W"),
        ({}, {"W": np.zeros(2, "f4,i4")}, ModelFileError, "save takes arrays of float16"),
        ({"a": np.nan}, {}, ModelFileError, "a config of finite numbers, .* Out of range float"),
        ({"a": {1}}, {}, ModelFileError, "one that JSON cannot hold: .* set"),
        ({"a": "\ud800"}, {}, ModelFileError, "JSON cannot hold"),
        ({"a": (1, 2)}, {}, ModelFileError, "gives back alike. Got a tuple, .* Use lists"),
        ({"a": {1: 2}}, {}, ModelFileError, "Got a tuple, or a key that is not text"),
        ({"a": list(range(100_001))}, {}, ModelFileError, "up to 100,000 values .* in arrays"),
        ({"a": "x" * 2**21}, {}, ModelFileError, "and 2,097,152 bytes. Got .* in arrays"),
    ],
)
def test_what_cannot_be_saved_is_refused(path, config, arrays, error, message) -> None:
    data = small(path)
    with pytest.raises(error, match=message):
        store.save(path, config, arrays)
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "name", ["", "a/b", "a\\b", "a\0", "a\n", "x.npy", "minnet.json", "é" * 101, "\ud800"]
)
def test_names_that_no_member_can_have_are_refused(path, name) -> None:
    with pytest.raises(ModelFileError, match=r"save takes names of arrays .* Rename it"):
        store.save(path, {}, {name: np.zeros(1)})


def test_a_name_may_be_as_long_as_the_limit(path) -> None:
    store.save(path, {}, {"é" * 100: np.ones(1)})
    assert list(store.load(path)[1]) == ["é" * 100]


def test_a_config_may_be_as_deep_as_the_limit(path) -> None:
    config: dict = {}
    for _ in range(description.MAX_DEPTH - 2):
        config = {"a": config}
    store.save(path, config, {})
    assert store.load(path)[0] == config
    with pytest.raises(ModelFileError, match=r"nested up to 50 deep. Got a deeper one"):
        store.save(path, {"a": config}, {})
    endless: list = []
    endless.append(endless)
    with pytest.raises(ModelFileError, match="JSON cannot hold"):
        store.save(path, {"a": endless}, {})


def test_brackets_and_quotes_inside_text_count_for_nothing(path) -> None:
    config = {"a": "[" * 200 + '"{\\' + "," * 100_001}
    store.save(path, config, {})
    assert store.load(path)[0] == config


def test_more_arrays_or_bytes_than_a_file_holds_are_refused(path, monkeypatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    one = np.zeros(1)
    store.save(path, {}, {"a": one, "b": one})
    with pytest.raises(ModelFileError, match=r"takes up to 2 arrays. Got 3. Join some"):
        store.save(path, {}, {"a": one, "b": one, "c": one})
    size = path.stat().st_size
    monkeypatch.setattr(archive, "MAX_FILE", size)
    store.save(path, {}, {"a": one, "b": one})
    monkeypatch.setattr(archive, "MAX_FILE", size - 1)
    with pytest.raises(ModelFileError, match=f"2 GiB together. Got {size:,} bytes. Save parts"):
        store.save(path, {}, {"a": one, "b": one})


def test_an_array_beyond_two_gib_is_refused_before_it_is_copied(path) -> None:
    huge = np.broadcast_to(np.zeros(1), (2**30,))
    with pytest.raises(ModelFileError, match=r"up to 2 GiB. Got \(1073741824,\) in W"):
        store.save(path, {}, {"W": huge})


def test_what_differs_when_read_back_is_not_put_in_place(path, monkeypatch) -> None:
    data = small(path)
    write = archive.write

    def forgetful(file, members):
        write(file, members)
        file.seek(-200, os.SEEK_END)
        file.write(b"\0\0\0\0")

    monkeypatch.setattr(archive, "write", forgetful)
    with pytest.raises(ModelFileError, match="what was read back differs from what was written"):
        store.save(path, {}, ARRAYS)
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


def test_arrays_that_change_while_they_are_saved_are_not_saved(path, monkeypatch) -> None:
    data = small(path)
    W, write = np.zeros(3), archive.write

    def late(file, members):
        W[1] = 1.0
        write(file, members)

    monkeypatch.setattr(archive, "write", late)
    with pytest.raises(ModelFileError, match="do not change the arrays meanwhile"):
        store.save(path, {}, {"W": W})
    assert path.read_bytes() == data


# --- files that contradict themselves, with checksums that are right ------------------------------


def test_a_forged_file_without_a_change_is_the_file_itself(path) -> None:
    data = small(path)
    forge(path)
    assert path.read_bytes() == data
    assert same(store.load(path))


def test_a_newer_format_says_which_minnet_wrote_it(path) -> None:
    forge(path, changed(format_version=5, minnet_version="7.1"))
    with pytest.raises(
        ModelFileError,
        match=r"was written by minnet 7\.1 in file format 5. This is minnet .*, which reads up to "
        r"format 4. Install the newer minnet",
    ):
        store.load(path)


def test_a_newer_format_may_differ_in_all_else(path) -> None:
    small(path)
    text = json.dumps({"format": "minnet", "format_version": 5, "minnet_version": 8, "x": [{}]})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("weights/a", b"abc")
        opened.writestr(NAME, npy(np.frombuffer(text.encode(), np.uint8)))
    with pytest.raises(ModelFileError, match="was written by minnet 8 in file format 5"):
        store.load(path)


@pytest.mark.parametrize("version", range(1, description.FORMAT_VERSION))
def test_an_older_format_is_refused_in_one_sentence_that_names_it(path, version) -> None:
    forge(path, changed(format_version=version))
    with pytest.raises(ModelFileError) as caught:
        store.load(path)
    assert str(caught.value) == (
        f"{path} is a file of format {version}, which only minnet before its first release wrote: "
        "make it again with this minnet."
    )


def test_an_older_format_may_differ_in_all_else(path) -> None:
    text = b'{"format": "minnet", "format_version": 1, "layers": ["from a time before checksums"]}'
    rezip(path, [(NAME, npy(np.frombuffer(text, np.uint8)))])
    with pytest.raises(ModelFileError, match="is a file of format 1, which only minnet before"):
        store.load(path)


W = "dense_1.W"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed(format="other"), "no model file: minnet.json does not say that minnet wrote it"),
        (changed(format_version="1"), "damaged or no model file: its format version is '1'"),
        (changed(format_version=True), "its format version is True"),
        (changed(format_version=0), "its format version is 0"),
        (changed(more=1), "its description lacks a part or has one too many"),
        (lambda d: d.pop("config"), "its description lacks a part or has one too many"),
        (changed(config=[]), "its description lacks a part or has one too many"),
        (changed(arrays=[]), "its description lists no arrays"),
        (lambda d: d["arrays"].pop(W), r"does not hold .*: 'dense_1\.W' is not described"),
        (lambda d: d["arrays"].update(b=d["arrays"][W]), "the arrays .*: b is missing"),
        (lambda d: d["arrays"].update({"a/b": d["arrays"][W]}), "description of 'a/b' is not one"),
        (lambda d: d["arrays"][W].pop("shape"), r"description of 'dense_1\.W' is not one"),
        (lambda d: d["arrays"][W].update(more=1), "is not one"),
        (lambda d: d["arrays"][W].update(dtype="object"), "is not one"),
        (lambda d: d["arrays"][W].update(dtype=["float32"]), "is not one"),
        (lambda d: d["arrays"][W].update(shape=6), "is not one"),
        (lambda d: d["arrays"][W].update(shape=[-1, 2]), "is not one"),
        (lambda d: d["arrays"][W].update(shape=[True, 2]), "is not one"),
        (lambda d: d["arrays"][W].update(sha256=1), "is not one"),
        (lambda d: d["arrays"][W].update(shape=[2, 3]), r"does not hold .*dense_1\.W"),
        (lambda d: d["arrays"][W].update(shape=[6]), r"does not hold .*dense_1\.W"),
        (lambda d: d["arrays"][W].update(shape=[2**40, 2**40]), r"dense_1\.W"),
        (lambda d: d["arrays"][W].update(shape=[1] * 65 + [6]), r"dense_1\.W"),
        (lambda d: d["arrays"]["none"].update(shape=[0, 2**60, 2**60]), "none"),
        (lambda d: d["arrays"][W].update(dtype="float64"), r"does not hold .*dense_1\.W"),
        (lambda d: d["arrays"][W].update(sha256="0" * 64), r"dense_1\.W does not match its check"),
    ],
)
def test_a_description_that_is_wrong_is_refused(path, change, message) -> None:
    forge(path, change)
    with pytest.raises(ModelFileError, match=message):
        store.load(path)


def test_a_description_is_protected_by_its_checksum(path) -> None:
    small(path)
    data = members(path)
    said = describes(data)
    said["config"]["name"] = "other"
    text = json.dumps(said, ensure_ascii=False).encode()
    data[NAME] = npy(np.frombuffer(text, np.uint8))
    rezip(path, list(data.items()))
    with pytest.raises(ModelFileError, match="its description does not match its checksum"):
        store.load(path)


@pytest.mark.parametrize("spelling", [{"indent": 1}, {"separators": (",", ":")}])
def test_a_description_in_another_spelling_is_refused(path, spelling) -> None:
    small(path)
    data = members(path)
    data[NAME] = text_of(describes(data), **spelling)
    rezip(path, list(data.items()))
    with pytest.raises(ModelFileError, match="its description does not match its checksum"):
        store.load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "its description is not JSON"),
        (b"\xff", "its description is not JSON"),
        (b"{", "its description is not JSON"),
        (b"NaN", "does not say that minnet wrote it"),
        (b"[]", "does not say that minnet wrote it"),
        (b'{"format": "minnet"}', "its format version is None"),
        (b'{"format": "minnet", "format_version": 4}', "does not match its checksum"),
        (b'{"format": "minnet", "format_version": 4, "a": NaN}', "does not match its checksum"),
        (b'{"format": "minnet", "format_version": 4, "a": 1e999}', "does not match its checksum"),
        (b"[" * 100_000, "its description is too large"),
        (b"[" * 51, "its description is too large"),
        (b"[" + b"1," * 200_000 + b"1]", "its description is too large"),
        (b'"' + b"x" * (2**21 + 2_000), "its description is too large"),
        (b"9" * 10_000, "its description is not JSON"),
    ],
)
def test_a_description_that_is_none_is_refused(path, text, message) -> None:
    rezip(path, [(NAME, npy(np.frombuffer(text, np.uint8)))])
    with pytest.raises(ModelFileError, match=message):
        store.load(path)


@pytest.mark.parametrize("array", [np.zeros(9), np.zeros((3, 3), "uint8"), np.array("text")])
def test_a_description_that_is_no_text_is_refused(path, array) -> None:
    rezip(path, [(NAME, npy(array))])
    with pytest.raises(ModelFileError, match="its description"):
        store.load(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_file_with_a_nan_or_infinity_is_refused(path, value) -> None:
    forge(path, **{W: npy(np.full((3, 2), value, "float32"))})
    with pytest.raises(ModelFileError, match=r"has NaN or infinity in dense_1\.W"):
        store.load(path)


def test_a_truth_value_other_than_true_and_false_is_refused(path) -> None:
    forge(path, mask=npy(ARRAYS["mask"])[:-1] + b"\2")
    with pytest.raises(ModelFileError, match="mask has values other than True and False"):
        store.load(path)


def test_all_faults_are_in_one_error_and_a_long_list_is_cut(path) -> None:
    def change(said):
        for i in range(20):
            said["arrays"][f"x{i}"] = said["arrays"][W]

    forge(path, change, extra=npy(np.zeros(1)))
    with pytest.raises(
        ModelFileError, match=r"'extra' is not described; x0 is missing; .*; and 11"
    ):
        store.load(path)


def test_the_frozen_file_is_of_todays_format_and_whole() -> None:
    """It is made once, when the format is new, and never again."""
    with disk.reading(frozen_file.FILE, "load") as opened:
        contents = Contents(opened, frozen_file.FILE.name)
        assert contents.description["format_version"] == description.FORMAT_VERSION
    config, arrays = store.load(frozen_file.FILE)
    assert config["layers"]
    assert all(np.isfinite(array).all() for array in arrays.values())
    assert [file.name for file in frozen_file.FILE.parent.iterdir()] == [frozen_file.FILE.name]
