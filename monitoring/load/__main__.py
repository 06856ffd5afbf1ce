"""`python -m monitoring.load`: the program, which is gevent's from its first line on.

gevent must replace Python's sockets before any library takes hold of them. It is done here and nowhere else, so that
importing the modules of this package changes nothing.
"""

from gevent import monkey

monkey.patch_all()

from monitoring.load.command import main  # noqa: E402

if __name__ == "__main__":
    main()
