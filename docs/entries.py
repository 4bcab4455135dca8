"""The public names by rooms, and the entry that each has in the reference, from its docstring.

A class takes what its contract takes: `ReLU` takes `input_shape` and `name` as every `Layer` does,
and raises what every layer raises. Its docstring leaves that to the contract; its entry does not.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, is_typeddict

import minnet
from minnet.training.callback import HOOKS

PACKAGE = Path(minnet.__file__).parent

ROOMS = {
    "models": ("Models", ["minnet.models"]),
    "layers": ("Layers", ["minnet.layers"]),
    "losses": ("Losses", ["minnet.losses"]),
    "optimizers": ("Optimizers", ["minnet.optimizers"]),
    "schedules": ("Schedules of the learning rate", ["minnet.schedules"]),
    "initializers": ("Initializers", ["minnet.initializers"]),
    "regularizers": (
        "Regularizers and constraints",
        ["minnet.regularizers", "minnet.constraints"],
    ),
    "metrics": ("Metrics", ["minnet.metrics"]),
    "callbacks": ("Callbacks", ["minnet.callbacks"]),
    "datasets": ("Data", ["minnet.datasets"]),
    "transfer": ("Transfer learning", ["minnet.pretrained", "minnet.transfer"]),
    "teaching": ("Tools that explain and check", ["minnet.teaching", "minnet"]),
    "plots": ("Pictures", ["minnet.plots"]),
    "exchange": ("Exchange with other tools", ["minnet.exchange"]),
    "sklearn": ("scikit-learn's estimators", ["minnet.sklearn"]),
    "parallel": ("Several processes", ["minnet.parallel"]),
}
"""File → title, and the modules whose names it lists. A name is listed where it is met first."""

KERAS = (
    *("activations", "backend", "callbacks", "config", "constraints", "initializers", "layers"),
    *("losses", "metrics", "models", "optimizers", "regularizers", "saving", "utils"),
)
"""The modules behind the door `minnet.keras`, whose names and arguments are Keras'."""

HELPERS = (
    *("activation", "activation_of", "Arguments", "as_keras", "batches", "Callback", "Common"),
    *("chosen_metrics", "copied_weights", "described_model", "HoldsModels", "is_core"),
    *("kernel_settings", "kind_of", "listed", "load_what_fits", "mean_only", "meant", "MeanLoss"),
    *("next_seed", "no_streams", "numbers", "only", "overrides", "plain", "Rate", "refuse"),
    *("refuse_keras_file", "samples", "Seeded", "seeded", "settings", "Symbolic", "table"),
    *("targets", "tell", "Tensor", "tensor", "TerminateOnNaN", "told_by", "Variable"),
    *("variables", "warn_of_name", "WithKernel", "KerasLayer", "KerasOptimizer"),
)
"""Names in modules behind that door that are no names of Keras', where they are not its own."""

METHODS = {
    "Putting it together": (
        *("add", "pop", "layers", "steps", "get_layer", "build", "input_shape", "output_shape"),
        *("copy", "reset", "summary", "count_params"),
    ),
    "Training": (
        *("compile", "is_compiled", "fit", "train_on_batch", "loss_and_gradient"),
        *("apply_gradient", "show_training_loop"),
    ),
    "Using it": ("predict", "evaluate", "forward", "backward", "features"),
    "Freezing and transfer": ("freeze", "unfreeze", "trainable", "replace_head"),
    "Its numbers": (
        *("theta", "grad", "state", "weights", "get_weights", "set_weights", "named_arrays"),
    ),
    "Files": ("save", "save_weights", "load_weights", "card"),
}
"""The methods of `Sequential` that programs call, in the order in which they are met.

`docs/a_model.md` has an example of each.
"""

