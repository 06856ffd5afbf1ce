"""The root file system that is put together inside the build."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from images.root import (
    LEFT_OUT,
    MissingLibrary,
    Root,
    assemble,
    interpreter_of,
    is_elf,
    libraries_of,
    modules_of,
    record_packages,
)

SCRIPT = Path(__file__).parents[2] / "images" / "root.py"
EXTENSION = Path(np.__file__).parent / "_core" / f"_multiarray_umath{sysconfig.get_config_var('EXT_SUFFIX')}"

pytestmark = pytest.mark.skipif(shutil.which("ldd") is None, reason="the images are Linux's, and so is ldd")


@pytest.fixture
def root(tmp_path: Path) -> Root:
    directory = tmp_path / "root"
    directory.mkdir()
    return Root(directory)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    directory = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
    return directory


def test_a_file_keeps_its_place(root: Root, tmp_path: Path) -> None:
    file = tmp_path / "folder" / "file"
    file.parent.mkdir()
    file.write_text("content")
    root.add(file)
    assert (root.directory / file.relative_to("/")).read_text() == "content"
    assert root.copied == {file}


def test_a_link_comes_with_what_it_points_to(root: Root, tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr" / "library.so.1.2").write_text("content")
    (tmp_path / "usr" / "library.so.1").symlink_to("library.so.1.2")
    (tmp_path / "lib").symlink_to("usr")
    root.add(tmp_path / "lib" / "library.so.1")
    place = root.directory / tmp_path.relative_to("/")
    assert (place / "lib").readlink() == Path("usr")
    assert (place / "usr" / "library.so.1").readlink() == Path("library.so.1.2")
    assert (place / "lib" / "library.so.1").read_text() == "content"


def test_an_interpreter_is_what_the_environment_points_to(environment: Path) -> None:
    found = interpreter_of(environment)
    assert not found.is_relative_to(environment)
    assert found.resolve() == Path(sys.executable).resolve()


def test_a_program_is_linked_with_the_c_library_and_a_text_with_nothing() -> None:
    found, absent = libraries_of(Path(sys.executable).resolve())
    assert any(re.fullmatch(r"libc\.so.*", path.name) for path in found)
    assert any(path.name.startswith("ld-") for path in found)
    assert not absent
    assert not is_elf(SCRIPT)


def test_modules_are_the_standard_librarys_and_not_its_tests() -> None:
    library = Path(sysconfig.get_path("stdlib"))
    found = {path.relative_to(library).as_posix() for path in modules_of(library)}
    assert {"os.py", "json/__init__.py", "asyncio/base_events.py"} <= found
    assert not [path for path in found if LEFT_OUT & set(Path(path).parts)]


def test_what_is_linked_with_something_absent_is_named(tmp_path: Path, environment: Path) -> None:
    alone = environment / "lib" / EXTENSION.name
    shutil.copy(EXTENSION, alone)  # without the libraries that lie beside it
    if not libraries_of(alone)[1]:
        pytest.skip("this build of numpy brings no libraries of its own")
    with pytest.raises(MissingLibrary, match=re.escape(f"{alone} needs lib")):
        assemble(tmp_path / "root", [environment])


def test_a_package_of_debian_is_recorded_with_its_licence(root: Root) -> None:
    if not Path("/var/lib/dpkg/status").exists():
        pytest.skip("this isn't Debian")
    (library,) = [path for path in libraries_of(Path("/bin/ls"))[0] if path.name.startswith("libc.so")]
    root.add(library)
    assert [name.partition(":")[0] for name in record_packages(root)] == ["libc6"]
    record = (root.directory / "var/lib/dpkg/status.d/libc6").read_text()
    assert re.search(r"^Status: install ok installed$", record, re.MULTILINE)
    assert (root.directory / "usr/share/doc/libc6/copyright").exists()


def test_what_is_put_together_runs_by_itself(tmp_path: Path, environment: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make it the root file system of a process")
    base = Path(sys.executable).resolve()
    directory = tmp_path / "root"
    subprocess.run([base, SCRIPT, directory, environment], check=True)
    shutil.copytree(environment, directory / environment.relative_to("/"), symlinks=True)
    program = "import ctypes, json, os, sqlite3, ssl, sys; print(json.dumps([sys.prefix, os.listdir('/')]))"
    inside = environment / "bin" / "python"
    done = subprocess.run(
        ["chroot", directory, inside, "-I", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert str(environment) in done.stdout
    assert not [name for name in ("bin/sh", "usr/bin/sh") if (directory / name).exists()]
