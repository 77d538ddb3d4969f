"""How well two speaker encoders tell people apart whom neither learnt from, and what their cosines mean.

    python -m bench.encoders --shared ../shared
    python -m bench.encoders --shared ../shared --write data/encoder/calibration.json

Trials: all pairs of the 50 utterances of 5 LibriSpeech test-other speakers, whole and as 2 s from their middle.
Calibration: those speakers and four others (10 clips each), each clip beside the mean of its speaker's other clips, and
beside the means of all other speakers: what `evaluate` calls SECS.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dctts.atomic import write_json
from dctts.audio import load_wav
from dctts.encoder.own import OwnEncoder
from dctts.encoder.partials import SAMPLE_RATE_HZ, Wave
from dctts.encoder.resemblyzer import PartialsEncoder, SpeakerEncoder
from dctts.encoder.verification import Trials, all_pairs

READERS = ("arctic_bdl", "arctic_slt", "kathleen", "ljspeech")
CLIPS = 10
CUT_S = 2.0


def test_other(shared: Path) -> dict[str, list[Wave]]:
    """Read 10 utterances of each of the 5 speakers."""
    found: dict[str, list[Wave]] = {}
    for path in sorted((shared / "data" / "librispeech" / "test-other").glob("*.ogg")):
        found.setdefault(path.stem.split("-")[0], []).append(load_wav(path, SAMPLE_RATE_HZ))
    return found


def readers(shared: Path) -> dict[str, list[Wave]]:
    """Read 10 clips of each, spread over all."""
    found = {}
    for name in READERS:
        paths = sorted((shared / "data" / name / "wavs").glob("*.ogg"))
        chosen = [paths[place * len(paths) // CLIPS] for place in range(CLIPS)]
        found[name] = [load_wav(path, SAMPLE_RATE_HZ) for path in chosen]
    return found


def middle(wave: Wave) -> Wave:
    """Cut `CUT_S` from the middle."""
    samples = round(CUT_S * SAMPLE_RATE_HZ)
    start = max(0, (len(wave) - samples) // 2)
    return wave[start : start + samples]


def verify(encoder: PartialsEncoder, people: Mapping[str, Sequence[Wave]]) -> Trials:
    """Compare all pairs; a clip without speech would be a bug here."""
    names = [name for name, waves in people.items() for _ in waves]
    return all_pairs(np.stack(vectors(encoder, [wave for waves in people.values() for wave in waves])), names)


def vectors(encoder: PartialsEncoder, waves: Sequence[Wave]) -> list[Wave]:
    """Embed clips of speech."""
    found = [vector for vector in encoder.embed_batch(waves, SAMPLE_RATE_HZ) if vector is not None]
    assert len(found) == len(waves), "a clip without speech"
    return found


def calibrate(encoder: PartialsEncoder, people: Mapping[str, Sequence[Wave]]) -> Trials:
    """Compare each clip with the mean of its speaker's other clips, and with the means of other speakers."""
    of = {name: np.stack(vectors(encoder, waves)) for name, waves in people.items()}
    means = {name: unit(some.sum(axis=0)) for name, some in of.items()}
    same = [float(one @ unit(some.sum(axis=0) - one)) for some in of.values() for one in some]
    different = [
        float(one @ means[other]) for name, some in of.items() for one in some for other in of if other != name
    ]
    return Trials(genuine=np.array(same), impostor=np.array(different))


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale to norm 1."""
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def spread(values: NDArray[np.float64]) -> list[float]:
    """Give what 95 %, 50 % and 5 % of the values exceed."""
    return [round(float(value), 3) for value in np.percentile(values, [5, 50, 95])]


def main() -> None:
    """Measure both, print a table, and write the calibration if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--encoder", type=Path, help="one of train-encoder; else the one that ships")
    parser.add_argument("--write", type=Path, metavar="JSON")
    given = parser.parse_args()
    own = OwnEncoder(weights=given.encoder)
    trials = test_other(given.shared)
    everybody = {**trials, **readers(given.shared)}
    rows: list[dict[str, Any]] = []
    for name, encoder in (
        ("Resemblyzer, which conditions the voices", SpeakerEncoder()),
        ("our own, the second judge", own),
    ):
        whole = verify(encoder, trials)
        cut = verify(encoder, {name: [middle(wave) for wave in waves] for name, waves in trials.items()})
        told = calibrate(encoder, everybody)
        rows.append(
            {
                "encoder": name,
                "same": spread(told.genuine),
                "different": spread(told.impostor),
                "eer": round(told.eer, 4),
                "trials_eer": round(whole.eer, 4),
                "trials_eer_2_s": round(cut.eer, 4),
            }
        )
        print(
            f"{name}: EER {whole.eer:.1%} whole ({len(whole.genuine)} + {len(whole.impostor)} pairs), {cut.eer:.1%} of "
            f"{CUT_S:g} s; to a speaker's mean, the same {rows[-1]['same']}, another {rows[-1]['different']}, "
            f"EER {told.eer:.1%}"
        )
    if given.write:
        people = f"{len(trials)} LibriSpeech test-other speakers and {', '.join(READERS)}, {CLIPS} clips each"
        write_json(given.write, {"measured_on": people, "encoders": rows})


if __name__ == "__main__":
    main()
