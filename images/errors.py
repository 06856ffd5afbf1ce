"""What keeps an image from being built, proven or described. `images.stages` has a tree of its own.

ImagesError
├── BuilderMissing   neither Docker nor buildah is here
├── BaseMissing      no registry has the base, and none can be made here
├── BuildFailed      the builder gave up; its log says where
├── NotProven        the image doesn't do what it is to do
└── Undescribed      the image can't be asked what is in it
"""


class ImagesError(Exception):
    """Base of everything this package raises; its text is written for whoever wanted the image."""


class BuilderMissing(ImagesError):
    """Nothing here builds images."""


class BaseMissing(ImagesError):
    """There is nothing to build on."""


class BuildFailed(ImagesError):
    """An instruction of the Dockerfile failed."""


class NotProven(ImagesError):
    """An image that was built isn't one to be shipped."""


class Undescribed(ImagesError):
    """What is in an image stays unknown."""
