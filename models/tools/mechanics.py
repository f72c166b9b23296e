# Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
"""Just enough mechanics to build and to check a model without the library: body poses, path lengths over cylinders
with a prescribed side, and the De Groote-Fregly curves. Plain lists, metres, radians, newtons; right-handed frames with
x anterior, y superior, z right. Written apart from the C++ code on purpose, so that each can find the other's slips."""
import itertools
import math


# ---------------------------------------------------------------------------------------------- vectors and rotations
def add(a, b):
    return [x + y for x, y in zip(a, b)]


def sub(a, b):
    return [x - y for x, y in zip(a, b)]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def cross(a, b):
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def norm(a):
    return math.sqrt(dot(a, a))


def times(m, v):
    return [dot(row, v) for row in m]


def product(a, b):
    return [[sum(a[i][k] * b[k][j] for k in range(3)) for j in range(3)] for i in range(3)]


def transposed(m):
    return [list(row) for row in zip(*m)]


def about(axis, angle):
    """Rotation matrix about an axis (Rodrigues)."""
    n = norm(axis)
    x, y, z = (c / n for c in axis)
    c, s = math.cos(angle), math.sin(angle)
    t = 1 - c
    return [[t * x * x + c, t * x * y - s * z, t * x * z + s * y],
            [t * x * y + s * z, t * y * y + c, t * y * z - s * x],
            [t * x * z - s * y, t * y * z + s * x, t * z * z + c]]


def body_xyz(angles):
    """Body-fixed rotations about x, then y, then z."""
    return product(product(about([1, 0, 0], angles[0]), about([0, 1, 0], angles[1])), about([0, 0, 1], angles[2]))


IDENTITY = ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 0, 0])


def compose(a, b):
    """Pose of b's frame where b is given in a's frame."""
    return product(a[0], b[0]), add(times(a[0], b[1]), a[1])


def inverse(a):
    r = transposed(a[0])
    return r, [-c for c in times(r, a[1])]


def apply(pose, point):
    return add(times(pose[0], point), pose[1])


def frame(spec):
    spec = spec or {}
    return body_xyz(spec.get("orientation", [0, 0, 0])), list(spec.get("translation", [0, 0, 0]))


# --------------------------------------------------------------------------------------------------------- functions
def spline_coefficients(x, y):
    """Slopes of the cubic spline with the ends of Forsythe, Malcolm & Moler (1977): second derivatives at the knots."""
    n = len(x)
    b, d, c = [0.0] * n, [0.0] * n, [0.0] * n
    d[0] = x[1] - x[0]
    c[1] = (y[1] - y[0]) / d[0]
    for i in range(1, n - 1):
        d[i] = x[i + 1] - x[i]
        b[i] = 2 * (d[i - 1] + d[i])
        c[i + 1] = (y[i + 1] - y[i]) / d[i]
        c[i] = c[i + 1] - c[i]
    b[0], b[-1] = -d[0], -d[-2]
    c[0] = c[-1] = 0.0
    if n > 3:
        c[0] = c[2] / (x[3] - x[1]) - c[1] / (x[2] - x[0])
        c[-1] = c[-2] / (x[-1] - x[-3]) - c[-3] / (x[-2] - x[-4])
        c[0] = c[0] * d[0] ** 2 / (x[3] - x[0])
        c[-1] = -c[-1] * d[-2] ** 2 / (x[-1] - x[-4])
    for i in range(1, n):
        t = d[i - 1] / b[i - 1]
        b[i] -= t * d[i - 1]
        c[i] -= t * c[i - 1]
    c[-1] /= b[-1]
    for i in range(n - 2, -1, -1):
        c[i] = (c[i] - d[i] * c[i + 1]) / b[i]
    return c


