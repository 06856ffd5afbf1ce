"""The command line around the pipelines: each topic is a module whose `add_to` brings its commands."""
