"""What is right and what is wrong in a student's file, block by block."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from minnet.foundation.printing import printable
from minnet.teaching.scripts import (
    broadcasting,
    entering,
    epochs,
    evidence,
    implied,
    lastcall,
    leftovers,
    orders,
    reported,
    shared,
    sliding,
    stated,
    steps,
    truncating,
    uneven,
    unrolled,
    updates,
)
from minnet.teaching.scripts.analysis import analyse
from minnet.teaching.scripts.blocks import (
    Analysis,
    Block,
    differs,
    explains_some,
    fits,
    gradient_of,
    proportional,
    ratio,
)
from minnet.teaching.scripts.evidence import BlockFinding
from minnet.teaching.scripts.fewer import sample_counts, smaller, with_fewer
from minnet.teaching.scripts.mending import SECONDS, Search
from minnet.teaching.scripts.names import leaf, loss_rank, shown
from minnet.teaching.scripts.programs import Loop, Program
from minnet.teaching.scripts.recording import Recording
from minnet.teaching.scripts.replays import Run, Unit
from minnet.teaching.scripts.reported import proves_itself
from minnet.teaching.scripts.roles import is_handed_on
from minnet.teaching.scripts.running import seeded_state
from minnet.teaching.scripts.values import (
    as_it_becomes,
    copied,
    generators,
    slots,
)


@dataclass
class Section:
    """What is said of one piece of a file: a title, and a verdict for each block.

    `blocks` has a list of findings for each label; an empty one is right.
    """

    title: str
    blocks: dict[str, list[BlockFinding]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.blocks.values())

    def __str__(self) -> str:
        right = [label for label, findings in self.blocks.items() if not findings]
        wrong = {label: findings for label, findings in self.blocks.items() if findings}
        lines = [self.title, *(f"right  {label}" for label in right)]
        gradients = [n for n in right if n != "loss" and not n.startswith("update")]
        if wrong and gradients:
            be = "is" if len(gradients) == 1 else "are"
            lines.append(f"       {', '.join(gradients)} {be} right, so look below.")
        told: dict[str, str] = {}
        for label, findings in wrong.items():
            first, *more = findings[:2]
            cause = first.cause.lower() or first.text.lower()
            if cause in told and "line" in cause:
                lines.append(f"WRONG  {label}: {_following(first, told[cause])}")
                continue
            told[cause] = label
            lines.append(f"WRONG  {label}: {first.text}")
            lines += [f"       or, less sure: {finding.text}" for finding in more]
        return printable("\n".join(lines + [f"       {note}" for note in self.notes]))


def _following(finding: BlockFinding, block: str) -> str:
    """What is said of a block whose mistake was told of another already: the cause in short."""
    whole = finding.cause or finding.text
    own, short = finding.text.removesuffix(whole), re.split(r" The line is `|\. ", whole)[0]
    start = "It follows" if own else "it follows"
    return f"{own}{start} from the same as {block} does: {short[0].lower()}{short[1:].rstrip('.')}."


def loops(
    program: Program, recording: Recording, names: Sequence[str], attempt: epochs.Attempt
) -> list[Analysis]:
    """The analyses of the loops of the file that train something, one for each set of weights.

    `attempt` does a part of the work, and gives None where that takes too long.
    """
    analyses: list[epochs.Numbered] = []
    for loop in program.loops:
        snapshots = recording.passes.get(loop.number)
        if not snapshots:
            continue
        if any(isinstance(n, (ast.Yield, ast.YieldFrom, ast.Await)) for n in ast.walk(loop.node)):
            continue  # it cannot be run alone
        if names and not any(loop.owner == n or loop.owner.split(".")[0] == n for n in names):
            continue
        unit = epochs.unit_of(program, recording, loop)
        analysis = attempt(partial(_analysis_of, unit, program))
        if analysis is None or (not analysis.explicit and analysis.wrong):
            whole = reported.whole_pass(program, loop, unit)
            other = attempt(partial(_analysis_of, whole, program)) if whole is not None else None
            analysis = other if proves_itself(other) else analysis
        if analysis is not None and analysis.explicit and not _explains(analysis):
            later = _without_a_report(program, recording, loop, attempt)
            analysis = analysis if later is None else later
        if analysis is not None and analysis.blocks and not _learns_nothing(analysis):
            quality = _quality(analysis, loop.number)
            known = analysis.explicit or quality[2]  # a loss that nobody computes explains some
            if known or implied.likely(analysis):
                analysis.stated = stated.verdict(program, loop, analysis)
                left = leftovers.verdicts(analysis, snapshots)
                analysis.left_over = {path: finding.text for path, finding in left.items()}
                analyses.append((quality, loop.number, analysis))
    analyses += epochs.analyses(program, recording, attempt, analyses)
    analyses = [one for one in analyses if not _of_another_pass(program, one, analyses)]
    analyses.sort(key=lambda one: one[0], reverse=True)
    chosen: list[Analysis] = []
    covered: set[str] = set()
    for _, number, analysis in analyses:
        labels = {_bare(block.path) for block in analysis.blocks}
        if labels & covered or (chosen and _is_beside(analysis)):
            continue
        if any(_nested(program, number, other.unit.loop) for other in chosen):
            continue
        covered |= labels
        analysis.unit.loop = number
        for _, inner, other in analyses:
            if inner in program.loops[number].inner:
                analysis.left_over = {**other.left_over, **analysis.left_over}
        chosen.append(analysis)
    return chosen


def _without_a_report(
    program: Program, recording: Recording, loop: Loop, attempt: epochs.Attempt
) -> Analysis | None:
    """The analysis of the second pass, where none of its numbers is a loss and one is implied.

    The first pass may report one of other samples, as every hundredth does.
    """
    if len(recording.passes[loop.number]) < 2 or not reported.replaces_samples(loop):
        return None
    unit = epochs.unit_of(program, recording, loop, 1)
    later = attempt(partial(_analysis_of, unit, program))
    if later is None or later.explicit or not explains_some(later):
        return None
    return later


def _of_another_pass(program: Program, one: Any, all_of_them: Sequence[Any]) -> bool:
    """Whether a loop's loss is not the one that is trained: a loop inside says so.

    A report at the end of an epoch may go forward once more, without dropout. No gradient is right
    for that loss, or a factor of what is, and in the loop of the batches some are right for the one
    that they imply.
    """
    _, number, analysis = one
    if not analysis.explicit or _explains(analysis):
        return False
    paths = {block.path for block in analysis.blocks}
    return any(
        inner in program.loops[number].inner
        and other.updates
        and paths <= {block.path for block in other.blocks}
        and any(block.right and block.value.size > 1 for block in other.blocks)
        and _draws(analysis)
        for _, inner, other in all_of_them
    )


def _explains(analysis: Analysis) -> bool:
    """Whether a loss makes anything of the gradients: one is right, or two are of one factor."""
    large = [block for block in analysis.blocks if block.value.size > 1]
    ratios = [c for c in map(proportional, large) if c is not None]
    alike = any(abs(c - d) <= 1e-4 * abs(c) for i, c in enumerate(ratios) for d in ratios[:i])
    return alike or any(block.right for block in large) or (len(large) == 1 and bool(ratios))


def _trained(analysis: Analysis) -> Analysis:
    """The analysis by the loss that is implied, where the one that is computed is of another pass.

    It may be reported without dropout, or with running averages. Then some gradients are right for
    the other, and know of random numbers that the loss knows nothing of, or the loss knows of
    averages of which they know nothing. Or it is but a figure of the error that is trained.
    """
    other = analysis.implied
    if other is None or _explains(analysis):
        return analysis
    if not any(block.right and block.value.size > 1 for block in other.blocks):
        return analysis
    if reported.is_figure(analysis, other) or (not other.wrong and _is_output(analysis)):
        return other
    paths = {block.path for block in other.blocks}
    if paths < {block.path for block in analysis.blocks}:
        return analysis
    put, still = analysis.put, analysis.unit.leaving_out(analysis.stop)
    here, again = still.run(put), _drawn_again(still).run(put)
    if here.get(analysis.loss) == again.get(analysis.loss) and _draws(analysis):
        return other
    for path, value in put.items():
        if path in paths:
            continue
        there = still.run({**put, path: 1.1 * value + 0.01})
        same = all(
            not differs(gradient_of(b, here, {}), gradient_of(b, there, {}))
            for b in other.blocks
            if b.key
        )
        if same and here.get(analysis.loss) != there.get(analysis.loss):
            return other
    return analysis


def _is_output(analysis: Analysis) -> bool:
    """Whether the number that is taken for the loss is the one output that an error is of."""
    if loss_rank(analysis.loss) > 2:
        return False
    slopes = np.concatenate(list(analysis.slopes.values()))
    here = slopes[:, analysis.scalars.index(analysis.loss)]
    errors = [i for i, key in enumerate(analysis.scalars) if implied.is_error(key)]
    return any(ratio(here, slopes[:, column]) is not None for column in errors)


def _draws(analysis: Analysis) -> bool:
    """Whether other random numbers give other gradients."""
    one, two = analysis.unit.run(analysis.put), _drawn_again(analysis.unit).run(analysis.put)
    for block in analysis.blocks:
        here, there = gradient_of(block, one, {}), gradient_of(block, two, {})
        if here is None or there is None or np.shape(here) != np.shape(there):
            continue
        if not np.allclose(here, there, rtol=1e-6):
            return True
    return False


def _drawn_again(unit: Unit) -> Unit:
    """The unit with other random numbers, also from generators that its variables hold."""
    variables = copied(unit.variables)
    for generator in generators(variables):
        generator.normal(size=101)
    return unit.beginning_with(variables, seeded_state(2))


def _is_beside(analysis: Analysis) -> bool:
    """Whether a loop trains nothing, beside another that does: layers that hand on what they make.

    What it makes is put into a list, and is no loss, so that little of it is right.
    """
    by_name = not analysis.explicit or loss_rank(analysis.loss) > 1
    sure = by_name or explains_some(analysis) or not analysis.wrong
    return not analysis.updates or not sure


def _learns_nothing(analysis: Analysis) -> bool:
    """Whether a loop has a gradient of its inputs alone, or hands on a state and no more."""
    data = r"^(x|inputs?|data|features|h|a)(_|\d|$)"
    if all(is_handed_on(block.path) and not block.right for block in analysis.blocks):
        return not any(block.key for block in analysis.blocks)
    return not analysis.updates and all(
        re.match(data, leaf(block.path)[0], re.I) for block in analysis.blocks
    )


def _analysis_of(unit: Unit, program: Program) -> Analysis | None:
    first = unit.run()
    if first.error is None:
        as_it_becomes(unit.variables, first.names)
    truncated = truncating.as_floats(program, unit)
    analysis = analyse(smaller(truncated.unit))
    if analysis is None:
        return None
    analysis = _trained(analysis)
    analysis.cut = truncated.of(analysis)
    return analysis


def _nested(program: Program, a: int, b: int) -> bool:
    return a in program.loops[b].inner or b in program.loops[a].inner


def _bare(path: str) -> str:
    return re.sub(r"^\w+\.", "", path)


def _quality(analysis: Analysis, number: int) -> tuple[Any, ...]:
    known = sum(b.right or proportional(b) is not None for b in analysis.blocks)
    moved = bool(analysis.updates)
    return (analysis.explicit and moved, moved, known > 0, len(analysis.blocks), known, number)


FEW_ENTRIES = 3
"""Entries that many changes mend by chance, so that one is tried with other data, too."""


@dataclass
class Elsewhere:
    """The same unit with another number of samples."""

    analysis: Analysis
    sizes: dict[int, int]  # lengths before → lengths there

    def ratio(self, path: str) -> float | None:
        """The ratio of the code's gradient to the measured one."""
        for block in self.analysis.blocks:
            if block.path == path:
                return proportional(block)
        return None