def value(function, x):
    kind, body = next(iter(function.items()))
    if kind == "constant":
        return body["value"]
    if kind == "linear":
        return body.get("offset", 0.0) + body.get("slope", 1.0) * x
    if kind == "polynomial":
        return sum(c * x ** k for k, c in enumerate(body["coefficients"]))
    xs, ys = body["x"], body["y"]
    c = spline_coefficients(xs, ys)

    def piece(i, at):
        h = xs[i + 1] - xs[i]
        t = at - xs[i]
        slope = (ys[i + 1] - ys[i]) / h - h * (c[i + 1] + 2 * c[i])
        cubic = (c[i + 1] - c[i]) / h
        return ys[i] + t * (slope + t * (3 * c[i] + t * cubic)), slope + t * (6 * c[i] + t * 3 * cubic)

    if x <= xs[0] or x >= xs[-1]:
        i, edge = (0, xs[0]) if x <= xs[0] else (len(xs) - 2, xs[-1])
        v, s = piece(i, edge)
        return v + s * (x - edge)
    i = max(k for k in range(len(xs) - 1) if xs[k] <= x)
    return piece(i, x)[0]


# ------------------------------------------------------------------------------------------------------------- poses
def all_coordinates(model, given):
    """Every coordinate: the given ones, zero for the other independent ones, coupled ones by their function. A level
    coordinate that is itself given stays as given (so that a single level can be moved)."""
    q = {name: given.get(name, 0.0) for name in model["coordinates"]}
    for name, c in model["coordinates"].items():
        if "coupled_to" in c and name not in given:
            couple = c["coupled_to"]
            q[name] = value(couple.get("function", {"linear": {}}), q[couple["coordinate"]])
    return q


def motion(joint, q):
    kind, body = next(iter(joint["motion"].items()))
    if kind == "weld":
        return IDENTITY
    if kind == "pin":
        return about(body.get("axis", [0, 0, 1]), q[body["coordinate"]]), [0, 0, 0]
    rotation, translation = IDENTITY[0], [0.0, 0.0, 0.0]
    for axis in body.get("translations", []):
        v = value(axis.get("function", {"linear": {}}), q.get(axis.get("coordinate"), 0.0))
        translation = add(translation, [v * a / norm(axis["axis"]) for a in axis["axis"]])
    for axis in body.get("rotations", []):
        v = value(axis.get("function", {"linear": {}}), q.get(axis.get("coordinate"), 0.0))
        rotation = product(rotation, about(axis["axis"], v))
    return rotation, translation


def poses(model, given=None):
    """Pose of every body in ground."""
    q = all_coordinates(model, given or {})
    found = {"ground": IDENTITY}
    waiting = list(model["joints"].values())
    while waiting:
        rest = []
        for j in waiting:
            if j["parent"] not in found:
                rest.append(j)
                continue
            here = compose(found[j["parent"]], compose(frame(j.get("parent_frame")), motion(j, q)))
            found[j["child"]] = compose(here, inverse(frame(j.get("child_frame"))))
        if len(rest) == len(waiting):
            raise ValueError("joints without a way to ground: " + ", ".join(j["child"] for j in rest))
        waiting = rest
    return found


# ------------------------------------------------------------------------------------------------------------- paths
ARC_POINTS = 13  # of the polyline on a surface, for distances only; lengths are exact


class Rim:
    """A cylinder that a span may touch, seen along the common direction of all its cylinders: centre, radius and the
    sense of travel (+1 counter-clockwise as seen from +z)."""

    def __init__(self, model, wrap, at):
        surface = model["surfaces"][wrap["surface"]]
        self.name = wrap["surface"]
        self.pose = compose(at[surface["body"]], frame(surface))
        self.radius = surface["shape"]["cylinder"]["radius"]
        self.sense = -1.0 if wrap["side"] == "clockwise" else 1.0

    def see(self, back):
        """Its centre in the frame whose inverse pose is `back`; its axis has to be along z there."""
        seen = compose(back, self.pose)
        if abs(seen[0][2][2] - 1) > 1e-9:
            raise ValueError(f"{self.name} is not parallel to the first cylinder of its span")
        self.centre = seen[1][:2]


