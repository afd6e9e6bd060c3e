"""The lessons, one module each: ``LESSON``. Found by :mod:`labkit.course.catalogue`."""
