"""Puts together, inside the build, the root file system of an image that has Python and nothing else.

`python3 root.py /root /opt/predictor` copies to `/root` the interpreter that runs this, its standard library, and the
shared libraries that these and the environment are linked with: no shell, no package manager, nothing to log in with.
What is copied keeps its place, so that it is found as in the base. Debian's record of each package that a copied file
comes from goes to `/var/lib/dpkg/status.d`, where vulnerability scanners look, and its licence to `/usr/share/doc`.

It runs on the base's own Python before anything is installed there, so it imports nothing but the standard library.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

LEFT_OUT = frozenset({
    *("ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter", "turtledemo", "turtle.py"),
    *("dist-packages", "site-packages", "__pycache__"),
})  # fmt: skip
"""Of the standard library: what tests, teaches and installs, and what others install into it."""

NAMED = ("/etc/os-release", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
"""What the loader, and a scanner that asks which Debian this is, read."""

_ELF = b"\x7fELF"
_LINKED = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)
_ABSENT = re.compile(r"^\s*(\S+) => not found$", re.MULTILINE)


class MissingLibrary(Exception):
    """Something that is installed can't be loaded on this base."""


class Root:
    """A root file system in the making."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.copied: set[Path] = set()

    def add(self, path: Path) -> None:
        """Copy a file, or a directory with all that is in it, to its own place; a link together with its target."""
        path = Path(os.path.normpath(path))
        for parent in reversed(path.parents):
            if parent.is_symlink():
                self._link(parent)
                self.add(parent.parent / parent.readlink() / path.relative_to(parent))
                return
        if path.is_symlink():
            self._link(path)
            self.add(path.parent / path.readlink())
        elif path.is_dir():
            for inside in sorted(path.iterdir()):
                if inside.name not in LEFT_OUT:
                    self.add(inside)
        elif path not in self.copied:
            self.copied.add(path)
            shutil.copy2(path, self._place(path))

    def _link(self, path: Path) -> None:
        place = self._place(path)
        if not place.is_symlink():
            place.symlink_to(path.readlink())
            self.copied.add(path)

    def _place(self, path: Path) -> Path:
        place = self.directory / path.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        return place


def is_elf(path: Path) -> bool:
    """Whether a file is a program or a shared library."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_ELF)) == _ELF


def libraries_of(path: Path) -> tuple[set[Path], set[str]]:
    """The shared libraries that a file is linked with, the loader among them; and the names of absent ones."""
    done = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return {Path(found) for found in _LINKED.findall(done.stdout)}, set(_ABSENT.findall(done.stdout))


def modules_of(directory: Path) -> list[Path]:
    """The files of a standard library, without what is left out and without extensions that can't be loaded here.

    Such there are: the base has the module for Tk, say, and not Tk.
    """
    found = []
    for path in sorted(directory.rglob("*")):
        parts = path.relative_to(directory).parts
        if path.is_dir() or LEFT_OUT & set(parts) or parts[0].startswith("config-"):
            continue
        if not (is_elf(path) and libraries_of(path)[1]):
            found.append(path)
    return found


def interpreter_of(environment: Path) -> Path:
    """The Python that an environment was made with, by the name that the environment knows it by."""
    path = environment / "bin" / "python"
    while path.is_relative_to(environment):
        path = path.parent / path.readlink()
    return path


def assemble(directory: Path, environments: list[Path]) -> Root:
    """Fill an empty directory with what the environments need in order to run; they aren't copied themselves.

    Raises `MissingLibrary` if something in an environment is linked with a library that the base doesn't have.
    """
    root = Root(directory)
    for environment in environments:
        root.add(interpreter_of(environment))
    for module in modules_of(Path(sysconfig.get_path("stdlib"))):
        root.add(module)
    needing = [path for path in root.copied if is_elf(path)]
    for environment in environments:
        needing += [path for path in environment.rglob("*") if is_elf(path)]
    for path in sorted(needing):
        linked, absent = libraries_of(path)
        if absent:
            raise MissingLibrary(f"{path} needs {', '.join(sorted(absent))}, which this base doesn't have")
        for library in linked:
            if not any(library.is_relative_to(environment) for environment in environments):
                root.add(library)
    for name in NAMED:
        if Path(name).exists():
            root.add(Path(name))
    return root


def record_packages(root: Root) -> list[str]:
    """Write Debian's record and licence of each package that something was copied from; returns the packages' names.

    Files that no package brought, such as a Python in `/usr/local`, are in no record.
    """
    files = [path for path in root.copied if not path.is_dir()]
    names = {str(alias) for path in files for alias in (path, *_unmerged(path))}
    asked = ["dpkg-query", "--search", *sorted(names)]
    owners = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603
    packages = sorted({name for line in owners.splitlines() for name in line.rpartition(": ")[0].split(", ")})
    packages = [package for package in packages if not package.startswith("diversion by")]
    records = root.directory / "var/lib/dpkg/status.d"
    records.mkdir(parents=True)
    for package in packages:
        asked = ["dpkg-query", "--status", package]
        record = subprocess.run(asked, capture_output=True, text=True, check=True).stdout  # noqa: S603
        name = package.partition(":")[0]
        (records / name).write_text(record, encoding="utf-8")
        licence = Path("/usr/share/doc", name, "copyright")
        if licence.exists():
            root.add(licence)
    return packages


def _unmerged(path: Path) -> list[Path]:
    """Where a package may have put the file before `/lib` became `/usr/lib`: dpkg's lists still say so."""
    return [Path("/", *path.parts[2:])] if path.parts[1:2] == ("usr",) else []


def main(directory: Path, environments: list[Path]) -> None:
    """Assemble, record, index what the loader is to find, and compile the standard library, which stays as it is."""
    directory.mkdir()
    root = assemble(directory, environments)
    record_packages(root)
    subprocess.run(["ldconfig", "-r", directory], check=True)  # noqa: S603, S607
    library = directory / Path(sysconfig.get_path("stdlib")).relative_to("/")
    # A path in a traceback is to be the one in the image.
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(directory), "-p", "/"]
    subprocess.run([sys.executable, "-m", "compileall", *options, str(library)], check=True)  # noqa: S603


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