INSIDE = {
    "Layer": ("anew", "as_drawn", "expects", "kind", "rebind", "redraw", "take_name", "tell"),
    "AlphaDropout": ("correction",),
    "Normalization": ("changes_nothing",),
    "Loss": ("check_order", "is_fused_with"),
    "CrossEntropy": ("smoothed",),
    "BinaryCrossEntropy": ("smoothed",),
    "Optimizer": ("check_decay", "is_named"),
    "Nadam": ("weights_of_the_mean",),
    "Metric": ("check_order",),
    "AUC": ("all_thresholds",),
    "Weighted": ("check_weight",),
    "Callback": ("has_hook",),
    "Checkpoint": ("goes_on", "save"),
    "Computation": ("example", "worked"),
    "Progress": ("goes_on", "say"),
}
"""Methods that minnet calls and no program calls or writes: the reference leaves them out."""

SHARED = "Arguments of its methods"
"""The section in which a contract explains once what several of its methods take."""

CONTRACTS = (
    minnet.layers.Layer,
    minnet.losses.Loss,
    minnet.metrics.Metric,
    minnet.optimizers.Optimizer,
    minnet.schedules.Schedule,
    minnet.initializers.Initializer,
    minnet.regularizers.Regularizer,
    minnet.constraints.Constraint,
    minnet.callbacks.Callback,
)

ARRAYS = (
    minnet.layers.Layer,
    minnet.losses.Loss,
    minnet.metrics.Metric,
    minnet.optimizers.Optimizer,
    minnet.initializers.Initializer,
    minnet.regularizers.Regularizer,
    minnet.constraints.Constraint,
)
"""Contracts of what computes with arrays."""


class Entry(NamedTuple):
    """A public name: where it is found, and what it is."""

    name: str
    value: Any


def listed(module: str) -> list[str]:
    """The public names of a module: its `__all__`, or the classes and functions written in it."""
    room = importlib.import_module(module)
    names: list[str] = getattr(room, "__all__", None) or [
        name
        for name, value in vars(room).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module
    ]
    return [name for name in names if not inspect.ismodule(getattr(room, name))]


def rooms() -> dict[str, list[Entry]]:
    """The entries of each page; what two rooms list stands in the first."""
    pages, known = {}, set()
    for page, (_, modules) in ROOMS.items():
        entries = []
        for module in modules:
            for name in listed(module):
                value = getattr(importlib.import_module(module), name)
                if id(value) not in known or isinstance(value, (int, float)):
                    known.add(id(value))
                    entries.append(Entry(f"{module}.{name}", value))
        pages[page] = entries
    return pages


def methods() -> list[Entry]:
    """The methods and properties of `Sequential` that programs use."""
    return [
        Entry(f"minnet.models.Sequential.{name}", inspect.getattr_static(minnet.Sequential, name))
        for names in METHODS.values()
        for name in names
    ]


def members(value: Any) -> list[str]:
    """The methods and properties that a class is the first to have, but for those inside.

    What overrides a contract's is explained there. The hooks are those of a callback.
    """
    hooks = HOOKS if value is minnet.callbacks.Callback else ()
    names = [*vars(value), *hooks]
    above = {name for base in value.__mro__[1:] for name in vars(base)} - set(hooks)
    return [
        name
        for name in names
        if not name.startswith("_")
        and name not in INSIDE.get(value.__name__, ())
        and name not in above
        and isinstance(inspect.getattr_static(value, name), METHOD)
    ]


METHOD = (types.FunctionType, property, classmethod, staticmethod)


def lacks_of_member(value: Any, name: str) -> list[str]:
    """Which of parameters, shapes, errors and an example the entry of a method does not have.

    It stands under that of its class, which explains what several methods take, raises what its
    contract says, and may call the method in its example.
    """
    member = inspect.getattr_static(value, name)
    if isinstance(member, property):
        return [] if inspect.getdoc(member) else ["a sentence"]
    function = getattr(value, name)
    text = inspect.getdoc(function) or ""
    above = sections(inspect.cleandoc(value.__doc__ or ""))
    explained = items(above.get(SHARED, "")) | items(sections(text).get("Parameters", ""))
    missing = [] if text else ["a sentence"]
    unexplained = [p for p in parameters(function) if p not in ("cls", *explained)]
    if unexplained:
        missing.append(f"parameters {', '.join(unexplained)}")
    known = text + above.get(SHARED, "") + shapes(above[""])
    if takes_arrays(function) and not SHAPE.search(known):
        missing.append("shapes")
    raises = "Raises" in sections(text) or (value in CONTRACTS and "Raises" in above)
    if parameters(function) and not raises:
        missing.append("errors")
    program = re.findall(r"^(?:>>>|\.\.\.) .*", above.get("Examples", ""), re.MULTILINE)
    if ">>> " not in text and not re.search(rf"(\.|def ){name}\(", "\n".join(program)):
        missing.append("an example")
    return missing


