"""Reading printed formulas and computing by them: what a formula says is held to what runs.

`1.0507 @x where @x > 0, else 1.7581 (exp(@x) − 1)` is read as a book's reader would: what stands
side by side is multiplied, a function without brackets takes what follows it, a sum Σ reaches to
the end, and a remark behind ", with" or ", the" says nothing to compute.
"""

from __future__ import annotations

import math
import re

import numpy as np

REMARK = re.compile(r", (?:with|the|for|which)\b.*$")
WRITTEN = {"−": "-", "⊙": "*", "·": "*", "½": "0.5", "m̂": "m_hat", "v̂": "v_hat", "ε̂": "ε_hat"}
WRITTEN |= {"²": "^2", "³": "^3", "ᵗ": "^t", "β₁": "β_1", "β₂": "β_2", "∂u/∂@x": "slope_u"}
TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|Σ_\w|@?[^\W\d]\w*|[<>≤≥]|‖|[-+*/^()|,√])")

FUNCTIONS = {
    **{name: getattr(np, name) for name in ("exp", "log", "tanh", "sinh", "cosh", "sign", "clip")},
    "max": lambda *of: np.where(np.real(of[0]) > np.real(of[1]), *of),
    "min": lambda *of: np.where(np.real(of[0]) < np.real(of[1]), *of),
    "σ": lambda x: 1 / (1 + np.exp(-x)),
    "erf": np.vectorize(math.erf, otypes=[float]),
}
COMPARE = {"<": np.less, ">": np.greater, "≤": np.less_equal, "≥": np.greater_equal}


class NotReadError(Exception):
    """A formula is words, or is written in a way that is not known here."""


def plain(text):
    """A formula in the letters of the reader, without its remark and its indices."""
    text = re.sub(r"\[[a-z](?:, [a-z])*\]", "", REMARK.sub("", text))
    for mark, python in WRITTEN.items():
        text = text.replace(mark, python)
    return text


def computed(formulas, name, known):
    """What a name comes to by these formulas, one of which defines it: name = …, f(x) = …."""
    return Reader(formulas, known).value_of(name)


class Reader:
    def __init__(self, formulas, known):
        self.known, self.lines, self.functions = dict(known), {}, {}
        for text in map(plain, formulas):
            left, mark, right = text.partition(" = ")
            if not mark:
                raise NotReadError(text)
            called = re.fullmatch(r"(\w+)\((@?\w+)\)", left.strip())
            if called:
                self.functions[called[1]] = (called[2], right)
            else:
                self.lines[left.strip()] = right

    def value_of(self, name):
        if name in self.known:
            return self.known[name]
        if name == "slope_u":
            moved = Reader([], {**self.known, "@x": self.known["@x"] + 1e-30j})
            moved.lines, moved.functions = self.lines, self.functions
            return moved.value_of("u").imag / 1e-30
        if name == "π":
            return math.pi
        if name not in self.lines:
            raise NotReadError(f"{name!r} is not defined")
        return self.expression(self.lines[name])

    def call(self, name, arguments):
        if name not in self.functions:
            return FUNCTIONS[name](*arguments)
        variable, right = self.functions[name]
        inner = Reader([], {**self.known, variable: arguments[0]})
        inner.lines, inner.functions = self.lines, self.functions
        return inner.expression(right)

    def expression(self, text):
        return Sentence(plain(text), self).whole()


class Sentence:
    """One expression, read from left to right."""

    def __init__(self, text, reader):
        self.text, self.reader, self.tokens, position = text, reader, [], 0
        while position < len(text.rstrip()):
            match = TOKEN.match(text, position)
            if not match:
                raise NotReadError(text)
            self.tokens.append(match[1])
            position = match.end()
        self.tokens.append("")
        self.at, self.bars = 0, 0

    def next(self):
        return self.tokens[self.at]

    def take(self, wanted=None):
        token = self.next()
        if wanted is not None and token != wanted:
            raise NotReadError(f"{wanted!r} missing in {self.text}")
        self.at += 1
        return token

    def whole(self):
        value = self.choice()
        if self.next():
            raise NotReadError(self.text)
        return value

    def choice(self):
        """`A where C, else B`."""
        value = self.sum()
        if self.next() != "where":
            return value
        self.take()
        holds = self.condition()
        if self.next() == ",":
            self.take()
        self.take("else")
        return np.where(holds, value, self.choice())

    def condition(self):
        left, holds = self.sum(), True
        while self.next() in COMPARE:
            compare = COMPARE[self.take()]
            right = self.sum()
            holds, left = holds & compare(np.real(left), np.real(right)), right
        return holds

    def sum(self):
        value = self.product()
        while self.next() in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self):
        value = self.factor()
        while True:
            token = self.next()
            if token in ("*", "/"):
                self.take()
                value = value * self.factor() if token == "*" else value / self.factor()
            elif self.begins(token):
                value = value * self.factor()
            else:
                return value

    def begins(self, token):
        """Whether this begins another factor; what closes ‖ and | is asked for by its opening."""
        if token in ("|", "‖"):
            return not self.bars
        return token in ("(", "√") or (
            bool(re.match(r"[\w@Σ]", token)) and token not in ("where", "else")
        )

    def factor(self):
        if self.next() == "-":
            self.take()
            return -self.product()
        value = self.primary()
        while self.next() == "^":
            self.take()
            value = value ** self.primary()
        return value

    def primary(self):
        token = self.take()
        if token == "(":
            bars, self.bars = self.bars, 0
            value = self.choice()
            self.bars = bars
            self.take(")")
            return value
        if token == "|":
            self.bars += 1
            value = self.sum()
            self.take("|")
            self.bars -= 1
            return np.where(np.real(value) > 0, value, -value)
        if token == "‖":
            self.bars += 1
            value = self.sum()
            self.take("‖")
            self.bars -= 1
            return np.sqrt((value**2).sum(axis=-1, keepdims=True))
        if token == "√":
            return np.sqrt(self.primary())
        if token.startswith("Σ_"):
            return np.sum(self.product(), axis=-1)
        if re.match(r"\d", token):
            return float(token)
        if token in FUNCTIONS or token in self.reader.functions:
            return self.applied(token)
        if re.match(r"[\w@]", token):
            return self.reader.value_of(token)
        raise NotReadError(self.text)

    def applied(self, name):
        """`f(a, b)`, `f a`, or `f² a`."""
        power = 1
        if self.next() == "^":
            self.take()
            power = self.primary()
        if self.next() == "(":
            self.take()
            arguments = [self.choice()]
            while self.next() == ",":
                self.take()
                arguments.append(self.choice())
            self.take(")")
        else:
            arguments = [self.factor()]
        return self.reader.call(name, arguments) ** power
