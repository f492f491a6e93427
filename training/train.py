"""Trains the network on the packed rows of `prepare.py`, for a given time, on a CPU or one GPU.

    python training/train.py --data data --out run --minutes 90
    python training/train.py --data data --out run --minutes 20 --device cuda --width 512 --batch-tokens 40000

Stopped, it goes on where it was when called again: rows, random numbers, optimizers and clock are in `checkpoint.pt`.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import Tensor

from model import PAD, Size, Transformer
from muon import Muon
from start import grown_from

BOS, EOS = 2, 3
ROWS_AT_A_TIME = 100_000
VALIDATION_EVERY = 500  # rows
VALIDATION_ROWS = 2000
SMOOTHING = 0.1
LOSS_ROWS = 1024
AVERAGE_EVERY, AVERAGE_KEEPS = 10, 0.97
REPORT_EVERY = 50


@dataclass(frozen=True, slots=True)
class Data:
    """The packed rows; a row that may be turned stands for two, the second with source and target exchanged."""

    tokens: np.ndarray
    starts: np.ndarray
    columns: dict[str, np.ndarray]
    tags: list[int]
    vocabulary: int
    weights: np.ndarray
    rows_of_groups: list[np.ndarray]
    validation: np.ndarray

    @staticmethod
    def load(directory: Path) -> "Data":
        packed = np.load(directory / "train.npz")
        columns = {name: packed[name] for name in ("sources", "targets", "from_language", "to_language", "reversible")}
        lengths = columns["sources"].astype(np.int64) + columns["targets"]
        pieces = json.loads((directory / "pieces.json").read_text("utf-8"))
        rows = np.arange(len(lengths))
        held = rows % VALIDATION_EVERY == 0
        turned = rows[columns["reversible"].astype(bool)] + len(rows)
        group = np.concatenate([packed["group"], packed["group"]])
        usable = np.concatenate([rows[~held], turned[~held[turned - len(rows)]]])
        return Data(
            packed["tokens"],
            np.concatenate([[0], np.cumsum(lengths)[:-1]]),
            columns,
            [pieces.index(f"<2{code}>") for code in packed["languages"]],
            len(pieces),
            packed["weights"],
            [usable[group[usable] == index] for index in range(len(packed["weights"]))],
            np.concatenate([rows[held], turned[held[turned - len(rows)]]]),
        )

    def row(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The tokens of a source, with its tag and end, and of its target, with its end."""
        count = len(self.starts)
        base = index % count
        start, length, other = self.starts[base], self.columns["sources"][base], self.columns["targets"][base]
        source = self.tokens[start : start + int(length)]
        target = self.tokens[start + int(length) : start + int(length) + int(other)]
        language = self.columns["to_language"][base]
        if index >= count:
            source, target, language = target, source, self.columns["from_language"][base]
        return np.concatenate([[self.tags[language]], source, [EOS]]), np.concatenate([target, [EOS]])

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """The longer of source and target."""
        return np.maximum(self.columns["sources"], self.columns["targets"])[rows % len(self.starts)]