def is_data(value: Any) -> bool:
    """Whether it is neither called nor made: a constant, or a name for types."""
    if is_typeddict(value):
        return True
    return not callable(value) or not hasattr(value, "__module__") or hasattr(value, "__args__")


def text_of_data(name: str) -> str:
    """The string under the assignment of a public constant, wherever in its room that stands."""
    room, _, own = name.rpartition(".")
    value = getattr(importlib.import_module(room), own)
    if is_typeddict(value):
        return inspect.cleandoc(value.__doc__ or "")
    folder = PACKAGE.joinpath(*room.split(".")[1:])
    files = [
        *sorted(folder.rglob("*.py")),
        folder.with_suffix(".py"),
        *sorted(PACKAGE.rglob("*.py")),
    ]
    for file in files:
        body = ast.parse(file.read_text("utf-8")).body if file.exists() else []
        for node, after in itertools.pairwise(body):
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
            named = any(isinstance(t, ast.Name) and t.id == own for t in targets)
            if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                return inspect.cleandoc(str(after.value.value))
    return ""


# --- docstrings -----------------------------------------------------------------------------------

HEADED = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
"""The heading of a section in numpydoc's form."""


def sections(docstring: str) -> dict[str, str]:
    """A docstring by its headings; what comes before the first of them is under ""."""
    first, *pieces = HEADED.split(docstring)
    return {"": first.rstrip()} | {
        heading: body.rstrip() for heading, body in zip(pieces[::2], pieces[1::2], strict=True)
    }


def items(body: str) -> dict[str, str]:
    """The names that a section explains, each with the text under it."""
    explained: dict[str, str] = {}
    for block in re.split(r"^(?=\S)", body, flags=re.MULTILINE):
        head, _, text = block.partition("\n")
        if head.strip():
            for name in head.split(","):
                explained[name.split(":")[0].strip().lstrip("*")] = text.rstrip()
    return explained


def parameters(value: Any) -> list[str]:
    """The names that a call takes."""
    if isinstance(value, property) or not callable(value):
        return []
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):  # exceptions, which take a message
        return []
    told = inspect.isclass(value) and issubclass(value, Exception)
    return [
        name for name in signature.parameters if name != "self" and not (told and name == "message")
    ]


def contract(value: Any) -> Any:
    """The class of the core whose contract a class keeps, or None."""
    if not inspect.isclass(value):
        return None
    return next((c for c in CONTRACTS if issubclass(value, c) and value is not c), None)


def bases(value: Any) -> list[Any]:
    """The classes of ours below which a class stands, the nearest first."""
    if not inspect.isclass(value) or not (contract(value) or is_result(value)):
        return []
    return [b for b in value.__mro__[1:] if b.__module__.startswith("minnet.") and b.__doc__]


