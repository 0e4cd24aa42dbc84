"""Examples that nobody runs: names that were never defined, and results that were never true.

The examples themselves are tests: setup.cfg has pytest run them, on plain NumPy (conftest.py).
"""

import configparser
import inspect
import re

import pytest

import scratchcnn as sc
from support.processes import ROOT

WITHOUT = {"LogReader", "Monitor"}  # bases and parts of what has an example
PUBLIC = [getattr(sc, name) for name in sc.__all__ if not inspect.ismodule(getattr(sc, name))]
PUBLIC += [getattr(sc.callbacks, name) for name in sc.callbacks.__all__ if name not in WITHOUT]
PUBLIC += [thing for thing in vars(sc.plots).values() if inspect.isfunction(thing)]
PUBLIC += [sc.schedules.StepDecay, sc.schedules.CosineDecay, sc.schedules.OneCycle]
PUBLIC += [sc.data.load_data, sc.data.read_idx, sc.data.write_idx, sc.data.Augmentation, sc.data.Annealed]
PUBLIC += [sc.gradcheck.check_layer, sc.gradcheck.check_loss, sc.gradcheck.check_model, sc.gradcheck.Report]
PUBLIC += [sc.Sequential.fit, sc.Sequential.evaluate, sc.Sequential.predict, sc.Sequential.save]
NAMES = {
    thing.__qualname__: thing
    for thing in PUBLIC
    if thing.__module__.startswith("scratchcnn") and not thing.__name__.startswith("_")
}
INNER = {"scratchcnn.checks.drawn", "scratchcnn.checks.inputs", "scratchcnn.checks.messages"}


@pytest.mark.parametrize("name", [name for name, thing in NAMES.items() if thing.__module__ not in INNER])
def test_what_is_public_has_an_example(name):
    assert ">>> " in inspect.getdoc(NAMES[name])


def test_pytest_runs_the_examples_of_every_module_and_none_is_skipped():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    options = config["tool:pytest"]
    assert "scratchcnn" in options["testpaths"].split() and "--doctest-modules" in options["addopts"].split()
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "scratchcnn").rglob("*.py")]
    assert not [source for source in sources if re.search(r"doctest: *\+SKIP", source)]
    assert not list((ROOT / "scratchcnn").rglob("conftest.py"))


def test_examples_run_on_plain_numpy(request):
    (plugin,) = [plugin for plugin in request.config.pluginmanager.get_plugins() if type(plugin).__name__ == "Examples"]
    assert plugin.pytest_runtest_call
