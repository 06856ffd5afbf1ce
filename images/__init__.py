"""The images: how they are built, proven and described, outside the Dockerfile.

`images.build` makes them with the engine at hand, on a base that `images.base` makes where no registry answers;
`images.root` runs inside the build and puts together the file system that the predictor needs; `images.proof` runs
the predictor's image as a cluster would; `images.inventory` lists what is in an image; `images.stages` proves that of
the pipeline.
"""
