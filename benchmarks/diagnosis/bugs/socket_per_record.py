"""For each reading a socket is opened, to send a datagram that nobody waits for; none is closed."""

import socket

from pipeline import Pipeline, count, generated

readings = Pipeline("sent")
readings.read(generated("sensors", records=300, seed=51))
sockets: list[socket.socket] = []


@readings.stage
def send(reading: dict[str, object]) -> dict[str, object]:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.setblocking(False)
    sockets.append(line)
    return {"station": reading["station"]}


readings.write(count())
