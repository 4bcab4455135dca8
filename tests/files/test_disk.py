"""A file is replaced whole or not at all, whatever the system does meanwhile."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minnet
from minnet.files import disk, store
from minnet.foundation.checks import ModelFileError
from tests.files import same, small

ROOT = Path(minnet.__file__).parents[1]
KILLS = int(os.environ.get("MINNET_KILLS", "10"))

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork, signals and resource limits")


def run(code: str, *arguments: object) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return done.stdout


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.npz"


# --- processes that die and disks that are full ---------------------------------------------------

KILLED = """
import os, random, signal, sys, time
import numpy as np
from minnet.files import store

path, kills = sys.argv[1], int(sys.argv[2])
version = 0

def save(version):
    store.save(path, {"version": version}, {"a": np.full(100_000, float(version))})

save(version)
for kill in range(kills):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        while True:
            version += 1
            save(version)
            os.write(writer, b".")
    os.read(reader, 1)
    time.sleep(random.Random(kill).uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reader), os.close(writer)
    config, arrays = store.load(path)
    assert config["version"] > version, "the child saved at least once"
    version = config["version"]
    assert (arrays["a"] == version).all() and arrays["a"].size == 100_000
print(version)
"""


@posix
def test_a_process_killed_while_it_saves_leaves_one_version_whole(path) -> None:
    """And nothing else, an hour later: the next save clears away what the killed ones left."""
    assert int(run(KILLED, path, KILLS)) >= KILLS
    for leftover in path.parent.glob(".minnet-*.part"):
        age(leftover)
    store.save(path, {}, {})
    assert list(path.parent.iterdir()) == [path]


def age(path: Path, seconds: float = 3_700.0) -> None:
    """Make a file so much older than it is."""
    then = path.lstat().st_mtime - seconds
    os.utime(path, (then, then), follow_symlinks=False)


@pytest.fixture
def leftover(path) -> Path:
    """What a process left that was killed in the middle of a save, over an hour ago."""
    left = path.with_name(".minnet-0123456789abcdef.part")
    left.write_bytes(b"PK\3\4")
    age(left)
    return left


@posix
def test_a_save_clears_away_what_is_older_than_an_hour(path, leftover) -> None:
    young = path.with_name(".minnet-00000000000000aa.part")
    young.write_bytes(b"PK\3\4")
    age(young, 3_500.0)
    store.save(path, {}, {})
    assert not leftover.exists()
    assert young.exists()


@posix
def test_a_save_through_a_link_clears_the_folder_of_the_file(tmp_path, leftover) -> None:
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "link.npz"
    link.symlink_to(tmp_path / "model.npz")
    store.save(link, {}, {})
    assert not leftover.exists()


@posix
def test_a_save_that_fails_clears_nothing(path, leftover, monkeypatch) -> None:
    def refuse(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(ModelFileError):
        store.save(path, {}, {})
    assert leftover.exists()


@posix
def test_what_another_user_left_stays(path, leftover, monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: leftover.stat().st_uid + 1)
    store.save(path, {}, {})
    assert leftover.exists()


@posix
@pytest.mark.parametrize(
    "name",
    [".minnet-notes.part", ".minnet-00.part.txt", "x.part", ".minnet-.part", "a.minnet-0.part"],
)
def test_files_of_other_names_stay(path, name) -> None:
    other = path.with_name(name)
    other.write_text("mine")
    age(other)
    store.save(path, {}, {})
    assert other.read_text() == "mine"


@posix
@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_is_no_file_stays(path, kind) -> None:
    other, real = path.with_name(".minnet-00.part"), path.with_name("real.txt")
    real.write_text("mine")
    {
        "folder": other.mkdir,
        "link": lambda: other.symlink_to(real),
        "pipe": lambda: os.mkfifo(other),
    }[kind]()
    age(other)
    store.save(path, {}, {})
    assert os.path.lexists(other)
    assert real.read_text() == "mine"


FULL = """
import resource, signal, sys
import numpy as np
from minnet.files import store
from minnet.foundation.checks import ModelFileError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in (0, 100, 5_000, 79_000, 80_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        store.save(sys.argv[1], {}, {"a": np.zeros(10_000)})
    except ModelFileError as error:
        print(error)
"""


@posix
def test_a_full_disk_leaves_the_old_file_whole(path) -> None:
    small(path)
    reason = "File too large. Make room on the disk, or choose another one."
    message = f"save could not write {path}: {reason} What was there before is unchanged."
    assert run(FULL, path).splitlines() == [message] * 5
    assert same(store.load(path))
    assert list(path.parent.iterdir()) == [path]


class Interrupted(BaseException):
    """Such as Ctrl-C."""


@pytest.mark.parametrize("error", [Interrupted(), ValueError("a fault"), MemoryError()])
def test_whatever_ends_a_save_the_old_file_stays_and_nothing_is_left(path, error) -> None:
    data = small(path)

    def half() -> None:
        with disk.replacing(path, "save") as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        half()
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


def test_the_new_file_is_in_place_only_once_it_is_whole(path) -> None:
    data = small(path)
    with disk.replacing(path, "save") as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == data
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_system_that_refuses_is_told_with_its_reason(path, monkeypatch, name) -> None:
    data = small(path)

    def refuse(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, name) if name == "fsync" else (Path, name)), refuse)
    with pytest.raises(ModelFileError, match=r"No space left on device\. Make room on the disk"):
        store.save(path, {}, {})
    monkeypatch.undo()
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


def in_use(times: int, path: Path, monkeypatch) -> list[float]:
    """Let `path` be open elsewhere for so many attempts, as on Windows; the waits in between."""
    waits: list[float] = []
    replace = Path.replace

    def refuse(self, target):
        if len(waits) == times:
            return replace(self, target)
        assert target == path
        error = PermissionError(13, "The process cannot access the file")
        error.winerror = 32
        raise error

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr("minnet.files.disk.time.sleep", waits.append)
    return waits


def test_a_file_that_another_program_reads_for_a_moment_is_replaced_after_it(
    path, monkeypatch
) -> None:
    small(path)
    waits = in_use(3, path, monkeypatch)
    store.save(path, {"second": 2}, {})
    assert waits == list(disk.WAITS[:3])
    assert sum(disk.WAITS) < 2
    assert store.load(path) == ({"second": 2}, {})
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_another_program_keeps_open_stays_and_it_is_told(path, monkeypatch) -> None:
    data = small(path)
    waits = in_use(1000, path, monkeypatch)
    with pytest.raises(
        ModelFileError, match=r"access the file\. Close the program that has the fil"
    ):
        store.save(path, {}, {})
    assert waits == list(disk.WAITS)
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


def test_without_permission_nobody_waits(path, monkeypatch) -> None:
    small(path)

    def refuse(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr("minnet.files.disk.time.sleep", lambda seconds: pytest.fail("it waits"))
    with pytest.raises(ModelFileError, match=r"Permission denied\. Choose a folder and a file"):
        store.save(path, {}, {})


def test_an_error_without_a_number_has_a_reason_and_a_fix_too(path) -> None:
    with pytest.raises(ModelFileError, match=r"write .*: odd\. Check the disk and the path\."):
        with disk.replacing(path, "save"):
            raise OSError("odd")


def test_an_error_while_reading_is_told_with_its_reason(path) -> None:
    small(path)
    with pytest.raises(ModelFileError, match=r"load could not read .*: Input/output error\. Check"):
        with disk.reading(path, "load"):
            raise OSError(5, "Input/output error")


# --- paths ----------------------------------------------------------------------------------------


def test_a_folder_that_is_missing_is_named(tmp_path) -> None:
    with pytest.raises(
        ModelFileError, match=r"a folder that exists. Got .* Make the folder .*/no "
    ):
        store.save(tmp_path / "no" / "model.npz", {}, {})


def test_a_file_that_is_missing_is_named_with_where_one_is(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ModelFileError, match=r"Got no.npz, which does not. Check the path; you are"
    ):
        store.load("no.npz")


def test_a_folder_is_no_file(tmp_path) -> None:
    with pytest.raises(
        ModelFileError, match=r"save takes a file's path. Got the folder .* Add a f"
    ):
        store.save(tmp_path, {}, {})
    with pytest.raises(
        ModelFileError, match=r"load takes a file. Got the folder .* Add the file's"
    ):
        store.load(tmp_path)
    with pytest.raises(ModelFileError, match=r"save takes a file's path. Got the folder \."):
        store.save(".", {}, {})


def test_a_file_used_as_a_folder_is_refused(path) -> None:
    small(path)
    with pytest.raises(ModelFileError, match="a folder that exists"):
        store.save(path / "model.npz", {}, {})
    with pytest.raises(ModelFileError, match="a file that exists"):
        store.load(path / "model.npz")


@posix
def test_a_pipe_is_no_file_and_nobody_waits_for_it(path) -> None:
    os.mkfifo(path)
    with pytest.raises(ModelFileError, match=r"load takes a file. Got .*, a device or a pipe"):
        store.load(path)
    with pytest.raises(
        ModelFileError, match=r"save takes a file's path. Got .*, a device or a pipe"
    ):
        store.save(path, {}, {})
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("who", [lambda p: store.save(p, {}, {}), store.load])
def test_what_is_no_path_is_refused(who) -> None:
    for thing in (None, 3, b"a", ["a"], np.zeros(2), *os.scandir(os.fsencode(ROOT))):
        with pytest.raises(TypeError, match=r'takes a path such as "model.npz". Got'):
            who(thing)
    for text in ("", "a\0b", *(["\ud800"] if os.name == "posix" else [])):
        with pytest.raises(ModelFileError, match="which no file can have"):
            who(text)


@posix
def test_a_name_that_is_too_long_is_told_so(tmp_path) -> None:
    with pytest.raises(ModelFileError, match=r"File name too long\. Choose a shorter name"):
        store.save(tmp_path / ("x" * 300), {}, {})
    with pytest.raises(ModelFileError, match=r"File name too long\. Choose a shorter name"):
        store.load(tmp_path / ("x" * 300))
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("locked", ["file", "folder"])
def test_without_permission_nothing_is_written(path, locked) -> None:
    data = small(path)
    what = path if locked == "file" else path.parent
    what.chmod(0o500)
    try:
        with pytest.raises(ModelFileError, match="Choose a folder and a file that you have perm"):
            store.save(path, {}, {})
        assert path.read_bytes() == data
    finally:
        what.chmod(0o700)


def test_a_write_protected_file_is_not_replaced(path, monkeypatch) -> None:
    data = small(path)
    monkeypatch.setattr(os, "access", lambda target, mode: False)
    with pytest.raises(ModelFileError, match=r"the file is write-protected\. Choose a folder and"):
        store.save(path, {}, {})
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


@posix
def test_a_new_file_has_the_permissions_of_the_old_one(path) -> None:
    small(path)
    path.chmod(0o640)
    store.save(path, {}, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400 | 0o200, 0o666])
def test_a_file_is_never_more_open_than_the_old_one(path, mode, monkeypatch) -> None:
    """Not while it is written either."""
    small(path)
    path.chmod(mode)
    modes, real = [], os.fsync

    def look(handle):
        modes.append(stat.S_IMODE(os.fstat(handle).st_mode))
        return real(handle)

    monkeypatch.setattr(os, "fsync", look)
    store.save(path, {}, {})
    assert modes[0] & ~mode == 0
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_a_mode_that_cannot_be_set_leaves_the_file_closed(path, monkeypatch) -> None:
    small(path)
    path.chmod(0o640)

    def refuse(self, mode):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    store.save(path, {}, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


as_root = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root gives files away"
)


@as_root
def test_a_file_of_another_user_stays_that_users(path) -> None:
    small(path)
    os.chown(path, 1234, 4321)
    path.chmod(0o640)
    store.save(path, {}, {})
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 4321, 0o640)


@as_root
@pytest.mark.parametrize(("mode", "left"), [(0o660, 0o600), (0o664, 0o644), (0o640, 0o600)])
def test_another_group_may_do_no_more_than_anybody_could(path, mode, left, monkeypatch) -> None:
    small(path)
    os.chown(path, -1, 4321)
    path.chmod(mode)

    def refuse(*arguments):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    store.save(path, {}, {})
    assert path.stat().st_gid != 4321
    assert stat.S_IMODE(path.stat().st_mode) == left


@posix
def test_a_first_file_has_the_permissions_that_any_file_gets(path) -> None:
    small(path)
    any_file = path.with_name("any")
    any_file.touch()
    assert path.stat().st_mode == any_file.stat().st_mode


@posix
def test_a_link_that_leads_back_to_itself_is_refused_and_stays(tmp_path) -> None:
    one, other = tmp_path / "one.npz", tmp_path / "other.npz"
    one.symlink_to(other)
    other.symlink_to(one)
    with pytest.raises(ModelFileError, match=r"Got .*one\.npz, a link that leads back to itself\."):
        store.save(one, {}, {})
    assert one.is_symlink()
    assert other.is_symlink()


@posix
@pytest.mark.parametrize("target", ["real.npz", "folder/real.npz"])
def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path, target) -> None:
    (tmp_path / "folder").mkdir()
    link, real = tmp_path / "link.npz", tmp_path / target
    link.symlink_to(target)
    small(link)
    store.save(link, {"second": 2}, {})
    assert link.is_symlink()
    assert not real.is_symlink()
    assert store.load(real) == store.load(link) == ({"second": 2}, {})


@posix
def test_a_hard_link_keeps_the_old_file(path) -> None:
    data = small(path)
    other = path.with_name("other.npz")
    other.hardlink_to(path)
    store.save(path, {}, {})
    assert other.read_bytes() == data


def test_many_saves_leave_one_file(path) -> None:
    for version in range(5):
        store.save(path, {"version": version}, {})
    assert list(path.parent.iterdir()) == [path]
    assert store.load(path)[0] == {"version": 4}


# --- a second name --------------------------------------------------------------------------------


@pytest.fixture(params=["links", "copies"])
def second(path, request, monkeypatch) -> Path:
    """A name for the file at `path`, on a file system that has links, or has none."""
    small(path)
    if request.param == "copies":

        def refuse(self, target):
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
    return path.with_name("second.npz")


def test_a_file_gets_a_second_name(path, second) -> None:
    path.chmod(0o600)
    assert store.keep_as(path, second, "Checkpoint")
    assert second.read_bytes() == path.read_bytes()
    assert second.stat().st_mode == path.stat().st_mode
    before = second.read_bytes()
    store.save(path, {}, {})
    assert second.read_bytes() == before
    assert sorted(path.parent.iterdir()) == [path, second]


def test_a_name_that_a_file_has_already_stays(path, second) -> None:
    second.write_text("mine")
    assert not store.keep_as(path, second, "Checkpoint")
    assert second.read_text() == "mine"


@posix
def test_a_name_that_is_this_files_already_is_kept(path) -> None:
    small(path)
    second = path.with_name("second.npz")
    assert store.keep_as(path, second, "Checkpoint")
    assert store.keep_as(path, second, "Checkpoint")
    link = path.with_name("link.npz")
    link.symlink_to(path)
    assert not store.keep_as(path, link, "Checkpoint")


def test_a_second_name_in_no_folder_is_told_with_its_reason(path, second) -> None:
    with pytest.raises(ModelFileError, match=r"Checkpoint could not write .*No such file"):
        store.keep_as(path, second.parent / "no" / "a.npz", "Checkpoint")
