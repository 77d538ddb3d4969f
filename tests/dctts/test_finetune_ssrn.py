from dctts.finetune_ssrn import has_flattened


def test_training_ends_when_held_out_error_no_longer_falls() -> None:
    assert not has_flattened([0.10])
    assert not has_flattened([0.10, 0.09, 0.08, 0.07])
    assert not has_flattened([0.10, 0.11, 0.09])
    assert has_flattened([0.10, 0.09, 0.0899, 0.0899])
    assert has_flattened([0.10, 0.09, 0.10, 0.11])
