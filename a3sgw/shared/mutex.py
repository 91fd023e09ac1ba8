"""Locks in shared memory that a killed process cannot keep and a stopped one cannot make others wait for.

They are robust, process-shared pthread mutexes, reached through ctypes. `PyDLL` rather than `CDLL`: taking and giving
one back costs 0.30 µs instead of 0.36, and as only `trylock` is called, nothing ever blocks with the interpreter held.
Waiting is trying again, because the timed calls of pthreads wait by the wall clock, which can be set back, or are
missing from musl.
"""

from __future__ import annotations

import ctypes
import errno
import os
from time import monotonic, sleep

SIZE = 64
"""Bytes for one mutex, and one cache line: glibc needs 40 on x86-64 and 48 on aarch64, musl 40 on both."""

_SHARED = 1
_ROBUST = 1
"""PTHREAD_PROCESS_SHARED and PTHREAD_MUTEX_ROBUST, the same in glibc and musl."""
_TRIES = 50
"""At once, before the processor is given up: some ten microseconds, several times as long as a lock is held."""
_PAUSE = 0.0001
"""Seconds between two tries after that."""
_AVOIDED = 0.1
"""Seconds during which a lock that could not be had is not waited for."""


class Mutexes:
    """Mutexes side by side at an address, by number; every process makes its own object over the same memory."""

    def __init__(self, address: int, count: int) -> None:
        library = ctypes.PyDLL(None)
        self._library = library
        try:
            self._try = library.pthread_mutex_trylock
            self._unlock = library.pthread_mutex_unlock
            self._make_consistent = library.pthread_mutex_consistent
        except AttributeError:
            raise OSError(errno.ENOSYS, "this platform has no robust mutexes for limits shared by processes") from None
        self._at = tuple(ctypes.c_void_p(address + number * SIZE) for number in range(count))
        self._avoid_until = [0.0] * count
        self.patience = 0.01
        """Seconds a lock is waited for."""
        self.contended = 0
        """How often that was not enough."""
        self.recovered = 0
        """How often a lock was taken over from a process that died with it."""

    def create(self) -> None:
        """Once, by the process that makes the memory; OSError when the platform refuses."""
        attributes = ctypes.create_string_buffer(SIZE)
        _check(self._library.pthread_mutexattr_init(attributes))
        _check(self._library.pthread_mutexattr_setpshared(attributes, _SHARED))
        _check(self._library.pthread_mutexattr_setrobust(attributes, _ROBUST))
        for mutex in self._at:
            _check(self._library.pthread_mutex_init(mutex, attributes))
        _check(self._library.pthread_mutexattr_destroy(attributes))

    def take(self, number: int) -> bool:
        """Whether the lock is ours now; False after `patience`, and then nearly at once for a while."""
        code = self._try(self._at[number])
        return code == 0 or self._insist(number, code)

    def give(self, number: int) -> None:
        """Give back what was taken."""
        self._unlock(self._at[number])

    def close(self) -> None:
        """The memory goes away, and none may be held: taking one raises IndexError from here on."""
        self._at = ()

    def _insist(self, number: int, code: int) -> bool:
        mutex = self._at[number]
        start = now = monotonic()
        deadline = start + self.patience if start >= self._avoid_until[number] else start
        tries = 0
        while code == errno.EBUSY and (tries < _TRIES or now < deadline):
            tries += 1
            if tries > _TRIES:
                sleep(_PAUSE)
            elif tries == _TRIES:
                os.sched_yield()
            code = self._try(mutex)
            now = monotonic()
        if code == errno.EOWNERDEAD:
            # Every change to the table takes effect with one store, so there is nothing half done to undo.
            self._make_consistent(mutex)
            self.recovered += 1
            return True
        if code != 0:
            self.contended += 1
            if deadline > start:
                self._avoid_until[number] = now + _AVOIDED
        return code == 0


def _check(code: int) -> None:
    if code != 0:
        raise OSError(code, f"no locks for limits shared by processes: {os.strerror(code)}")