def taut(a, b, rims):
    """In the plane: the string from a to b that touches these circles in this order, as one (angle of the direction in
    which it comes, angle turned through, centre, sense x radius) for each circle, with the flat length before each and
    after the last. None where a circle would be turned round by half a turn or more, or there is no such string."""
    stations = [(a, 0.0)] + [(r.centre, r.sense * r.radius) for r in rims] + [(b, 0.0)]
    angles, lengths = [], []
    for (c, r), (d, q) in zip(stations, stations[1:]):
        x, y, k = d[0] - c[0], d[1] - c[1], q - r
        square = x * x + y * y - k * k
        if square <= 0:
            return None
        lengths.append(math.sqrt(square))
        angles.append(math.atan2(y, x) - math.atan2(k, lengths[-1]))
    arcs = []
    for rim, (c, r), before, after in zip(rims, stations[1:], angles, angles[1:]):
        turn = (rim.sense * (after - before)) % (2 * math.pi)
        if turn >= math.pi:
            return None
        arcs.append((before, turn, c, r))
    return arcs, lengths


def blocks(rim, p, q):
    """Whether a straight part of a string passes a circle on the wrong side, or begins or ends in it."""
    if min(math.dist(p, rim.centre), math.dist(q, rim.centre)) <= rim.radius * (1 - 1e-12):
        return True
    return taut(p, q, [rim]) is not None


def on_arc(arc, turned):
    before, _, centre, signed = arc
    angle = before + math.copysign(turned, signed)
    return [centre[0] + signed * math.sin(angle), centre[1] - signed * math.cos(angle)]


def span(a, b, rims):
    """The string from a to b past parallel cylinders with prescribed sides: length, and for each cylinder that it
    touches, in order, its name and points on it from where the string comes to it to where it leaves. It touches the
    fewest of which no straight part passes any other cylinder on the wrong side. Cut open, it is one straight line."""
    back = inverse(rims[0].pose)
    p, q = apply(back, a), apply(back, b)
    for rim in rims:
        rim.see(back)
        if min(math.dist(p[:2], rim.centre), math.dist(q[:2], rim.centre)) <= rim.radius:
            raise ValueError(f"a path point lies inside {rim.name}")
    for count in range(len(rims) + 1):
        for chosen in itertools.permutations(rims, count):
            found = taut(p[:2], q[:2], chosen)
            if found is None:
                continue
            arcs, lengths = found
            ends = [p[:2]] + [on_arc(arc, t) for arc in arcs for t in (0.0, arc[1])] + [q[:2]]
            parts = [(ends[k], ends[k + 1]) for k in range(0, len(ends), 2)]
            if any(blocks(rim, *part) for rim in rims if rim not in chosen for part in parts):
                continue
            flat = sum(lengths) + sum(abs(arc[3]) * arc[1] for arc in arcs)
            slope, along, touched = (q[2] - p[2]) / flat, 0.0, []
            for rim, arc, before in zip(chosen, arcs, lengths):
                along += before
                steps = [arc[1] * k / (ARC_POINTS - 1) for k in range(ARC_POINTS)]
                touched.append((rim.name, [apply(rims[0].pose, on_arc(arc, t) + [p[2] + slope * (along + rim.radius * t)])
                                           for t in steps]))
                along += rim.radius * arc[1]
            return math.hypot(flat, q[2] - p[2]), touched
    raise ValueError("no string over " + ", ".join(r.name for r in rims))


