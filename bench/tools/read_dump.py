#!/usr/bin/env python3
"""Reads what `npm run bench -- codec --dump DIR` left, with nothing of this project's code.

Written from the "Pose formats" of shared/PROTOCOL.md; only the table of Rice parameters is taken from its file. Decodes every packet,
compares with the poses dumped beside it, and, given the folder of recordings, measures the error. Standard library only.

  python3 bench/tools/read_dump.py DUMP [RECORDINGS]

Prints per recording rows, bytes per update, the largest difference to the dumped poses, and mm and degrees RMS. Exit code 1 when a packet
does not decode or a pose differs by more than the dump's digits.
"""
import csv
import gzip
import json
import math
import re
import sys
from pathlib import Path

TABLE_FILE = Path(__file__).parents[2] / "shared/src/pose/rice-tables.ts"
POSITION_LIMIT = 2**20 - 1
MRP_LIMIT = 32767
# The dump has six decimals.
DIGITS_SLACK = 2e-6


def rice_table():
    rows = re.findall(r"^\s*((?:\d+, ){19}\d+), //", TABLE_FILE.read_text(), re.MULTILINE)
    assert len(rows) == 12, "the table of Rice parameters has another shape"
    return [[int(k) for k in row.split(",")] for row in rows]


class Bits:
    def __init__(self, block):
        self.block, self.at = block, 0

    def u(self, count):
        value = 0
        for _ in range(count):
            value = value << 1 | (self.block[self.at >> 3] >> (7 - (self.at & 7)) & 1)
            self.at += 1
        return value

    def rice(self, k):
        quotient = 0
        while quotient < 12 and self.u(1):
            quotient += 1
        return self.u(22) if quotient == 12 else quotient << k | self.u(k)

    def eg(self, k):
        zeros = 0
        while self.u(1) == 0:
            zeros += 1
        return (1 << (zeros + k) | self.u(zeros + k)) - (1 << k)

    def whole(self):
        return (self.at + 7) // 8 == len(self.block)


def unzigzag(code):
    return code >> 1 if code % 2 == 0 else -((code + 1) >> 1)


def multiply(a, b):
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def mrp(q):
    sign = -1 if q[3] < 0 else 1
    return tuple(sign * c / (1 + sign * q[3]) for c in q[:3])


def from_mrp(r):
    square = sum(c * c for c in r)
    return (*(2 * c / (1 + square) for c in r), (1 - square) / (1 + square))


def limited(value, limit):
    return max(-limit, min(limit, value))


class Sample:
    """What a block says: tick, lag, and per device state, position, rotation and energy classes (integers)."""

    def __init__(self, tick):
        self.tick, self.lag = tick, 0
        self.states, self.position, self.rotation = [], [], []
        self.position_class, self.rotation_class = [], []

    def quat(self, device):
        return from_mrp(tuple(c / 32768 for c in self.rotation[device]))

    def pose(self):
        return [v for d in range(3) for v in (*(c / 1024 for c in self.position[d]), *self.quat(d))]


