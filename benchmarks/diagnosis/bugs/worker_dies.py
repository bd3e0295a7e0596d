"""A thread of the stage's own answers questions; it dies of the first one that it does not understand."""

import queue
import threading
from collections.abc import Iterator

from pipeline import Pipeline, count

questions: "queue.Queue[int]" = queue.Queue()
answers: "queue.Queue[float]" = queue.Queue()


def serve() -> None:
    while True:
        number = questions.get()
        answers.put(100 / number)


threading.Thread(target=serve, daemon=True).start()


def numbers() -> Iterator[tuple[int, int]]:
    yield from ((offset, (offset + 1) % 300) for offset in range(800))


asked = Pipeline("asked")
asked.read(numbers)


@asked.stage
def ask(number: int) -> float:
    questions.put(number)
    return answers.get()


asked.write(count())
