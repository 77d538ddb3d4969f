"""Before a fine-tuning begins: by which recipe, for how many steps, and how the loop is driven."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic

from torch import Tensor

from dctts.atomic import write_json
from dctts.budget import Costs, Plan, fit
from dctts.recipes import FROM_NOTHING, FinetuneRecipe, recipe_for
from dctts.text2mel_task import Text2MelRecipe
from dctts.train import TrainOptions
from dctts.voice import Voice

log = logging.getLogger(__name__)

STEPS_PER_MINUTE, MOST_STEPS = 1000, 15_000
"""Text2Mel: the rule the field settled on (NeMo, by way of IMS-Toucan#90), capped where sentdex's video ends."""
SSRN_STEPS_PER_MINUTE, MOST_SSRN_STEPS = 270, 4000
GENTLE_SSRN_RATE = 3e-5
"""For somebody who asks for SSRN steps where the recipe has none."""
COMPILED_FROM = 1000
"""Steps; compiling takes about a minute."""


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """When a run must have ended."""

    begun_s: float
    """Of `time.monotonic`."""
    budget_s: float

    @property
    def at_s(self) -> float:
        """Of `time.monotonic`."""
        return self.begun_s + self.budget_s


def choose_recipe(minutes: float, speaker: Tensor, base: Voice | None, *, batch_size: int | None) -> FinetuneRecipe:
    """Choose by the minutes of speech and by how near the nearest of the base's voices is."""
    if base is None:
        recipe = FROM_NOTHING
    else:
        similarity = max(float(speaker @ voice) for voice in (base.speaker, *base.speakers.values()))
        recipe = recipe_for(minutes, similarity=similarity)
        log.info("recipe for %s; similarity to the nearest voice of the base %.2f", recipe.name, similarity)
    return replace(recipe, batch_size=batch_size) if batch_size else recipe


def teaching(recipe: FinetuneRecipe, *, seed: int, from_base: bool) -> Text2MelRecipe:
    """Say how Text2Mel is taught under a recipe."""
    plain = Text2MelRecipe(
        seed=seed,
        batch_size=recipe.batch_size,
        splice_probability=recipe.splice,
        freeze_text=from_base and not recipe.text_encoder,
    )
    if not from_base:
        return plain
    # A base reads already: no guide is needed, and its own past may be disturbed from the start.
    return replace(
        plain,
        guide_weight=plain.guide_final,
        aligned_weight=plain.aligned_final,
        corrupt_from=0,
        corrupt_ramp=recipe.warmup_steps,
    )


def full_plan(
    minutes: float, recipe: FinetuneRecipe, *, steps: int | None, ssrn_steps: int | None, evaluate_every: int
) -> Plan:
    """Count the steps by the minutes, where they are not given."""
    by_minutes = max(1, min(MOST_SSRN_STEPS, round(SSRN_STEPS_PER_MINUTE * minutes)))
    return Plan(
        steps=steps or max(1, min(MOST_STEPS, round(STEPS_PER_MINUTE * minutes))),
        ssrn_steps=ssrn_steps or (by_minutes if recipe.ssrn_learning_rate else 0),
        evaluate_every=evaluate_every,
    )


def load_plan(run: Path) -> Plan | None:
    """Read the plan that a budget made; None when there is none yet."""
    path = run / "plan.json"
    return Plan.from_json(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def plan_within(run: Path, full: Plan, deadline: Deadline, measure: Callable[[], Costs]) -> Plan:
    """Measure, shorten the plan to what fits, and keep it for when the run goes on."""
    costs = measure()
    left_s = deadline.at_s - monotonic()
    plan = fit(full, costs, left_s)
    write_json(run / "plan.json", asdict(plan))
    log.info(
        "%.2f s a Text2Mel step, %.2f s an SSRN step, %.0f s an evaluation; %.0f min are left",
        *(costs.step_s, costs.ssrn_step_s, costs.evaluation_s, left_s / 60),
    )
    return plan


def train_options(
    recipe: FinetuneRecipe, *, steps: int, learning_rate: float, every: int, seed: int, device: str
) -> TrainOptions:
    """Say how the loop is driven for either network."""
    return TrainOptions(
        steps=steps,
        learning_rate=learning_rate,
        final_fraction=recipe.final_fraction,
        warmup_steps=min(recipe.warmup_steps, max(1, steps // 10)),
        pull=recipe.pull,
        average_decay=recipe.average_decay,
        log_every=min(50, max(1, steps // 10)),
        validate_every=every,
        save_every=every,
        seed=seed,
        device=device,
        compile=steps >= COMPILED_FROM,
    )
