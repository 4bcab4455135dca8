"""The game of the bug zoo: a sick network is shown, the player says what is wrong with it.

It reads lines and prints lines, so a script can play it. The end of the input and Ctrl-C end the
game, with the score so far.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np

from minnet.course.zoo import ZOO, showing
from minnet.course.zoo.facts import FACTS, MEANINGS
from minnet.course.zoo.mistake import Case, Mistake
from minnet.foundation.checks import Array, DivergedError, generator
from minnet.foundation.tables import Table
from minnet.foundation.words import did_you_mean
from minnet.layers import Dense, Layer, Softmax
from minnet.losses import CrossEntropy, Loss
from minnet.models import Sequential
from minnet.optimizers import SGD
from minnet.teaching.doctor import diagnose
from minnet.teaching.gradients import check_gradients

ROUNDS = 5
"""Animals in a game, unless some are named."""

CHOICES = 6
"""Names to choose from, the right one among them."""

EPOCHS = 15
"""Epochs that a sick network is trained for."""

BARS = "▁▂▃▄▅▆▇█"

RIGHT, WITH_HINT = 2, 1
"""Points for a right guess, without and with a hint."""

HELP = (
    "Answer with a number or a name. Look at x, y or weights by that word.\n"
    "Also: code, hint, save FILE.png, skip, quit."
)


class Symptoms(NamedTuple):
    """What a training showed.

    Attributes
    ----------
    curves
        Name of a figure → one number an epoch.
    ending
        How it ended, where it did not end well, or nothing.
    trained
        What was trained, in words.
    """

    curves: dict[str, list[float]]
    ending: str
    trained: str


def play(
    names: Sequence[str] = (),
    *,
    seed: Any = 0,
    source: TextIO | None = None,
    out: TextIO | None = None,
) -> int:
    """Play the game, and return the score.

    Parameters
    ----------
    names
        Animals of the zoo; five are drawn if there are none.
    seed
        For the draw, the choices and the networks.
    source, out
        Where lines are read and printed; the terminal by default.

    Raises
    ------
    ValueError
        A name that is not in the zoo.
    """
    rng = generator(seed, "play's seed")
    for name in names:
        if name not in ZOO:
            raise ValueError(
                f"The zoo has no {name!r}.{did_you_mean(name, ZOO)} See: python -m minnet zoo "
                "--list."
            )
    chosen = list(names) or [str(name) for name in rng.permutation(list(ZOO))[:ROUNDS]]
    return _Game(chosen, rng, source or sys.stdin, out or sys.stdout).run()


def listing() -> str:
    """All animals by name: which tool explains them, and where to look; no answers."""
    rows = [[m.name, m.tool, m.hint] for m in ZOO.values()]
    return str(Table(["name", "explained by", "hint"], rows, title=f"{len(rows)} mistakes"))


class _Game:
    """One game under way."""

    def __init__(
        self, names: list[str], rng: np.random.Generator, source: TextIO, out: TextIO
    ) -> None:
        self.names, self.rng, self.source, self.out = names, rng, source, out
        self.score = self.met = 0

    def run(self) -> int:
        """Show one animal after the other, then the score."""
        self.say(
            f"The bug zoo. {len(self.names)} networks are sick; say what each one has.\n{HELP}"
        )
        try:
            for number, name in enumerate(self.names, 1):
                if not self.meet(number, ZOO[name]):
                    break
        except KeyboardInterrupt:
            self.say("")
        best = RIGHT * self.met
        self.say(f"\nScore: {self.score} of {best} points for {self.met} networks.")
        return self.score

    def meet(self, number: int, mistake: Mistake) -> bool:
        """Show an animal, take guesses, explain it. Whether the game goes on."""
        case = mistake.plant(int(self.rng.integers(1000)))
        symptoms = train(case, self.rng)
        self.say(f"\n── {number} of {len(self.names)} " + "─" * 50)
        self.say(showing.code(case))
        self.say(f"\nTrained: {showing.hidden(symptoms.trained, case)}")
        self.say(showing.hidden(bar_chart(symptoms), case))
        choices = self.choices(mistake)
        self.say("\nWhat is wrong?")
        width = max(map(len, choices))
        for i, name in enumerate(choices, 1):
            self.say(f"  {i}  {name.ljust(width)}  {MEANINGS[ZOO[name].kind]}")
        points = RIGHT
        while True:
            line = self.read()
            if line is None or line.lower() in ("quit", "q", "exit"):
                return False
            word = line.lower()
            if word in ("hint", "h"):
                points = WITH_HINT
                self.say(f"Hint: {mistake.hint}")
            elif word in ("x", "y", "weights", "code"):
                self.show(word, case)
            elif word.split(" ")[0] == "save":
                self.save(symptoms, line[4:].strip())
            elif word in ("skip", "s"):
                self.explain("Skipped.", mistake, case)
                return True
            else:
                guess = understood(word, choices)
                if guess is None:
                    self.say(f"{line!r} is none of them.{did_you_mean(word, choices)} {HELP}")
                    continue
                right = guess == mistake.name
                self.score += points if right else 0
                self.explain(
                    f"Right: {points} point{'s' if points > 1 else ''}." if right else "No.",
                    mistake,
                    case,
                )
                return True

    def show(self, word: str, case: Case) -> None:
        """What a player asked to look at."""
        if word == "code":
            self.say(showing.code(case))
        elif word == "weights":
            self.say(showing.weights(case.target))
        else:
            array = case.x if word == "x" else case.y
            nothing = f"There is no {word} here: the layer or the function is looked at alone."
            self.say(nothing if array is None else showing.look(word, array))

    def choices(self, mistake: Mistake) -> list[str]:
        """The right name among others of the same tool, no two of one kind."""
        others = [m.name for m in ZOO.values() if m.tool == mistake.tool and m.kind != mistake.kind]
        shuffled = [str(name) for name in self.rng.permutation(others)]
        kinds, kept = {mistake.kind}, [mistake.name]
        for name in shuffled:
            if ZOO[name].kind not in kinds and len(kept) < CHOICES:
                kept.append(name)
                kinds.add(ZOO[name].kind)
        return [str(name) for name in self.rng.permutation(kept)]

    def explain(self, verdict: str, mistake: Mistake, case: Case) -> None:
        """The answer, the story, and what the tool says of this very case."""
        self.met += 1
        facts = FACTS[mistake.name]
        self.say(f"{verdict} It is {mistake.name}: {mistake.title}\n{mistake.story}")
        self.say(f"Cure: {facts.cure}\nMore: python -m minnet mistakes {mistake.name}")
        self.say(f"\nThe {mistake.tool} says:")
        self.say(report(mistake, case))

    def save(self, symptoms: Symptoms, name: str) -> None:
        """The curves as a picture."""
        if not name:
            self.say("save takes a file's name: save curves.png")
            return
        from minnet import plots

        try:
            figure: Any = plots.learning_curves(symptoms.curves).figure
            figure.savefig(Path(name), dpi=120)
        except (OSError, ValueError) as error:
            self.say(f"Not saved: {error}")
        else:
            self.say(f"Saved to {name}.")

    def read(self) -> str | None:
        """The next line with something on it, or None at the end of the input."""
        while True:
            self.out.write("> ")
            self.out.flush()
            line = self.source.readline()
            if not line:
                self.say("")
                return None
            if line.strip():
                return line.strip()

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=self.out, flush=True)


def understood(word: str, choices: Sequence[str]) -> str | None:
    """The choice that a number or a name means."""
    if word.isdecimal() and 1 <= int(word) <= len(choices):
        return choices[int(word) - 1]
    return word if word in choices else None


def report(mistake: Mistake, case: Case) -> str:
    """What the tool says of a case."""
    if mistake.tool == "doctor":
        return str(diagnose(case.target, case.x, case.y, **case.settings))
    return str(check_gradients(case.target, case.x, case.y, **case.settings))


# --- training what is sick ------------------------------------------------------------------------


@np.errstate(all="ignore")  # sick networks overflow
def train(case: Case, rng: np.random.Generator) -> Symptoms:
    """Train what a case has, in a network around it if it is a layer or a loss."""
    target = case.target
    if isinstance(target, tuple):
        return _descend(target[1], target[0], case.x)
    if isinstance(target, Sequential):
        return _fit(target.copy(), case.x, case.y, case.settings)
    x = np.asarray(case.x, np.float64)
    seed = int(rng.integers(2**31))
    if isinstance(target, Loss):
        around = np.random.default_rng(seed).standard_normal((len(x), 4))
        model = Sequential([Dense(8, activation="tanh"), Dense(x.shape[1])], seed=seed)
        if isinstance(target, CrossEntropy) and not target.from_logits:
            model.add(Softmax())
        model.compile(SGD(0.1), target)
        return _fit(model, around, case.y, {})
    return _around(target, x, seed)


def _around(layer: Layer, x: Array, seed: int) -> Symptoms:
    """A network with this layer in it, on a made-up regression."""
    flat = x.reshape(len(x), -1)
    wanted = np.sin(flat @ np.random.default_rng(seed).standard_normal((flat.shape[1], 1)))
    model = Sequential([Dense(x.shape[1])] if x.ndim == 2 else [], seed=seed)
    model.add(layer.copy())
    model.add(Dense(1))
    model.compile(SGD(0.05), "mse")
    return _fit(model, x, wanted, {})


def _fit(model: Sequential, x: Any, y: Any, settings: Any) -> Symptoms:
    """The curves of a model's own training."""
    shape = np.shape(x)
    trained = f"{type(model.loss).__name__}, {model.optimizer!r}, x {shape}"
    if model.built:
        layers = ", ".join(type(step).__name__ for step in model.steps)
        trained = f"{layers}; {trained}"
    curves: dict[str, list[float]] = {}
    try:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # part of the riddle
            model.fit(x, y, epochs=EPOCHS, verbose=0, **settings)
        ending = ""
    except DivergedError as error:
        ending = str(error).split(". ")[0] + "."
    except Exception as error:
        ending = f"{type(error).__name__}: {error}"
    if model.history is not None:
        curves = model.history.history
    return Symptoms(curves, ending, trained)


