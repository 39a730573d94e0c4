"""The command that measures: what it finds, prints and returns."""

import json
import sys

import pytest

from scripts.figures import command, harness
from scripts.figures.harness import FIGURES, FigureError, Measured, Missing, figure


@pytest.fixture
def figures(monkeypatch):
    """Measure in this process, and forget what a test enters."""
    command.discover()
    known = dict(FIGURES)
    monkeypatch.setattr(command, "lines_from_a_process", command.lines_of)
    yield FIGURES
    FIGURES.clear()
    FIGURES.update(known)


def ask(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["figures", *words])
    code = command.main()
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_module_of_the_package_is_found():
    command.discover()
    modules = {path.stem for path in command.PACKAGE.glob("*.py") if not path.stem.startswith("_")}
    entered = {found.measure.__module__.rpartition(".")[2] for found in FIGURES.values()}
    assert entered == modules - {"command", "harness"}


@pytest.mark.parametrize(
    ("part", "error"),
    [
        (Measured(9, beside={"accepted": 0, "tried": 9}), None),
        (Measured(9, beside={"accepted": 1, "tried": 9}), "expected none: accepted"),
        (Measured(0, is_fault=True), None),
        (Measured(1, is_fault=True), "expected none: value"),
    ],
)
def test_what_must_not_be_there_is_an_error(figures, monkeypatch, capsys, part, error):
    @figure("lies")
    def lies() -> Measured:
        return part

    code, (line,) = ask(monkeypatch, capsys, "--only", "lies")
    assert (code, line.get("error")) == (0 if error is None else 1, error)
    assert line["value"] == part.value


def test_a_figure_prints_its_name_its_value_and_its_unit(figures, monkeypatch, capsys):
    @figure("things")
    def things() -> Measured:
        return Measured(3, beside={"of": 4})

    assert ask(monkeypatch, capsys, "--only", "things") == (
        0,
        [{"name": "things", "value": 3, "unit": "things", "of": 4}],
    )


def test_what_could_not_be_measured_is_an_error_and_the_other_parts_are_printed(figures, monkeypatch, capsys):
    @figure("things")
    def things() -> harness.Parts:
        return [Missing("one", "it is not here"), Measured(1, of="other")]

    code, lines = ask(monkeypatch, capsys, "--only", "things")
    assert code == 1
    assert lines == [
        {"name": "things: one", "error": "it is not here"},
        {"name": "things: other", "value": 1, "unit": "things"},
    ]


def test_two_figures_of_one_name_are_refused(figures):
    with pytest.raises(ValueError, match="expected a name for each figure, got make_demo twice"):

        @figure("s")
        def make_demo() -> Measured:
            return Measured(1)


def test_a_command_that_fails_is_named_with_the_last_thing_it_said():
    with pytest.raises(FigureError, match="exit code 3: so it is"):
        harness.run([sys.executable, "-c", "import sys; print('so it is'); sys.exit(3)"])


def test_a_peer_that_gives_another_result_is_not_measured():
    with pytest.raises(FigureError, match="the peer gives another result"):
        harness.against("the peer", lambda: 1, lambda: 2)