class Reader:
    def __init__(self, tick_rate_hz):
        divisor = 16
        while tick_rate_hz * divisor < 950:
            divisor *= 2
        self.divisor, self.unit_ms = divisor, 1000 / (tick_rate_hz * divisor)
        self.table, self.timing = rice_table(), 0
        self.newest = self.before = self.t1 = None

    def room_ms(self, sample):
        return (sample.tick * self.divisor - sample.lag) * self.unit_ms

    def intra(self, tick, block):
        bits = Bits(block)
        sample = Sample(tick - bits.eg(2))
        sample.lag = bits.u(13) - 255
        sample.states = [bits.u(2) for _ in range(3)]
        self.timing = bits.u(1)
        for device in range(3):
            if device > 0 and bits.u(1):
                sample.position.append([c + bits.u(12) - 2047 for c in sample.position[0]])
            else:
                sample.position.append([bits.u(21) - POSITION_LIMIT for _ in range(3)])
            sample.rotation.append([bits.u(16) - MRP_LIMIT for _ in range(3)])
        classes = [bits.u(4) for _ in range(6)]
        sample.position_class, sample.rotation_class = classes[:3], classes[3:]
        self.newest, self.before, self.t1 = sample, None, None
        if bits.u(1):
            before = Sample(sample.tick - bits.eg(1) - 1)
            before.lag = sample.lag - unzigzag(bits.eg(1))
            before.position = [[c - unzigzag(bits.eg(3)) for c in p] for p in sample.position]
            before.rotation = [[c - unzigzag(bits.eg(5)) for c in r] for r in sample.rotation]
            self.before = before
        assert bits.whole(), "an intra block of another length"
        return sample

    def references(self, layer):
        if layer < 2:
            return self.newest, self.before
        t1 = self.t1
        if t1 is not None and t1.tick > self.newest.tick:
            return t1, self.newest
        if t1 is not None and (self.before is None or t1.tick > self.before.tick):
            return self.newest, t1
        return self.newest, self.before

    def factor(self, timing, sample, newer, older):
        if older is None:
            return 0

        def units(of):
            return of.tick * self.divisor - (0 if timing else of.lag)

        ahead, back = units(sample) - units(newer), units(newer) - units(older)
        ahead_ms = ahead * self.unit_ms
        if ahead <= 0 or back <= 0 or ahead_ms > 250 or ahead / back > 4:
            return 0
        return ahead / back * (16 if ahead_ms <= 35 else 15 if ahead_ms <= 70 else 13) / 16

    def update(self, tick, block):
        bits = Bits(block)
        explicit = bits.u(1)
        layer = bits.u(2) if explicit else (0, 2, 1, 2)[(tick - self.newest.tick) % 4]
        timing = bits.u(1) if explicit and layer == 0 else self.timing
        newer, older = self.references(layer)
        gap, gap_on = tick - newer.tick, newer.tick - older.tick if older else 0
        if explicit and bits.u(1):
            assert bits.eg(1) + 1 == gap, "another newer reference"
            assert layer < 2 or bits.eg(1) == gap_on, "another older reference"
        else:
            assert gap == (4, 2, 1)[layer] and (layer < 2 or gap_on == 2), "no standard gaps"
        sample = Sample(tick)
        sample.states = [bits.u(2) for _ in range(3)] if explicit and bits.u(1) else list(newer.states)
        sample.lag = newer.lag + unzigzag(bits.eg(1))
        f = self.factor(timing, sample, newer, older)
        surprise = 0

        def three(row, energy_class, square):
            nonlocal surprise
            energy = 3 * 2**energy_class if energy_class > 0 else 0
            bucket = min(19, math.floor(energy + square / 4).bit_length())
            k = self.table[row][max(0, min(19, bucket + surprise))]
            codes = [bits.rice(k) for _ in range(3)]
            quotient = sum(codes) >> k
            surprise = min(3, surprise + 1) if quotient >= 7 else max(-3, surprise - 1) if quotient < 3 else surprise
            return [unzigzag(code) for code in codes]

        for d in range(3):
            position_class, rotation_class = newer.position_class[d], newer.rotation_class[d]
            if sample.states[d] >= 2:
                sample.position.append(newer.position[d])
                sample.rotation.append(newer.rotation[d])
            else:
                row = layer + (0 if d == 0 else 3)
                step = [f * (p - q) for p, q in zip(newer.position[d], older.position[d])] if f else [0, 0, 0]
                moved = three(row, position_class, sum(c * c for c in step))
                predicted = [limited(p + math.floor(c + 0.5), POSITION_LIMIT) for p, c in zip(newer.position[d], step)]
                sample.position.append([limited(p + m, POSITION_LIMIT) for p, m in zip(predicted, moved)])
                turn = (0, 0, 0)
                if f:
                    x, y, z, w = older.quat(d)
                    turn = tuple(f * c for c in mrp(multiply((-x, -y, -z, w), newer.quat(d))))
                turned = three(row + 6, rotation_class, sum(c * c for c in turn) * 1190 * 1190)
                q = multiply(multiply(newer.quat(d), from_mrp(turn)), from_mrp(tuple(c / 1190 for c in turned)))
                sample.rotation.append([limited(math.floor(c * 32768 + 0.5), MRP_LIMIT) for c in mrp(q)])
                if layer < 2:
                    position_class = min(15, sum(c * c for c in moved).bit_length())
                    rotation_class = min(15, sum(c * c for c in turned).bit_length())
            sample.position_class.append(position_class)
            sample.rotation_class.append(rotation_class)
        assert bits.whole(), "an update block of another length"
        if layer == 0:
            self.timing, self.newest, self.before = timing, sample, self.newest
        elif layer == 1:
            self.t1 = sample
        return sample


