#!/usr/bin/env python3
# Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
"""Writes the tables of examples/leg_raise and examples/sit_up.

    python3 examples/leg_raise/motions.py [build/release/bin/psoas]

What a motion prescribes are minimum-jerk curves. How the pelvis lies on the bench under it is nobody's to prescribe: it
is what the pelvis did in the round before, smoothed. The first round holds it where it rests, in a sit-up on a circle
about the hips.
"""
import json, math, os, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
step = 0.02
rest = {"pelvis_tilt": 89.1, "pelvis_list": 0, "pelvis_rotation": 0, "pelvis_tx": 0.003, "pelvis_ty": 0.1896, "pelvis_tz": 0}
hip = (-0.056276, -0.07849)  # of the pelvis, x and y [m]


def course(t, first, last):
    """From 0 to 1 with the least jerk (Flash & Hogan 1985)."""
    x = min(1.0, max(0.0, (t - first) / (last - first)))
    return x**3 * (10 - 15 * x + 6 * x * x)


def leg_raise(*legs):
    return {leg: lambda t: -3.2 + 53.2 * course(t, 0.3, 1.5) for leg in legs}


def sit_up(hips):
    turn = lambda t: 50 * course(t, 0.8, 2.0)
    return {"pelvis_tilt": lambda t: rest["pelvis_tilt"] - turn(t),
            "lumbar_extension": lambda t: -40 * course(t, 0.3, 1.3),
            "hip_flexion_r": lambda t: hips + turn(t), "hip_flexion_l": lambda t: hips + turn(t)}


def about_hips(t):
    """Place of the pelvis while it turns about hips that stay where they are, but for 30 mm by which they come down."""
    place = lambda a: (math.cos(a) * hip[0] - math.sin(a) * hip[1], math.sin(a) * hip[0] + math.cos(a) * hip[1])
    lying = place(math.radians(rest["pelvis_tilt"]))
    now = place(math.radians(rest["pelvis_tilt"] - 50 * course(t, 0.8, 2.0)))
    return rest["pelvis_tx"] + lying[0] - now[0], rest["pelvis_ty"] + lying[1] - now[1] - 0.03 * course(t, 0.8, 2.0)


def smooth(values, spacing, cutoff=4.0):
    """Second-order Butterworth, forward and back, mirrored at the ends."""
    w = math.tan(math.pi * cutoff * spacing) / 0.802
    d = 1 + math.sqrt(2) * w + w * w
    b, a1, a2 = w * w / d, 2 * (w * w - 1) / d, (1 - math.sqrt(2) * w + w * w) / d

    def one_way(x):
        y, x1, x2, y1, y2 = [], x[0], x[0], x[0], x[0]
        for now in x:
            y.append(b * (now + 2 * x1 + x2) - a1 * y1 - a2 * y2)
            x1, x2, y1, y2 = now, x1, y[-1], y1
        return y

    n = 50
    x = [2 * values[0] - v for v in values[n:0:-1]] + list(values) + [2 * values[-1] - v for v in values[-2:-n - 2:-1]]
    return one_way(one_way(x)[::-1])[::-1][n:-n]


def write(path, title, columns):
    names, rows = list(columns), len(next(iter(columns.values())))
    with open(path, "w") as out:
        out.write(f"{title}\nversion=1\nnRows={rows}\nnColumns={len(names) + 1}\ninDegrees=yes\nendheader\n")
        out.write("\t".join(["time"] + names) + "\n")
        for i in range(rows):
            out.write("\t".join([f"{i * step:.2f}"] + [f"{columns[name][i]:.5f}" for name in names]) + "\n")


def make(program, study, title, given, free, rounds, start=None):
    folder = os.path.dirname(study)
    question = json.load(open(study))
    base = json.load(open(os.path.join(folder, question["extends"]))) if "extends" in question else question
    rows = int(round(base["duration"] / step)) + 1
    columns = {name: [curve(i * step) for i in range(rows)] for name, curve in given.items()}
    for name in free:
        columns[name] = [rest[name]] * rows
    if start:
        columns["pelvis_tx"], columns["pelvis_ty"] = zip(*(start(i * step) for i in range(rows)))
    table = study.replace(".json", ".mot")
    for _ in range(rounds):
        write(table, title, columns)
        with tempfile.TemporaryDirectory() as out:
            wanted = [f"coordinate/{name}" for name in free]
            own = study.replace(".json", "_round.json")
            with open(own, "w") as file:  # without variants
                json.dump({"extends": os.path.basename(study), "variants": None, "outputs": wanted}, file)
            try:
                subprocess.run([program, "run", own, "-o", out], capture_output=True)
                block = json.load(open(os.path.join(out, "result.json")))
            finally:
                os.remove(own)
        print(title + ": " + ", ".join(f"{line['name'].split(': ')[-1]} {line['value']:.3g}"
                                       for line in block["credibility"][:3]))
        series = block["series"]
        every = int(round(step / (series["time"]["values"][1] - series["time"]["values"][0])))
        for name in free:
            values = series[f"coordinate/{name}"]["values"]
            factor = 180 / math.pi if series[f"coordinate/{name}"]["unit"] == "rad" else 1
            after = [factor * v for v in smooth(values, step / every)][::every]
            # most of the way, once the motion has begun: before, it rests
            columns[name] = [old + 0.7 * course(i * step, 0.1, 0.4) * (new - old)
                             for i, (old, new) in enumerate(zip(columns[name], after))]
    write(table, title, columns)


if __name__ == "__main__":
    program = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/release/bin/psoas")
    other = os.path.join(os.path.dirname(here), "sit_up")
    pelvis = list(rest)
    for study, title, given, free, rounds, start in (
        (f"{here}/one_leg.json", "right straight leg raised to 50 degrees", leg_raise("hip_flexion_r"), pelvis, 3, None),
        (f"{here}/both_legs.json", "both straight legs raised to 50 degrees",
         leg_raise("hip_flexion_r", "hip_flexion_l"), ["pelvis_tilt", "pelvis_tx", "pelvis_ty"], 3, None),
        (f"{other}/straight.json", "sit-up with straight knees", sit_up(-3.2), ["pelvis_tx", "pelvis_ty"], 5, about_hips),
        (f"{other}/bent.json", "sit-up with bent knees", sit_up(39.5), ["pelvis_tx", "pelvis_ty"], 5, about_hips)):
        if len(sys.argv) < 3 or sys.argv[2] in study:
            make(program, study, title, given, free, rounds, start)
