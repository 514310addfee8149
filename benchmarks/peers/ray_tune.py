"""Ray Tune as its guide "How to use Tune with PyTorch" shows it, with its OptunaSearch and its ASHA scheduler.

python -m benchmarks.peers.ray_tune --data parts.npz --seconds 180 --out FOLDER
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from benchmarks.peers import mnist


def train(config: mnist.Config, data: mnist.Arrays, seed: int) -> None:
    training = mnist.Training(config, data, seed)
    for _ in range(mnist.EPOCHS):
        accuracy = training.epoch()
        with tempfile.TemporaryDirectory() as folder:
            torch.save((training.net.state_dict(), training.optimizer.state_dict()), Path(folder) / "checkpoint.pt")
            tune.report({"accuracy": accuracy, "at": time.time()}, checkpoint=tune.Checkpoint.from_directory(folder))


def main() -> None:
    arguments = mnist.arguments(__doc__)
    ray.init(address="local", num_cpus=2)
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(train, data=mnist.load(arguments.data), seed=arguments.seed), resources={"cpu": 1}
        ),
        tune_config=tune.TuneConfig(
            metric="accuracy",
            mode="max",
            search_alg=OptunaSearch(mnist.suggest, metric="accuracy", mode="max", seed=arguments.seed),
            scheduler=ASHAScheduler(max_t=mnist.EPOCHS, grace_period=1, reduction_factor=2),
            num_samples=-1,
            max_concurrent_trials=2,
            time_budget_s=mnist.left(arguments.seconds),
        ),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(arguments.out.resolve()),
            checkpoint_config=tune.CheckpointConfig(num_to_keep=1, checkpoint_score_attribute="accuracy"),
            verbose=0,
        ),
    )
    results = tuner.fit()
    frames = [results[i].metrics_dataframe for i in range(len(results))]
    points = [
        (trial, float(at), float(score))
        for trial, frame in enumerate(frames)
        if frame is not None and "accuracy" in frame  # a trial that time stopped in its first epoch has no scores
        for at, score in zip(frame["at"], frame["accuracy"], strict=True)
    ]
    best = results.get_best_result(scope="all")
    mnist.write(arguments.out, points, best.config or {}, weights_of(best))


def weights_of(result: Any) -> dict[str, torch.Tensor]:
    """Those of a trial's best epoch."""
    with result.get_best_checkpoint("accuracy", "max").as_directory() as folder:
        weights: dict[str, torch.Tensor] = torch.load(Path(folder) / "checkpoint.pt")[0]
    return weights


if __name__ == "__main__":
    main()