def shapes(text: str) -> str:
    """The paragraph that gives the shapes of arrays, or ""."""
    match = re.search(r"^Shapes: .*?(?=\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    return match[0] if match else ""


def entry(value: Any) -> str:
    """The docstring, with the parameters, shapes and errors that are its contract's."""
    own = sections(inspect.cleandoc(value.__doc__ or ""))
    above = [sections(inspect.cleandoc(base.__doc__)) for base in bases(value)]
    wanted = parameters(value)
    kind = "Attributes" if is_result(value) else "Parameters"
    explained = items(own.get(kind, ""))
    for base in above:
        inherited = items(base.get(kind, ""))
        for name in wanted:
            if name in inherited and name not in explained:
                explained[name] = inherited[name]
                block = f"{name}\n{inherited[name]}"
                own[kind] = f"{own.get(kind, '')}\n{block}".strip("\n")
    if wanted and "Raises" not in own:
        own["Raises"] = next((base["Raises"] for base in above if "Raises" in base), "")
    if not re.search(r"^Shapes: ", own[""], re.MULTILINE):
        paragraph = next((shapes(base[""]) for base in above if shapes(base[""])), "")
        own[""] = f"{own['']}\n\n{paragraph}".rstrip()
    order = ["", "Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns"]
    last = [heading for heading in own if heading not in order]
    return "\n\n".join(
        f"{heading}\n{'-' * len(heading)}\n{own[heading]}" if heading else own[heading]
        for heading in [*order, *last]
        if own.get(heading)
    )


def is_result(value: Any) -> bool:
    """Whether programs get it and do not make it: a report, a finding, an exception."""
    if not inspect.isclass(value):
        return False
    made = hasattr(value, "__dataclass_fields__") or issubclass(value, (tuple, Exception))
    return made or value in (minnet.teaching.Diagnosis, minnet.teaching.Explanation)


SHAPE = re.compile(r"\([A-Z](?:\w*, ?[\w…]+)*,?\)|\bshape\b|\bshapes\b|\bscalar\b")


def takes_arrays(value: Any) -> bool:
    """Whether it computes with arrays that a caller hands over or gets."""
    if inspect.isclass(value):
        return issubclass(value, ARRAYS)
    function = value.fget if isinstance(value, property) else value
    written = " ".join(map(str, getattr(function, "__annotations__", {}).values()))
    data = {"x", "y", "x_train", "y_train", "prediction", "target"} & set(parameters(value))
    return bool(data) or bool(re.search(r"\bArray\b|ndarray|ArrayLike", written))


def lacks(value: Any) -> list[str]:
    """Which of parameters, shapes, errors and an example an entry does not have."""
    text = entry(value)
    parts = sections(text)
    missing = []
    explained = items(parts.get("Parameters", ""))
    if is_result(value):
        explained |= items(parts.get("Attributes", ""))
    unexplained = [name for name in parameters(value) if name not in explained]
    if unexplained:
        missing.append(f"parameters {', '.join(unexplained)}")
    if takes_arrays(value) and not SHAPE.search(text):
        missing.append("shapes")
    if parameters(value) and "Raises" not in parts and not is_result(value):
        missing.append("errors")
    if ">>> " not in text and not isinstance(value, property):
        missing.append("an example")
    return missing


# --- pages ----------------------------------------------------------------------------------------


def escaped(line: str) -> str:
    """A line of prose for reStructuredText: stars and bars are meant, not marks."""
    pieces = re.split(r"(`[^`]*`|\*\*\w[\w ]*\*\*)", line)
    return "".join(
        piece
        if piece.startswith(("`", "**"))
        else re.sub(r"([*|\\])|(?<=\w)_(?=\W|$)", _escape, piece)
        for piece in pieces
    )


def _escape(match: re.Match[str]) -> str:
    return "\\" + match[0]


def rendered(text: str) -> list[str]:
    """Docstring's lines for reStructuredText: formulas that are set in are literal blocks."""
    lines: list[str] = []
    mode, depth = "prose", 0
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if mode == "doctest":
            mode = "doctest" if line.strip() else "prose"
            lines.append(line)
            continue
        if mode == "literal":
            if not line.strip() or indent > depth:
                lines.append(line)
                continue
            mode = "prose"
        if line.lstrip().startswith(">>> "):
            mode = "doctest"
            lines.append(line)
        elif line.rstrip().endswith("::"):
            mode, depth = "literal", indent
            lines.append(escaped(line))
        else:
            before = next((b for b in reversed(lines) if b.strip()), "")
            depth_before = len(before) - len(before.lstrip())
            set_in = lines and not lines[-1].strip() and indent >= depth_before + 4
            if set_in and line.strip() and not before.lstrip().startswith("- "):
                mode, depth = "literal", depth_before
                lines += [" " * depth_before + "::", ""]
                lines.append(line)
            else:
                lines.append(escaped(line))
    return lines


def apart(text: str) -> str:
    """A docstring in which attributes that are explained together are explained one by one."""
    parts = sections(text)
    if "Attributes" not in parts:
        return text
    lines = []
    for block in re.split(r"^(?=\S)", parts["Attributes"], flags=re.MULTILINE):
        head, _, body = block.partition("\n")
        names, colon, kind = head.partition(" : ")
        for name in names.split(",") if head else []:
            lines += [f"{name.strip()}{colon}{kind}", body.rstrip()]
    together = f"Attributes\n{'-' * 10}\n{parts['Attributes']}"
    return text.replace(together, f"Attributes\n{'-' * 10}\n" + "\n".join(lines))


def first_sentence(value: Any, name: str) -> str:
    """What an entry begins with, for a table."""
    text = text_of_data(name) if is_data(value) else inspect.getdoc(value) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return re.split(r"(?<=[.!?]) (?=[A-Z])|: (?=[a-z].*$)(?<=::)", paragraph)[0]


def table(entries: list[Entry]) -> Iterator[str]:
    """The names of a page, each with what it is."""
    yield from (".. list-table::", "   :widths: 30 70", "   :class: names", "")
    for name, value in entries:
        role = "data" if is_data(value) else "obj"
        yield f"   * - :py:{role}:`~{name}`"
        yield f"     - {escaped(first_sentence(value, name))}"
    yield ""


def page(title: str, modules: list[str], entries: list[Entry]) -> str:
    """A page of the reference, in reStructuredText."""
    lines = [title, "=" * len(title), ""]
    for module in modules:
        if module != "minnet":
            lines += [f".. py:module:: {module}", ""]
    lines += [*table(entries), ""]
    for name, value in entries:
        if is_data(value):
            text = rendered(text_of_data(name))
            lines += [f".. py:data:: {name}", "", *(f"   {line}".rstrip() for line in text), ""]
        elif value is minnet.Sequential:
            lines += [f".. autoclass:: {name}", ""]
            for heading, names in METHODS.items():
                lines += [f"   .. rubric:: {heading}", ""]
                for method in names:
                    kind = inspect.getattr_static(value, method)
                    directive = "autoproperty" if isinstance(kind, property) else "automethod"
                    directive = "autoattribute" if not callable(kind) else directive
                    if isinstance(kind, property):
                        directive = "autoproperty"
                    lines += [f"   .. {directive}:: {name}.{method}", ""]
        elif inspect.isclass(value):
            lines += [f".. autoclass:: {name}"]
            if not issubclass(value, Exception):
                hidden = ", ".join(INSIDE.get(value.__name__, ()))
                lines += ["   :members:", *([f"   :exclude-members: {hidden}"] if hidden else [])]
            lines.append("")
            if value is minnet.callbacks.Callback:
                lines += [f"   .. automethod:: {name}.{hook}\n" for hook in HOOKS]
        else:
            lines += [f".. autofunction:: {name}", ""]
    return "\n".join(lines) + "\n"


def names_behind(module: str) -> Iterator[tuple[str, str]]:
    """The names of a module of another tool's words, each with its first sentence."""
    room = importlib.import_module(module)
    for name in sorted(getattr(room, "__all__", None) or vars(room), key=str.lower):
        value = getattr(room, name)
        home = getattr(value, "__module__", "")
        if name.startswith("_") or not home.startswith("minnet.") or not callable(value):
            continue
        if name in HELPERS and not (module.endswith("callbacks") and home == module):
            continue
        if not hasattr(room, "__all__") and not value.__module__.startswith("minnet.keras"):
            continue
        text = " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
        yield name, re.split(r"(?<=[.!?]) (?=[A-Z])", text)[0].replace("|", "\\|")
