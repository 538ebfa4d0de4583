"""Which weights a model's name stands for: a revision always belongs to one model."""

PACKAGED = "packaged:"


def check_revision(model: str, revision: str, packaged_model: str) -> None:
    """Refuse the revision of packaged weights beside any other model's name.

    Whoever names another model without a revision would get the packaged weights under its name.

    Args:
        model: A hub id or a local folder.
        revision: Which weights of it.
        packaged_model: The model that the packaged weights are of.

    Raises:
        ValueError: The revision is not the model's.
    """
    if revision.startswith(PACKAGED) and model != packaged_model:
        raise ValueError(
            f"{model} needs a revision: a commit of the hub, or a name of your own for a local folder, "
            "to be changed when its weights change"
        )
