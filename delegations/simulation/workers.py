"""A map over forked copies of this process: they inherit everything, and only results travel."""

from __future__ import annotations

import gc
import os
import pickle
import selectors
import struct
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

_T = TypeVar("_T")
_HEADER = struct.Struct("<II")
_CHUNK = 1 << 16


def fork_map(function: Callable[[int], _T], count: int, *, workers: int) -> list[_T | None]:
    """Return function(0) to function(count - 1), computed by forked processes; None where one ended without a result.

    The function's results must be picklable; it and what it closes over are inherited and need not be. What it raises
    ends its process, with the traceback on standard error.
    """
    results: list[_T | None] = [None] * count
    sys.stdout.flush()
    sys.stderr.flush()
    children: dict[int, int] = {}
    try:
        for first in range(workers):
            pid, pipe = _start(function, range(first, count, workers), tuple(children))
            children[pipe] = pid
        for index, result in _collect(tuple(children)):
            results[index] = result
    finally:
        for pipe, pid in children.items():
            # a worker whose reader is gone ends with its next result
            os.close(pipe)
            os.waitpid(pid, 0)
    return results


def _start(function: Callable[[int], Any], share: range, inherited: tuple[int, ...]) -> tuple[int, int]:
    """Return (process id, read end of its pipe) of a copy of this process that computes its share."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # other threads may hold locks at the fork; the copy takes none of theirs: it computes, writes and is gone
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    status = 1
    try:
        gc.freeze()  # so that collecting garbage does not touch, and thereby copy, what is shared
        for pipe in (reader, *inherited):
            os.close(pipe)
        with os.fdopen(writer, "wb") as stream:
            for index in share:
                body = pickle.dumps(function(index), pickle.HIGHEST_PROTOCOL)
                stream.write(_HEADER.pack(index, len(body)) + body)
                stream.flush()
        status = 0
    except BrokenPipeError:
        status = 0  # the parent has stopped reading, so nobody is waiting for the rest
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        raise
    finally:
        # nothing of the parent's may be run twice: no exit handlers, no buffers
        os._exit(status)


def _collect(pipes: tuple[int, ...]) -> Iterator[tuple[int, Any]]:
    """Yield (index, result) as they come in."""
    buffers = {pipe: bytearray() for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                data = os.read(key.fd, _CHUNK)
                if not data:
                    selector.unregister(key.fd)
                buffers[key.fd] += data
                yield from _complete(buffers[key.fd])


def _complete(buffer: bytearray) -> Iterator[tuple[int, Any]]:
    """Yield what the buffer holds whole, and take it out."""
    while len(buffer) >= _HEADER.size:
        index, size = _HEADER.unpack_from(buffer)
        if len(buffer) < _HEADER.size + size:
            return
        body = bytes(buffer[_HEADER.size : _HEADER.size + size])
        del buffer[: _HEADER.size + size]
        yield index, pickle.loads(body)  # noqa: S301  # from a copy of this very process, over a pipe nobody else has