def _descend(gradient: Any, f: Any, x: Any) -> Symptoms:
    """Plain descent along a gradient that a student wrote."""
    x = np.array(x, np.float64)
    values = []
    try:
        for _ in range(EPOCHS):
            values.append(float(np.real(f(x.copy()))))
            x = x - 0.05 * np.real(gradient(x.copy())).reshape(x.shape)
        ending = ""
    except Exception as error:
        ending = f"{type(error).__name__}: {error}"
    return Symptoms({"f(x)": values}, ending, f"x ← x − 0.05 · gradient_of_f(x), x {x.shape}")


def bar_chart(symptoms: Symptoms) -> str:
    """The curves as rows of bars, with their first and last numbers."""
    lines = []
    width = max((len(name) for name in symptoms.curves), default=0)
    for name, values in symptoms.curves.items():
        if values:
            lines.append(
                f"  {name.ljust(width)}  {bars(values)}  {values[0]:.4g} → {values[-1]:.4g}"
            )
    if symptoms.ending:
        lines.append(f"  {symptoms.ending}")
    return "\n".join(lines) or "  no epoch was finished"


def bars(values: Sequence[float]) -> str:
    """Numbers as bars of eight heights, from the smallest to the largest; ✗ is not finite.

    >>> bars([0.0, 1.0, 2.0, 7.0])
    '▁▂▃█'
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    span = (high - low) or 1.0
    return "".join(
        BARS[min(7, int(8 * (value - low) / span))] if math.isfinite(value) else "✗"
        for value in values
    )