def path(model, muscle, at):
    """Length and the polyline in ground: path points, and points on the arcs over prescribed-side cylinders, with the
    names of those touched in `touched`. Wraps on the shorter side or on a half-axis are not followed here; `unwrapped`
    counts them."""
    points = [apply(at[p["body"]], p["location"]) for p in muscle["path"]]
    spans, unwrapped = {}, 0
    for wrap in muscle.get("wraps", []):
        if wrap.get("side") not in ("clockwise", "counter_clockwise"):
            unwrapped += 1
            continue
        i, j = (int(k) for k in wrap["between"])
        if j != i + 1:
            raise ValueError("only wraps between neighbouring points are followed here")
        spans.setdefault(i, []).append(Rim(model, wrap, at))
    total, line, touched = 0.0, [points[0]], []
    for i, (a, b) in enumerate(zip(points, points[1:])):
        part, arcs = span(a, b, spans[i]) if i in spans else (norm(sub(b, a)), [])
        total += part
        for name, arc in arcs:
            touched.append(name)
            line += arc
        line.append(b)
    return {"length": total, "line": line, "touched": touched, "unwrapped": unwrapped}


def length(model, name, given=None, at=None):
    return path(model, model["muscles"][name], at or poses(model, given))["length"]


def arm(model, name, coordinate, given=None, step=1e-5):
    """Moment arm -dl/dq [m], by central differences."""
    given = dict(given or {})
    here = all_coordinates(model, given)[coordinate]
    up = length(model, name, {**given, coordinate: here + step})
    down = length(model, name, {**given, coordinate: here - step})
    return -(up - down) / (2 * step)


# ------------------------------------------------------------------- De Groote, Kinney, Rao & Fregly 2016 as in OpenSim
PASSIVE_SHAPE, PASSIVE_STRAIN, TENDON_STRAIN = 4.0, 0.6, 0.049
ACTIVE = [(0.8150671134243542, 1.055033428970575, 0.162384573599574, 0.063303448465465),
          (0.433004984392647, 0.716775413397760, -0.029947116970696, 0.200356847296188),
          (0.1, 1.0, 0.353553390593274, 0.0)]


def active_force(x):
    return sum(b1 * math.exp(-0.5 * ((x - b2) / (b3 + b4 * x)) ** 2) for b1, b2, b3, b4 in ACTIVE)


def passive_force(x, strain=PASSIVE_STRAIN, shape=PASSIVE_SHAPE):
    offset = math.exp(shape * (0.2 - 1) / strain)
    return (math.exp(shape * (x - 1) / strain) - offset) / (math.exp(shape) - offset)


def tendon_length_at(force, strain=TENDON_STRAIN):
    """Tendon length over slack length at a tendon force over maximum isometric force."""
    k = math.log((1 + 0.2) / 0.2) / strain
    return 1 + math.log((force + 0.2) / 0.2) / k


def cos_pennation(pennation, fibre):
    return math.sqrt(1 - (math.sin(pennation) / fibre) ** 2)


def fibre_at(muscle, path_length, activation=0.0):
    """Normalised fibre length in static equilibrium with the compliant tendon (bisection)."""
    l0, slack, pennation = muscle["optimal_fibre_length"], muscle["tendon_slack_length"], muscle.get("pennation", 0.0)
    if muscle.get("tendon") == "rigid" or slack == 0:
        along = path_length - slack
        return math.hypot(along, l0 * math.sin(pennation)) / l0

    def excess(x):  # tendon length that the fibre's force asks for, plus the fibre's, less the path's
        c = cos_pennation(pennation, x)
        force = (activation * active_force(x) + passive_force(x)) * c
        if force <= -0.199:
            return -1.0
        return slack * tendon_length_at(force) + x * l0 * c - path_length

    low, high = max(0.2, math.sin(pennation) * 1.02), 2.5
    if excess(low) > 0:
        return low
    for _ in range(200):
        middle = 0.5 * (low + high)
        if excess(middle) < 0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def slack_length_for(path_length, l0, pennation, fibre):
    """Tendon slack length for which the passive equilibrium at this path length has the given fibre length."""
    c = cos_pennation(pennation, fibre)
    return (path_length - fibre * l0 * c) / tendon_length_at(passive_force(fibre) * c)