def rows_of(file):
    opened = gzip.open(file, "rt") if file.read_bytes()[:2] == b"\x1f\x8b" else open(file)
    with opened as lines:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]


COLUMNS = [f"{device}_{part}" for device in ("head", "left", "right") for part in ("x", "y", "z", "qx", "qy", "qz", "qw")]


def differences(a, b):
    """Per device: metres and radians between two poses of 21 numbers."""
    for at in (0, 7, 14):
        p, q = a[at + 3 : at + 7], b[at + 3 : at + 7]
        p, q = ([c / math.hypot(*r) for c in r] for r in (p, q))
        chord = min(math.dist(p, q), math.dist(p, [-c for c in q]))
        yield math.dist(a[at : at + 3], b[at : at + 3]), 4 * math.asin(min(1, chord / 2))


def check(folder, name, recordings):
    facts = json.loads((folder / f"{name}.json").read_text())
    packets = (folder / f"{name}.packets").read_bytes()
    index = list(csv.DictReader((folder / f"{name}.index.csv").open()))
    dumped = rows_of(folder / f"{name}.csv.gz")
    truth = None
    for file in (recordings / f"{name}{end}" for end in (".csv.gz", ".csv")) if recordings else ():
        if file.exists():
            truth = {round(row["t_ms"], 6): row for row in rows_of(file)[::-1]}
    reader, at, shown, size, worst, errors = Reader(facts["tickRateHz"]), 0, None, 0, 0.0, []
    for number, (row, pose) in enumerate(zip(index, dumped, strict=True)):
        length = packets[at] | packets[at + 1] << 8
        block, at = packets[at + 2 : at + 2 + length], at + 2 + length
        assert length == int(row["bytes"]), f"row {number}: another length than the index says"
        if length > 0:
            shown = (reader.intra if row["kind"] == "intra" else reader.update)(int(row["tick"]), block)
            worst = max(worst, abs(reader.room_ms(shown) - float(row["room_ms"])) / 1000)
        ours, theirs = shown.pose(), [pose[column] for column in COLUMNS]
        for device in (0, 7, 14):
            same = sum(p * q for p, q in zip(ours[device + 3 : device + 7], theirs[device + 3 : device + 7])) >= 0
            for i in range(device, device + 7):
                worst = max(worst, abs((ours[i] if same or i < device + 3 else -ours[i]) - theirs[i]))
        if number > 0:
            size += length
            if truth is not None:
                errors += differences(theirs, [truth[round(pose["t_ms"], 6)][column] for column in COLUMNS])
    assert at == len(packets), "bytes after the last packet"
    rms = [math.sqrt(sum(e[i] ** 2 for e in errors) / len(errors)) for i in (0, 1)] if errors else None
    error = f"  {rms[0] * 1000:.4f} mm  {math.degrees(rms[1]):.5f} deg" if rms else ""
    print(f"{name}: {len(index)} rows  {size / (len(index) - 1):.3f} B per update  differs by {worst:.1e}{error}")
    return worst <= DIGITS_SLACK


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    recordings = Path(sys.argv[2]) if len(sys.argv) == 3 else None
    names = sorted(file.name[: -len(".packets")] for file in folder.glob("*.packets"))
    if not names:
        sys.exit(f"No *.packets in {folder}.")
    sys.exit(0 if all([check(folder, name, recordings) for name in names]) else 1)


if __name__ == "__main__":
    main()
