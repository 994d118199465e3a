"""What holds for all tests."""

from hypothesis import settings

# A busy machine is no failure: no test depends on how long something takes.
settings.register_profile("project", deadline=None)
settings.load_profile("project")