def elsewhere(analysis: Analysis) -> Elsewhere | None:
    """The unit once more with another number of samples."""
    unit = analysis.unit
    weights = {block.path for block in analysis.blocks}
    targets = {b.path: b.key for b in analysis.blocks if b.key}
    for rows in sample_counts(unit, weights)[:2]:
        for fewer in dict.fromkeys((rows - 1, rows - 2, rows // 2, rows // 6, 5, 3)):
            if not 2 <= fewer < rows:
                continue
            other = with_fewer(unit, rows, fewer, weights)
            if other is None:
                continue
            there = analyse(other, None if unit.alone else targets)
            if there is None or there.explicit != analysis.explicit or targets is None:
                continue
            if _leaves_out(analysis, there):
                continue  # that number was no count of samples, but of layers
            before, after = unit.run(), other.run()
            sizes: dict[int, int] = {rows: fewer}
            if _batches(before) and _batches(before) == _batches(after):
                continue  # the batch is as large as before
            ends = {s.path: s for s in slots(after.names)}
            for slot in slots(before.names):
                if slot.path in ends:
                    for a, b in zip(
                        np.shape(slot.value), np.shape(ends[slot.path].value), strict=False
                    ):
                        if a != b:
                            sizes.setdefault(a, b)
            return Elsewhere(there, sizes)
    return None


def _leaves_out(analysis: Analysis, there: Analysis) -> bool:
    """Whether a block that has some gradient has none there, or is none there."""
    some, left = (
        {b.path for b in one.blocks if b.analytic is not None and np.any(b.analytic)}
        for one in (analysis, there)
    )
    return not some <= left


def another_pass(analysis: Analysis, snapshots: Sequence[Any]) -> Analysis | None:
    """The same at the beginning of a later pass of the loop, with other data where they change.

    A pass tells nothing in which a step has the velocity of those before in it, so that what is
    right here is wrong there.
    """
    paths = {block.path for block in analysis.blocks}
    right = {block.path for block in analysis.blocks if block.right}
    for snapshot in snapshots[1:4]:
        unit = analysis.unit.beginning_with(snapshot.variables, snapshot.state)
        there = analyse(smaller(unit))
        if there is None or there.loss != analysis.loss:
            continue
        if right & {block.path for block in there.wrong}:
            continue
        if paths <= {block.path for block in there.blocks}:
            return there
    return None


def findings_of(analysis: Analysis, seconds: float) -> dict[str, list[BlockFinding]]:
    """What is said of each block by its label; nothing where it is right."""
    blocks = sorted(analysis.blocks, key=lambda b: b.path, reverse=True)
    if all(block.right for block in blocks):
        return {block.label: [] for block in blocks}
    samples = sample_counts(analysis.unit, {b.path for b in analysis.blocks})
    return _of_wrong(analysis, blocks, samples, seconds)


def _batches(run: Run) -> list[tuple[int, ...]]:
    """The shapes of what looks like the targets of a batch."""
    return [
        np.shape(s.value)
        for s in slots({k: v for k, v in run.names.items() if not k.startswith("__")})
        if re.match(
            r"^(y|t)_?(b|batch|mini|i|idx)\w*$|^(batch|mini)_?\w*(y|t|labels|targets)$|^(err|error|delta)\w*$",
            leaf(s.path)[0],
            re.I,
        )
        and np.ndim(s.value)
    ]


def examine(
    analysis: Analysis, snapshots: Sequence[Any] = (), seconds: float = SECONDS
) -> Section | None:
    """The verdict on a unit: its gradients, its loss and its update.

    None where no loss is computed, and none is known that the gradients could be meant for.
    """
    if implied.in_doubt(analysis):
        known = implied.meant(analysis, seconds)
        if known is None:
            return None
        analysis = known
    analysis = updates.followed(analysis, snapshots)
    samples = sample_counts(analysis.unit, {b.path for b in analysis.blocks})
    with_what = (
        shown(analysis.loss)
        if analysis.explicit
        else f"no loss is computed, so by {implied.in_words(analysis.loss)}"
    )
    section = Section(f"{analysis.unit.title}, loss: {with_what}")
    blocks = sorted(analysis.blocks, key=lambda b: b.path, reverse=True)
    wrong = [block for block in blocks if not block.right]
    long = uneven.of_batch(analysis)
    whole = {p: BlockFinding("wrong", text) for p, text in analysis.cut.items()}
    named = {**long, **whole, **lastcall.of_batch(analysis)}
    if all(block.path in named for block in wrong):
        section.blocks = {b.label: [named[b.path]] if b.path in named else [] for b in blocks}
    else:
        section.blocks = _of_wrong(analysis, blocks, samples, seconds, snapshots)
        for block in blocks:
            if block.path in whole:
                section.blocks[block.label].insert(0, whole[block.path])
    learned = {block.path for block in blocks}
    section.blocks |= {path: [finding] for path, finding in whole.items() if path not in learned}
    for block in blocks:
        if block.path in analysis.left_over:
            old = BlockFinding("stale", analysis.left_over[block.path])
            section.blocks[block.label] = [old, *section.blocks.get(block.label, [])]
        lost = steps.instead_of_weights(analysis, block)
        if lost is not None:
            section.blocks[block.label] = [lost]
    if analysis.stated:
        section.blocks["loss"] = [BlockFinding("wrong", analysis.stated)]
    pairs = broadcasting.of_pairs(analysis)
    if pairs is not None:
        section.blocks["loss"] = [pairs, *section.blocks.get("loss", [])]
    common = _same_factor(analysis)
    if common is not None:
        section.notes.append(
            f"All of them are {common:.4g} times the slopes of the loss: the way down is right, "
            "and the steps are those of another learning rate."
        )
    for label, told in updates.verdicts(analysis, snapshots).items():
        section.blocks[label] = [*section.blocks.get(label, []), *told]
    return section


def _same_factor(analysis: Analysis) -> float | None:
    """What all gradients are times the slopes of a loss that is computed, if it is not 1."""
    factors = [proportional(block) for block in analysis.blocks]
    c = factors[0]
    if c is None or c <= 0 or len(factors) < 2 or any(b.right for b in analysis.blocks):
        return None
    same = all(d is not None and abs(d - c) <= 1e-4 * c for d in factors)
    return c if same and analysis.explicit else None


def _of_wrong(
    analysis: Analysis,
    blocks: list[Block],
    samples: list[int],
    seconds: float,
    snapshots: Sequence[Any] = (),
) -> dict[str, list[BlockFinding]]:
    wrong = [block for block in blocks if not block.right]
    order = orders.verdicts(analysis, blocks)
    if order is not None:
        return order
    up = {b.path: f for b in wrong if (f := steps.uphill(analysis, b)) is not None}
    if up and len(up) == len(wrong):
        return {b.label: [up[b.path]] if b.path in up else [] for b in blocks}
    truncated = truncating.gradients(analysis, blocks)
    batch = sorted({shape[0] for shape in _batches(analysis.unit.run()) if shape and shape[0] > 2})
    samples = [*batch, *(n for n in samples if n not in batch)]
    other = elsewhere(analysis)
    search = Search(analysis, seconds)
    if other is not None:
        search.other, search.samples = other.analysis, frozenset({*other.sizes, *batch})
    elif samples:
        search.samples = frozenset(samples)
    if other is None and any(block.value.size <= FEW_ENTRIES for block in wrong):
        search.other = another_pass(analysis, snapshots)
    search.later = partial(another_pass, analysis, snapshots)
    here = {b.path: _numbers(b, samples, other) for b in wrong}
    telling = any(
        f is not None and f.kind != "wrong" and "in the others" not in f.text for f in here.values()
    )
    slid = {  # the right numbers times a constant are where they belong
        b.path: f
        for b in wrong
        if proportional(b) is None
        and (f := sliding.of_block(analysis, b) or unrolled.of_block(analysis, b)) is not None
    }
    telling = telling or bool(slid)
    search.of_loss = not telling and len(wrong) == len(blocks)
    other_loss = _implied_by_other_loss(analysis) if search.of_loss else None
    mended = search.run()
    if other_loss is not None and len(mended) > 1:  # one loss says more than a change of each line
        mended = []
    if (mended and mended[0].loss) or (other_loss is not None and not mended):
        findings = [other_loss] if other_loss is not None else []
        if mended:
            edit = mended[0].edit
            labels = [b.label for b in wrong]
            findings.insert(
                0, BlockFinding(edit.kind, _told(edit, labels, "the loss or the way to it"))
            )
        return {**{b.label: [] for b in blocks}, "loss": findings}
    result: dict[str, list[BlockFinding]] = {}
    for block in blocks:
        if block.right:
            result[block.label] = []
            continue
        findings = []
        number = here[block.path]
        change = next((m for m in mended if block.path in m.paths), None)
        if block.path in slid and not (change and "is turned round" in change.edit.words):
            findings.append(slid[block.path])
        if block.path in truncated:
            findings.append(truncated[block.path])
        if change is not None:
            labels = [b.label for b in blocks if b.path in change.paths]
            cause = text = _told(change.edit, labels, "")
            if number is not None and number.kind != "wrong":
                cause = f"{text[0].upper()}{text[1:]}"
                text = f"{number.text} {cause}"
            findings.append(BlockFinding(change.edit.kind, text, cause))
        elif (other_number := entering.of_number(analysis, block)) is not None:
            findings.append(other_number)
        elif number is not None:
            findings.append(number)
        elif not findings:
            missing = shared.of_block(analysis, block, search.scope)
            findings.append(_unknown(block, blocks) if missing is None else missing)
        result[block.label] = findings
    return result


def _told(edit: Any, labels: list[str], subject: str) -> str:
    agree = (
        f"{', '.join(labels)} {'agrees' if len(labels) == 1 else 'agree'} with what was measured"
    )
    name = f"{subject}, " if subject else ""
    return (
        f"{name}line {edit.line}: {edit.words}. The line is `{edit.before}`; with `{edit.after}` "
        f"{agree}."
    )


def _numbers(block: Block, samples: list[int], other: Elsewhere | None) -> BlockFinding | None:
    """The finding of the numbers, with another number of samples where there is one."""
    if other is not None:
        there = other.ratio(block.path)
        c = proportional(block)
        if there is not None and c is not None:
            for before, after in other.sizes.items():
                if evidence.power_of(there / c, after / before):
                    return evidence.of_block(block, before, (after, there))
            before, after = next(iter(other.sizes.items()))
            return evidence.of_block(block, before, (after, there))
    return evidence.of_block(block, samples[0] if samples else None)


def _unknown(block: Block, blocks: list[Block]) -> BlockFinding:
    right = [b.label for b in blocks if b.right]
    text = evidence.plainly(block)
    if right:
        text += (
            f" What {', '.join(right)} are made of is right; look at what comes after it on the "
            "way back."
        )
    return BlockFinding("wrong", text)


def _implied_by_other_loss(analysis: Analysis) -> BlockFinding | None:
    """A loss that the gradients are right for, where that which is computed is another."""
    if not analysis.explicit or all(block.value.size == 1 for block in analysis.blocks):
        return None
    _unit, keys = analysis.unit, analysis.scalars
    best = None
    for column, key in enumerate(keys):
        if not implied.is_error(key):
            continue
        ratios = []
        for block in analysis.blocks:
            if block.analytic is None or not fits(block.analytic, block.value):
                break
            slopes = analysis.slopes.get(block.path)
            if slopes is None:
                break
            c = ratio(block.at(block.analytic), slopes[:, column])
            if c is None or c <= 0:
                break
            ratios.append(c)
        else:
            if ratios and max(ratios) - min(ratios) <= 1e-4 * max(ratios):
                best = (key, ratios[0])
                break
    if best is None:
        return None
    name = implied.in_words(best[0])
    return BlockFinding(
        "wrong",
        f"the gradients are those of {name}, times {best[1]:.4g}, and right for it; the loss that "
        f"is computed ({shown(analysis.loss)}) is another. Look at the formula of the loss: a "
        "sign, a bracket, a term or the array in it is wrong.",
    )
