import hashlib

import yaml

from submission.package import Package


def caching(package: Package) -> list[bool]:
    components = [package.spec["root"], *package.spec["components"].values()]
    tasks = [task for item in components if "dag" in item for task in item["dag"]["tasks"].values()]
    return [task.get("cachingOptions", {}).get("enableCache", False) for task in tasks]


def test_says_what_the_compiler_wrote(package: Package) -> None:
    assert package.name == "concord"
    assert package.title == "Trains candidates on a table and publishes the best."
    assert package.digest == hashlib.sha256(package.path.read_bytes()).hexdigest()
    assert "logistic-regression" in package.default("candidates")
    assert package.default("no such") is None


def test_without_cache_changes_nothing_else(package: Package) -> None:
    before = list(yaml.safe_load_all(package.path.read_bytes()))
    assert any(caching(package))
    changed = package.without_cache()
    after = list(yaml.safe_load_all(changed.path.read_bytes()))

    assert not any(caching(changed))
    assert changed.digest != package.digest
    assert after[1:] == before[1:]
    for document in (before[0], after[0]):
        for item in (document["root"], *document["components"].values()):
            for task in item.get("dag", {}).get("tasks", {}).values():
                task.pop("cachingOptions", None)
    assert after == before
