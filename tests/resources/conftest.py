import pytest

from pulse_pipeline.home import Home
from pulse_pipeline.rationales.spec import ModelRef
from resources.weights import language_model_path


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """The packaged model as a folder that any engine can load."""
    return language_model_path(ModelRef(), Home(tmp_path_factory.mktemp("weights")))