def drawn(data: Data, seed: int, chunk: int) -> np.ndarray:
    """The rows of a chunk: of each group as many as its weight says, going through the group in random order."""
    chosen = []
    for group, rows in enumerate(data.rows_of_groups):
        each = round(ROWS_AT_A_TIME * data.weights[group]) if len(rows) else 0
        places = np.arange(chunk * each, (chunk + 1) * each)
        for cycle in np.unique(places // max(len(rows), 1)):
            order = np.random.default_rng([seed, group, int(cycle)]).permutation(rows)
            chosen.append(order[places[places // len(rows) == cycle] % len(rows)])
    return np.concatenate(chosen)


def batches(data: Data, seed: int, chunk: int, batch_tokens: int) -> list[np.ndarray]:
    """The rows of a chunk in batches of like lengths, each of at most so many tokens with its padding, shuffled."""
    rows = drawn(data, seed, chunk)
    noise = np.random.default_rng([seed, chunk]).random(len(rows))
    lengths = data.lengths(rows)
    order = np.argsort(lengths + noise, kind="stable")
    found: list[np.ndarray] = []
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or (end + 1 - start) * (int(lengths[order[end]]) + 2) > batch_tokens:
            found.append(rows[order[start:end]])
            start = end
    shuffled = np.random.default_rng([seed, chunk, 1]).permutation(len(found))
    return [found[index] for index in shuffled]


def padded(data: Data, rows: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Sources [B, S], what the decoder reads [B, T] and what it must say [B, T]."""
    pairs = [data.row(int(index)) for index in rows]
    source = np.full((len(pairs), max(len(first) for first, _ in pairs)), PAD, dtype=np.int64)
    target = np.full((len(pairs), max(len(second) for _, second in pairs) + 1), PAD, dtype=np.int64)
    for line, (first, second) in enumerate(pairs):
        source[line, : len(first)] = first
        target[line, 0] = BOS
        target[line, 1 : len(second) + 1] = second
    sources, targets = torch.from_numpy(source).to(device), torch.from_numpy(target).to(device)
    return sources, targets[:, :-1], targets[:, 1:]


def candidates(wanted: Tensor, size: int, sampled: int) -> tuple[Tensor, Tensor]:
    """Tokens among which a batch's are to be found, and for how many of the vocabulary each of them stands.

    All that are wanted and so many others, drawn anew for each batch (Jean et al. 2015,
    https://arxiv.org/abs/1412.2007); 0: the whole vocabulary.
    """
    others = torch.ones(size, dtype=torch.bool, device=wanted.device)
    others[wanted] = False
    needed, rest = (~others).nonzero().flatten(), others.nonzero().flatten()
    drawn = rest[torch.randperm(len(rest), device=rest.device)[: sampled or len(rest)]]
    stands_for = torch.ones(len(needed) + len(drawn), device=wanted.device)
    stands_for[len(needed) :] = len(rest) / max(len(drawn), 1)
    return torch.cat([needed, drawn]), stands_for


class SmoothedLoss(torch.autograd.Function):
    """Cross-entropy with label smoothing, summed; a part of the logits at a time, its gradient made in place.

    The logits of a batch are its largest tensor by far. Forward already computes both gradients.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, wanted: Tensor, sampled: int) -> Tensor:
        tokens, stands_for = candidates(wanted, len(weight), sampled)
        place_of = torch.empty(len(weight), dtype=torch.long, device=wanted.device)
        place_of[tokens] = torch.arange(len(tokens), device=wanted.device)
        weight_here = weight[tokens].to(states.dtype)
        smoothing = SMOOTHING / len(weight) * stands_for
        total = states.new_zeros((), dtype=torch.float32)
        to_states, to_weight_here = torch.empty_like(states), torch.zeros_like(weight_here, dtype=weight.dtype)
        for start in range(0, len(states), LOSS_ROWS):
            part, ids = states[start : start + LOSS_ROWS], place_of[wanted[start : start + LOSS_ROWS], None]
            logits = (part @ weight_here.T).float()
            total -= (1 - SMOOTHING) * logits.gather(1, ids).sum() + (logits @ smoothing).sum()
            norm = logits.add_(stands_for.log()).logsumexp(dim=1, keepdim=True)
            total += norm.sum()
            gradient = logits.sub_(norm).exp_().sub_(smoothing)
            gradient.scatter_add_(1, ids, torch.full_like(norm, SMOOTHING - 1))
            gradient = gradient.to(states.dtype)
            to_states[start : start + LOSS_ROWS] = gradient @ weight_here
            to_weight_here += gradient.T @ part
        ctx.save_for_backward(to_states, torch.zeros_like(weight).index_copy_(0, tokens, to_weight_here))
        return total

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, Tensor, None, None]:
        to_states, to_weight = ctx.saved_tensors
        return to_states * upstream, to_weight * upstream, None, None


def loss_of(
    model: Callable[[Tensor, Tensor], Tensor], weight: Tensor, batch: tuple[Tensor, Tensor, Tensor], sampled: int = 0
) -> tuple[Tensor, int]:
    """The summed loss of a batch and the number of its tokens; padding costs nothing."""
    source, read, wanted = batch
    real = wanted != PAD
    states = model(source, read)[real]
    return SmoothedLoss.apply(states, weight, wanted[real], sampled), len(states)


def rate(progress: float, step: int, warmup_steps: int, decay: float) -> float:
    """Warm-up, stable, decay: what the learning rate is multiplied with when `progress` of the time has gone."""
    warm = min(1.0, (step + 1) / warmup_steps)
    return warm * min(1.0, max(0.02, 1 - math.sqrt(max(0.0, (progress - (1 - decay)) / decay))))


class Average:
    """A moving average of the weights, which translates better than the last of them."""

    def __init__(self, model: Transformer, keep: float) -> None:
        self.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self._keep = keep
        self.updates = 0

    def update(self, model: Transformer) -> None:
        self.updates += 1
        keep = min(self._keep, self.updates / (self.updates + 9))
        for name, value in model.state_dict().items():
            self.weights[name].lerp_(value, 1 - keep)


def optimizers(model: Transformer, name: str, lr: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers and AdamW for the rest, or AdamW for all."""
    matrices = [p for layer in [*model.encoder, *model.decoder] for p in layer.parameters() if p.ndim == 2]
    inside = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if name != "muon" or id(p) not in inside]
    adam = torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    return [adam, Muon(matrices, lr=lr)] if name == "muon" else [adam]


def write_shards(path: Path, megabytes: int) -> None:
    """Put a file in files of at most this size, `model.pt.0`, `model.pt.1` …, in its place."""
    content, size = path.read_bytes(), megabytes << 20
    for index, start in enumerate(range(0, len(content), size)):
        path.with_name(f"{path.name}.{index}").write_bytes(content[start : start + size])
    path.unlink()


def load(path: Path) -> dict[str, Any] | None:
    """What was saved, whole or in shards; None if nothing was."""
    shards = sorted(path.parent.glob(f"{path.name}.[0-9]*"), key=lambda shard: int(shard.suffix[1:]))
    if shards and not path.exists():
        path.write_bytes(b"".join(shard.read_bytes() for shard in shards))
    return torch.load(path, weights_only=False) if path.exists() else None


@dataclass(slots=True)
class Place:
    """How far training has come; `batches` of the present `chunk` are done."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    chunk: int = 0
    batches: int = 0


class Training:
    """A model on its way, with all that must be kept to go on."""

    def __init__(self, model: Transformer, device: torch.device, optimizer: str, lr: float, sampled: int) -> None:
        self.model = model.to(device)
        self.device = device
        self.place = Place()
        self.average = Average(model, AVERAGE_KEEPS)
        self._run = torch.compile(model, dynamic=True) if device.type == "cuda" else model
        self._optimizers = optimizers(model, optimizer, lr)
        self._lr = lr
        self._sampled = sampled

    def learn(self, data: Data, rows: np.ndarray, rate: float) -> tuple[float, int]:
        """One step on a batch, at this part of the full learning rate. Summed loss and number of tokens."""
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self._lr * rate
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
            batch = padded(data, rows, self.device)
            loss, count = loss_of(self._run, self.model.embedding.weight, batch, self._sampled)
        (loss / count).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.place.step += 1
        self.place.tokens += count
        self.place.batches += 1
        if self.place.step % AVERAGE_EVERY == 0:
            self.average.update(self.model)
        return float(loss.detach()), count

    @torch.no_grad()
    def validate(self, data: Data, batch_tokens: int) -> float:
        """Nats per token on rows that were held back, with the smoothing."""
        self.model.eval()
        ordered = data.validation[np.argsort(data.lengths(data.validation), kind="stable")]
        rows = ordered[:: max(1, len(ordered) // VALIDATION_ROWS)]
        total, tokens = 0.0, 0
        for part in np.array_split(rows, max(1, int(data.lengths(rows).sum()) // batch_tokens)):
            loss, count = loss_of(self.model, self.model.embedding.weight, padded(data, part, self.device))
            total, tokens = total + float(loss), tokens + count
        self.model.train()
        return total / max(tokens, 1)

    def save(self, out: Path) -> None:
        """Write `checkpoint.pt`, to go on, and `model.pt`, the averaged weights in half precision."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
            "average": (self.average.weights, self.average.updates),
            "place": asdict(self.place),
            "random": torch.get_rng_state(),
        }
        half = {name: value.half().cpu() for name, value in self.average.weights.items()}
        result = {"size": asdict(self.model.size), "weights": half, "place": asdict(self.place)}
        for name, content in (("checkpoint.pt", state), ("model.pt", result)):
            temporary = out / f"{name}.new"
            torch.save(content, temporary)
            temporary.replace(out / name)  # whoever is killed here leaves the old one

    def restore(self, out: Path) -> None:
        """Go on from a checkpoint, if there is one."""
        saved = load(out / "checkpoint.pt")
        if saved is not None:
            self.model.load_state_dict(saved["model"])
            for optimizer, state in zip(self._optimizers, saved["optimizers"], strict=True):
                optimizer.load_state_dict(state)
            self.average.weights, self.average.updates = saved["average"]
            self.place = Place(**saved["place"])
            torch.set_rng_state(saved["random"])

    def batches(self, data: Data, seed: int, batch_tokens: int) -> Iterator[np.ndarray]:
        """Batches for ever, from where training is."""
        while True:
            yield from batches(data, seed, self.place.chunk, batch_tokens)[self.place.batches :]
            self.place.chunk, self.place.batches = self.place.chunk + 1, 0


def main(
    data: Annotated[Path, typer.Option(help="What prepare.py wrote.")],
    out: Annotated[Path, typer.Option(help="Where checkpoints go.")],
    minutes: Annotated[float, typer.Option(help="Of training, over all calls.")],
    device: str = "cpu",
    start: Annotated[
        Path | None, typer.Option(help="A CTranslate2 model to begin from; its layers may be fewer.")
    ] = None,
    width: int = 256,
    feed_forward: int = 1024,
    heads: int = 4,
    encoder_layers: int = 6,
    decoder_layers: int = 2,
    dropout: float = 0.0,
    optimizer: Annotated[str, typer.Option(help="muon or adamw.")] = "muon",
    lr: float = 0.0025,
    warmup_steps: int = 150,
    decay: Annotated[float, typer.Option(help="The last part of the time, in which the rate falls.")] = 0.35,
    batch_tokens: Annotated[int, typer.Option(help="Of each side, with padding.")] = 3072,
    sampled: Annotated[
        int, typer.Option(help="Of the tokens that a batch lacks, how many its loss sees, drawn at random; 0: all.")
    ] = 2500,
    max_steps: Annotated[int, typer.Option(help="Stop after so many, for a trial; 0: no limit.")] = 0,
    checkpoint_minutes: float = 5.0,
    shard_megabytes: Annotated[int, typer.Option(help="Of the files of model.pt in the end; 0: one file.")] = 0,
    threads: Annotated[int, typer.Option(help="0: what torch chooses.")] = 0,
    seed: int = 1,
) -> None:
    """Train, and write `checkpoint.pt` (to go on) and `model.pt` (the averaged weights)."""
    out.mkdir(parents=True, exist_ok=True)
    torch.set_flush_denormal(True)  # the momentum of a silent unit fades into denormals, 30 times slower on a CPU
    torch.set_num_threads(threads or torch.get_num_threads())
    torch.manual_seed(seed)
    rows = Data.load(data)
    model = Transformer(Size(rows.vocabulary, width, feed_forward, heads, encoder_layers, decoder_layers), dropout)
    if start:
        grown_from(model, start, data)
    training = Training(model, torch.device(device), optimizer, lr, sampled)
    training.restore(out)
    place, last_saved, recent, counted = training.place, training.place.seconds, 0.0, 0
    last = time.monotonic()
    for batch in training.batches(rows, seed, batch_tokens):
        progress = place.seconds / (minutes * 60)
        if progress >= 1 or 0 < max_steps <= place.step:
            break
        loss, count = training.learn(rows, batch, rate(progress, place.step, warmup_steps, decay))
        recent, counted = recent + loss, counted + count
        if place.step % REPORT_EVERY == 0:
            speed = f"{place.tokens / max(place.seconds, 1):.0f} target tokens/s"
            print(f"{place.seconds / 60:6.1f} min  step {place.step}  loss {recent / counted:.3f}  {speed}", flush=True)
            recent, counted = 0.0, 0
        if place.seconds - last_saved > checkpoint_minutes * 60:
            last_saved = place.seconds
            training.save(out)
            print(f"validation {training.validate(rows, batch_tokens):.3f}", flush=True)
        now = time.monotonic()
        place.seconds, last = place.seconds + now - last, now
    training.save(out)
    model.load_state_dict(training.average.weights)
    print(f"validation of the average {training.validate(rows, batch_tokens):.3f}, {place.tokens} target tokens")
    if shard_megabytes:
        write_shards(out / "model.pt", shard_megabytes)


if __name__ == "__main__":
    typer.run(main)
