"""A network: layers whose arrays are views into three vectors, run forward, backward and trained.

How its layers are stacked stands in `stack.py`, the vectors in `vectors.py`, a training step in
`step.py`, and how a fit goes in `minnet.training`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from minnet.engine.borders import try_own_classes
from minnet.engine.compiled import CompiledStack
from minnet.engine.inputs import Data, check_data
from minnet.engine.overriding import NOT_CALLED, NOT_OVERRIDDEN, check_set
from minnet.engine.plan import Plan, make_plan, run_backward, run_forward
from minnet.engine.refusals import unchanged_where_refused
from minnet.engine.step import Batch, TrainingStep, apply_gradient
from minnet.engine.updates import UpdateGroup
from minnet.foundation import checks
from minnet.foundation.checks import Array
from minnet.foundation.strict import setting
from minnet.layers import Layer
from minnet.layers.base import Memo

PREDICT_ROWS = 1024
"""Rows that are predicted at a time."""


class Network(CompiledStack):
    """A stack of layers with its weights, gradients and states in three vectors, and its training.

    What the other rooms use of it, besides what users know from `Sequential`:

    - `layers`, `steps`: what was added and what runs; `built_for`, `require_built()`.
    - `theta`, `grad`, `state`: the vectors; `named_arrays()`: the views, by name.
    - `plan()`: how a training step runs as the layers are frozen now.
    - `compiled`: how it is trained, or RuntimeError; `is_compiled` asks, `train_as` sets it.
    - `add_all(layers)`: `add` for many at once; `checked_data(x, y)`: as training computes with it.
    - `run_batch(x, target, weight, rng)` and `run_update()`: a training step with a batch that was
      checked, by the model's own `loss_and_gradient` and `apply_gradient`; every caller's steps.
    - `training_step`: the outputs and memos of the last; `update_groups()`: what an update moves.
    - `run(x, start, stop)`: some steps in inference mode; `training_alone()`: one fit a time.
    """

    inner = frozenset({"forward", "backward", "plan", "run", "run_batch", "run_update"})

    not_called: ClassVar[Mapping[str, str]] = MappingProxyType(NOT_CALLED)
    """What a class below may not have, since no fit calls it → what to write instead."""

    stop_training: bool = setting(checks.boolean, whose="The model's", default=False)
    preprocessing: str | None = setting(
        checks.text, whose="The model's", optional=True, default=None
    )
    provenance: dict[str, Any]
    history: Any = None  # what the last fit recorded
    training_step: TrainingStep
    scale_checked: bool = False  # whether inputs on another scale were warned of
    processes: int = 1  # how many compute each step together: several in minnet.parallel alone

    has_own_step: bool = False
    """Whether a subclass, or the user, put another `loss_and_gradient` in the place of this."""

    has_own_update: bool = False
    """Whether a subclass, or the user, put another `apply_gradient` in the place of this."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.has_own_step = cls.loss_and_gradient is not Network.loss_and_gradient
        cls.has_own_update = cls.apply_gradient is not Network.apply_gradient

    def __setattr__(self, name: str, value: Any) -> None:
        if name in NOT_OVERRIDDEN:
            check_set(self, name, value)
        super().__setattr__(name, value)
        if name == "loss_and_gradient":
            self.has_own_step = True
        elif name == "apply_gradient":
            self.has_own_update = True

    def _lay_out(self) -> None:
        super()._lay_out()
        # the plan, and how often each layer that it was made from had been set
        self._planned: tuple[Plan, list[tuple[Layer, int]]] | None = None
        self.training_step = TrainingStep()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what `_lay_out` makes."""
        left_out = ("_planned", "training_step")
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in left_out}

    # --- running --------------------------------------------------------------------------------

    @property
    def runs_own_code(self) -> bool:
        """Whether a training runs formulas of a user's: classes, or halves of a step."""
        own_halves = self.has_own_step or self.has_own_update
        return own_halves or self.plan().own_classes or self.compiled.own_classes

    def plan(self) -> Plan:
        """Return how a training step runs, worked out anew when something of a layer was set."""
        planned = self._planned
        if planned is not None:
            plan, revisions = planned
            for layer, revision in revisions:
                if layer.revision != revision:
                    break
            else:
                return plan
        self.require_built()
        # counted first: what another thread sets meanwhile outdates the plan
        revisions = [(layer, layer.revision) for layer in (*self.layers, *self.steps)]
        plan = make_plan(self.layers, self.built_for)
        self._planned = plan, revisions
        return plan

    def forward(
        self, x: Array, memos: Sequence[Memo | None] | None = None, *, start: int = 0
    ) -> list[Array]:
        """Return the outputs [x, y1, y2, …, yL] of all steps; the last is the prediction.

        Parameters
        ----------
        x : (N, …) array
            The input of the step number `start`, in the model's dtype; its numbers are not checked.
        memos
            A dict for each step, for training; None means inference.
        start
            The number of the first step to run, from 0.

        Raises
        ------
        ValueError
            An x of another shape, or not one memo for each step.
        RuntimeError
            The model is not built.

        Examples
        --------
        >>> import numpy as np
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(4, activation="tanh", input_dim=2), Dense(1)], seed=0)
        >>> [y.shape for y in model.forward(np.zeros((3, 2), dtype=np.float32))]
        [(3, 2), (3, 4), (3, 4), (3, 1)]
        """
        self.require_built()
        steps = self.plan().steps
        if memos and len(memos) != len(steps):
            raise ValueError(
                f"forward takes one memo for each of the model's {len(steps)} steps. Got "
                f"{len(memos)}. Give {{}} or None for each of model.steps."
            )
        try:
            return run_forward(steps[start:], x, (memos or [None] * len(steps))[start:])
        except ValueError:
            first = np.asarray(x)
            if start or first.shape[1:] == self.input_shape:
                raise  # a fault inside a layer
            checks.shaped(first, self.input_shape, "forward's x", drawn=self.draw_misfit)
            raise

    def backward(
        self,
        outputs: Sequence[Array],
        dy: Array,
        memos: Sequence[Memo | None] | None = None,
    ) -> None:
        """Fill `grad` from dy, the gradient of the loss with respect to the last output.

        Goes back from the last step to the lowest one that learns, and no further.

        Parameters
        ----------
        outputs : list of (N, …) ndarray
            What `forward` gave.
        dy : (N, …) array
            ∂L/∂y_L, in the shape of the last output.
        memos
            Those that `forward` was given.

        Raises
        ------
        ValueError
            A dy or outputs of another shape, by NumPy's own message: formulas are not checked.
        RuntimeError
            The model is not built.

        Examples
        --------
        >>> import numpy as np
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(1, input_dim=2)], seed=0)
        >>> outputs = model.forward(np.array([[1.0, 2.0]], dtype=np.float32))
        >>> model.backward(outputs, np.ones((1, 1), dtype=np.float32))
        >>> model.grad  # ∂L/∂W = x, ∂L/∂b = 1
        array([1., 2., 1.], dtype=float32)
        """
        plan = self.plan()
        run_backward(plan.backward, outputs, dy, memos or [None] * len(plan.steps))

    def run(self, x: Array, start: int = 0, stop: int | None = None) -> Array:
        """Return what some of the steps make of x in inference mode; nothing is checked.

        Parameters
        ----------
        start, stop
            The first step to run, and the one before which to stop.
        """
        plan = self.plan()
        # A layer of a user's own may write into its input, which is the caller's array.
        y = x.astype(self.dtype, copy=plan.own_classes) if start == 0 else x
        for step in plan.steps[start:stop]:
            y = step.forward(y)
        view = y is x or y.base is not None
        return y.copy() if view and np.may_share_memory(y, x) else y

    # --- one training step ----------------------------------------------------------------------

    @property
    def outputs(self) -> list[Array]:
        """The outputs [x, y1, …, yL] of the last training step."""
        return self.training_step.outputs

    def penalty(self) -> float:
        """Return the sum of the penalties on weights of trainable layers; a part of every loss."""
        return sum(regularizer(weight) for weight, _, regularizer in self.plan().penalties)

    def checked_data(self, x: Any, y: Any, sample_weight: Any = None, whose: str = "") -> Data:
        """Return samples and targets as training computes with them; builds the model.

        Parameters
        ----------
        whose
            What stands before "x" and "y" in errors, such as "validation ".

        Raises
        ------
        ValueError, TypeError
            Shapes that do not fit, NaN or infinity, targets that the loss does not take.
        """
        compiled, output_shape = self.compiled, self.plan().output_shape if self.built else None
        data = check_data(self, compiled.loss, x, y, sample_weight, whose, output_shape)
        if output_shape is None:
            self.build(data.x.shape[1:])
        plan, (seen, seen_with) = self.plan(), self.training_step.checked
        same = plan is seen and compiled is seen_with and not compiled.own_classes
        if not same or compiled.metrics:  # layers may have come, settings may be others
            compiled.check_end(plan.steps, plan.output_shape)
            self.training_step.checked = plan, compiled
        return data

    def run_batch(
        self,
        x: Array,
        target: Array,
        weight: Array | None,
        rng: np.random.Generator,
        start: int = 0,
    ) -> float:
        """Return the loss of a batch that was checked; its gradient is in `grad` afterwards.

        Where a subclass overrides `loss_and_gradient`, that is what runs.

        Parameters
        ----------
        x, target, weight
            As `checked_data` gives them.
        rng
            For dropout.
        start
            The number of the step that x is the input of, above 0 where those below have run.
        """
        if self.has_own_step:
            return self._run_own_step(Batch(x, target, weight, rng))
        loss = self.compiled.loss
        return self.training_step.compute(self.plan(), loss, x, target, weight, rng, start)

    def _run_own_step(self, batch: Batch) -> float:
        memory = self.training_step
        memory.batch, memory.outputs = batch, []
        try:
            loss = self.loss_and_gradient(batch.x, batch.target, batch.weight)
        finally:
            memory.batch = None
        if not memory.outputs:  # it has computed them in a way of its own
            memory.outputs = self.forward(batch.x)
        return loss

    def loss_and_gradient(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        seed: int | np.random.Generator | None = None,
    ) -> float:
        """Return the loss of a batch, in training mode; its gradient is in `grad` afterwards.

        Nothing is updated. The penalties of trainable layers are included in both. A subclass may
        override it: `fit` and all others then take the loss and the gradient from there.

        Parameters
        ----------
        x : (N, …) array
            Samples.
        y : (N,) or (N, …) array
            Targets.
        sample_weight : (N,) array or None
            Factor of each sample's loss: the loss is Σ wₙ Lₙ / N.
        seed
            For dropout; the generator of the fit under way, or else the model's, if None.

        Raises
        ------
        ValueError, TypeError
            Shapes that do not fit, NaN or infinity, targets that the loss does not take.
        RuntimeError
            The model is not compiled.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> model = Sequential([Dense(1, use_bias=False, input_dim=1)], seed=0)
        >>> model.set_weights([[[1.0]]])
        >>> model.compile("sgd", "mse")
        >>> model.loss_and_gradient([[1.0]], [3.0])  # (1 − 3)², and its slope 2 · (1 − 3) · 1
        4.0
        >>> model.grad
        array([-4.], dtype=float32)
        """
        batch = self.training_step.batch  # on its way through a subclass's method
        if batch is None or x is not batch.x or y is not batch.target or seed is not None:
            with unchanged_where_refused(self):
                data = self.checked_data(x, y, sample_weight)
                if self.runs_own_code:
                    try_own_classes(self, data)
                rng = self.rng if batch is None else batch.rng
                rng = rng if seed is None else checks.generator(seed)
            batch = Batch(data.x, data.target, data.weight, rng)
        with np.errstate(all="ignore"):  # what is not finite shows in the loss and in grad
            return self.training_step.compute(self.plan(), self.compiled.loss, *batch)

    def update_groups(self) -> tuple[UpdateGroup, ...]:
        """Return what one update moves: trainable layers, adjacent ones with one rate together."""
        return self.compiled.updates.groups(self.plan(), self)

    def run_update(self) -> None:
        """Make the update after `run_batch`, by the model's own `apply_gradient` if it has one."""
        if self.has_own_update:
            self.apply_gradient()
            return
        apply_gradient(self.plan(), self.compiled.updates, self, self.training_step)

    def apply_gradient(self) -> None:
        """Move theta by one step of the optimizer along `grad`: only what is trainable.

        The gradient is clipped first if the optimizer says so. Afterwards layers such as
        BatchNormalization write their running statistics. A subclass may override it, and `fit`
        and all others then update so.

        Raises
        ------
        RuntimeError
            The model is not compiled, or not built.

        Examples
        --------
        >>> from minnet import Sequential
        >>> from minnet.layers import Dense
        >>> from minnet.optimizers import SGD
        >>> model = Sequential([Dense(1, use_bias=False, input_dim=1)], seed=0)
        >>> model.set_weights([[[1.0]]])
        >>> model.compile(SGD(learning_rate=0.25), "mse")
        >>> loss = model.loss_and_gradient([[1.0]], [3.0])
        >>> model.apply_gradient()
        >>> model.theta  # 1 − 0.25 · (−4)
        array([2.], dtype=float32)
        """
        apply_gradient(self.plan(), self.compiled.updates, self, self.training_step)
        self.tell_written()
