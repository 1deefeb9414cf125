"""Blocks on a Dask cluster. A worker that is lost loses nothing: its blocks are followed again elsewhere."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from openitb.cohort.study.errors import StudyError
from openitb.cohort.study.store import Task

if TYPE_CHECKING:
    from openitb.cohort.study.run import Parcel, Written

_CONNECT_S = 10


def on_cluster(address: str, parcel: "Parcel", left: Sequence[Task]) -> Iterator[tuple[Task, "Written"]]:
    """Blocks as they are done; the first that fails ends the run once those that are done are kept.

    Raises `StudyError` where Dask is not installed or no scheduler answers.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise StudyError("--scheduler: Dask is not installed, expected the extra 'dask'") from None
    from openitb.cohort.study.run import block

    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        told = " ".join(str(error).split())[:120]
        raise StudyError(f"--scheduler: no scheduler answers at {address!r}: {told}") from None
    with client:
        futures = {client.submit(block, parcel, task, key=_key(parcel, task)): task for task in left}
        failed: BaseException | None = None
        for future in as_completed(futures, loop=client.loop):
            if future.status == "finished":
                yield futures[future], future.result()
            elif future.status == "error" and failed is None:
                failed = future.exception()
                client.cancel(list(futures))
        if failed is not None:
            raise failed if isinstance(failed, StudyError) else StudyError(f"run: on the cluster: {failed}")


def _key(parcel: "Parcel", task: Task) -> str:
    """The same block of the same study is one task of a cluster, whoever asks."""
    return f"{task.name}-{parcel.digest}"
