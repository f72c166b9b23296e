#!/usr/bin/env python3
# Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
"""Builds models/full_body.json and models/iliopsoas.json from the figures in models/tools/sources.

    python3 models/tools/build_models.py            # writes both models, prints the table of checks
    python3 models/tools/build_models.py --check    # writes nothing; fails if the files differ from what would be written

Python 3 and its standard library only; the same bytes on every run. The right side is built, the left side is its mirror
image to the last bit. Where a figure comes from, what was decided and why: models/SOURCES.md. Every choice is a constant
below."""
import copy
import json
import math
import os
import sys

import mechanics
import readable

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.dirname(HERE)

# ------------------------------------------------------------------------------------------------------------ constants
SPECIFIC_TENSION = {"legs": 6e5, "psoas": 6e5, "trunk": 1e6}  # Pa; trunk: calibrated to measured strength
LEG_SPECIFIC_TENSION_OF_SOURCE = 6e5  # Pa; Rajagopal 2016: F0 = 60 N/cm^2 x area

# Psoas and iliacus.
PSOAS_AREA = 16.67e-4  # m^2 a side: Reid 1994 (16.3 cm^2 in living young men), chosen for 1000 N a side
ILIACUS_FORCE = 900.0  # N a side, halves in the two parts; LaiUhlrich2022 has 1021
PSOAS_FIBRE, PSOAS_PENNATION = 0.1169, 0.18675  # m, rad (10.7 deg): Ward 2009
ILIACUS_FIBRE, ILIACUS_PENNATION = 0.1066, 0.24958  # m, rad (14.3 deg): Ward 2009
ILIOPSOAS_FIBRE_AT_NEUTRAL = 1.15  # l/l0 in passive equilibrium, hips and spine neutral (3.1 um)
T12_SHARE = 0.4  # of the top fascicle's area (211 mm^2): an assumption, 0 to 1
TOP_FASCICLE_AREA = 211.0  # mm^2
T12_SLIP_ABOVE_CENTRE = 0.008  # m above the T12_L1 centre, +-0.004: lower margin of T12
T12_SLIP_LATERAL = 0.020  # m

# The walls of the passage in front of the hip: cylinders fixed in the pelvis, all about one direction, so that a string
# over several of them is always smooth and never slips off. Centre from the hip centre, radius [m].
ILIOPSOAS_AXIS = [-0.11, -0.11, 0]  # rad: outwards 6 deg up and 6 deg back of the line through the hip centres
ILIOPSOAS_WALLS = {
    "psoas": {"brim": ([0.0175, 0.013, -0.011], 0.012),  # iliopubic eminence: front 29.5 mm before the hip centre
              "hip": ([0, 0, 0], 0.0255),  # head of 24 mm; more would exceed the measured arm
              "inguinal": ([0.0498, 0.0334, -0.010], 0.016)},  # on the line ASIS to pubic tubercle; the belly before it
    "iliacus": {"brim": ([0.0235, 0.022, -0.001], 0.012),  # rim of the ilium beside the eminence
                "hip": ([0, 0, 0], 0.033),  # head, 5 mm of capsule, half of the belly
                "inguinal": ([0.0487, 0.046, 0], 0.016)}}
SIDE_OF_WALL = {"brim": "clockwise", "hip": "clockwise", "inguinal": "counter_clockwise"}
ILIACUS_LATERAL, ILIACUS_IN_FRONT = 0.008, 0.0065  # m from the psoas tendon, which is 8 to 9 mm thick (Alpert 2009)

# Where LaiUhlrich2022's wraps of a leg muscle give way, so that its path stays on one side over the whole range of motion
# (models/SOURCES.md, "Leg paths"): the points between which it wraps, the side, and the surface where it is another.
LEG_WRAPS = {
    "glmax1_r": {"surface": "Gmax1_at_femur_r", "between": [1, 2], "side": "counter_clockwise"},
    "glmax2_r": {"surface": "Gmax2_at_pelvis_r", "between": [1, 2], "side": "counter_clockwise"},
    "recfem_r": {"surface": "KnExt_at_fem_r", "between": [0, 1], "side": "clockwise"}}
LEG_SURFACES = {
    "Gmax1_at_femur_r": {"body": "femur_r", "translation": [-0.019, -0.02, -0.013], "orientation": [-0.09, 0.38, 0],
                         "shape": {"cylinder": {"radius": 0.0395}}},
    "Gmax2_at_pelvis_r": {"body": "pelvis", "translation": [-0.078, -0.077, 0.06], "orientation": [-0.61, -0.11, 0],
                          "shape": {"cylinder": {"radius": 0.0385}}}}

# Postures in which paths are not to be trusted [deg], and why. Both sides; of the right side's coordinates.
DOMAIN = [
    {"muscles": ["group:psoas_r"], "outside": {"hip_flexion_r": (-31, 2), "hip_adduction_r": (-51, -44)},
     "reason": "far abducted and not flexed, the path slips off the walls before the hip"},
    {"muscles": ["group:iliacus_r"], "outside": {"hip_adduction_r": (-51, -41)},
     "reason": "far abducted, the path slips off the walls before the hip"},
    {"muscles": ["EO1_r", "EO2_r", "EO3_r", "EO4_r"], "outside": {"lumbar_rotation": (15, 46)},
     "reason": "turned further than spines turn, the rib comes in front of the sheath and the straight line leaves the "
               "abdominal wall"}]
OPPOSITE_IN_THE_MIRROR = ("lumbar_bending", "lumbar_rotation")  # coordinates of the trunk

# T12_L1: its centre in the L1 frame, continuing the spacing of the levels below.
T12_L1_CENTRE_IN_L1 = [-0.0133, 0.0329, 0.0]  # m
# Its share of the trunk's motion: the weight of T12-L1 over the sum of the six from T12-L1 to L5-S1 in the spine rhythm
# of AnyBody's AMMR 4 (0.088 of 0.858, 0.133 of 0.999, 0.1453 of 0.9999). Christophy's five share the rest.
T12_L1_RHYTHM = {"extension": 0.1026, "bending": 0.1331, "rotation": 0.1453}

# Inclination of superior endplates about +z from the body's x axis [deg] (negative: front edge down).
SACRAL_SLOPE_NEUTRAL_DEG = 40.0  # Mac-Thiong 2011: 709 adults, mean +-2 SD 24 to 55; swept 25 to 55
HALF_WEDGE_DEG = {"L5": 4.0, "L4": 0.0, "L3": 0.0, "L2": 0.0, "L1": 0.0}  # half the vertebral body's sagittal wedge

# Trunk muscles.
MYOTORSO_SPECIFIC_TENSION = 46e4  # Pa; Christophy 2012: 46 N/cm^2
TRUNK_FIBRE_AT_NEUTRAL = 0.87  # l/l0 with the tendon at slack length
TRUNK_FIBRE_AT_FLEXION = 1.4  # l/l0 that no extensor may pass at TRUNK_FLEXION: bounds tendon over fibre length
TRUNK_FLEXION = math.radians(-50)
TRUNK_AREA_FROM_ALLAIRE = ("IL_R", "LTpT_")  # these fascicles take Allaire's forces, the others MyoTorso's
CHRISTOPHY_TORSO_TO_THORAX = [-0.0033, -0.0193, 0.0]  # m; (-0.104, 0.0622, 0) - (-0.1007, 0.0815, 0) in the pelvis

# Passive elements.
CAPSULE = {"torque": 5.0, "rate_per_deg": 0.075, "reference_deg": -12.0}  # van Arkel 2015: 5 N m at 12 deg extension
BUSHING = [100, 100, 300]  # N m/rad in flexion, bending, axial rotation

# Contacts.
FOOT_CAP, SEAT_CAP, FRICTION = 2.0, 1.0, 0.6  # body weights, body weights, -
SOLE = 0.020  # m below the calcaneus origin: standing frames of the two recordings give 27 and 13 mm (own reading)
THIGH_UNDERSIDE = 0.07  # m behind the femur's axis

# The toes of the source have an inertia that no body can have (zz 0.001 > xx + yy = 0.0003 kg m^2).
# Muscles whose points of the pelvis are the sacrum's: behind, and within 30 mm of the middle plane.
SACRAL_MUSCLES = ["LTpT_*", "MF_m1t_2_*", "MF_m2t_1_*", "MF_m3*", "MF_m4*", "MF_m5*", "piri_*", "glmax3_*"]
TOES_INERTIA = [0.0001, 0.0002, 0.00015, 0, 0, 0]

LEVELS = ["L5_S1", "L4_L5", "L3_L4", "L2_L3", "L1_L2", "T12_L1"]
VERTEBRAE = ["L5", "L4", "L3", "L2", "L1"]
TURNS = ["extension", "bending", "rotation"]
TURN_AXES = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]  # body-fixed, in this order; as the back joint of LaiUhlrich2022

CITATIONS = [
    "Rajagopal A et al. (2016) IEEE Trans Biomed Eng 63:2068-2079",
    "Lai AKM, Arnold AS, Wakeling JM (2017) Ann Biomed Eng 45:2762-2774",
    "Uhlrich SD et al. (2022) Sci Rep 12:9842",
    "Christophy M et al. (2012) Biomech Model Mechanobiol 11:19-34",
    "Walia et al. (2025) MyoTorso, doi 10.1101/2025.03.13.643057",
    "Bruno AG et al. (2015), Allaire BT et al. (2020): trunk muscle forces and lengths",
    "AnyBody Technology, AMMR 4 spine rhythm: share of T12-L1",
    "Bogduk N, Pearcy M, Hadfield G (1992) Clin Biomech 7:109-119",
    "Ward SR et al. (2009) Clin Orthop Relat Res 467:1074-1082",
    "Reid JG, Livingston LA, Pearsall DJ (1994) Arch Phys Med Rehabil 75:703-708",
    "van Arkel RJ et al. (2015) J Biomech 48:3803-3809",
    "Mac-Thiong JM et al. (2011) Eur Spine J 20 Suppl 5:572-577",
    "All figures, licences and decisions: models/SOURCES.md",
]


# -------------------------------------------------------------------------------------------------------------- helpers
def source(name):
    with open(os.path.join(HERE, "sources", name + ".json"), encoding="utf-8") as file:
        return json.load(file)


# What the model format takes where a field is not given. `psoas convert` writes these out; here they are left out.
DEFAULTS = {"function": {"linear": {"slope": 1, "offset": 0}}, "motion": "rotation", "value": 0, "offset": 0,
            "translation": [0, 0, 0], "orientation": [0, 0, 0], "parent_frame": {}, "child_frame": {},
            "side": "shortest"}


# The same for the curve set of the legs; kept apart, since these names occur elsewhere.
MILLARD_DEFAULTS = {
    "shortest_length": 0.4441, "transition_length": 0.73, "longest_length": 1.8123, "shallow_slope": 0.8616,
    "least_active_force": 0, "concentric_slope_at_vmax": 0, "concentric_slope_near_vmax": 0.25, "isometric_slope": 5,
    "eccentric_slope_at_vmax": 0, "eccentric_slope_near_vmax": 0.15, "eccentric_force": 1.4,
    "concentric_curviness": 0.6, "eccentric_curviness": 0.9, "passive_onset": 0, "passive_low_stiffness": 0.14,
    "passive_stiffness": 2, "passive_curviness": 0.75, "tendon_stiffness": 1.375, "tendon_toe_force": 2 / 3,
    "tendon_curviness": 0.5}


def plain(item):
    """Without the fields that say no more than their default. A pin's axis has one (z), a custom joint's has none."""
    if isinstance(item, list):
        return [plain(v) for v in item]
    if not isinstance(item, dict):
        return item
    short = {key: plain(value) for key, value in item.items()}
    out = {key: value for key, value in short.items()
           if key not in DEFAULTS or DEFAULTS[key] not in (item[key], value)}
    if out.get("pin", {}).get("axis") == [0, 0, 1]:
        del out["pin"]["axis"]
    return out


def lai_uhlrich():
    """LaiUhlrich2022 as `psoas convert` writes it. The file gives the coupled knee coordinates no range worth the name
    (+-99999.9); they follow the knee angle one to one and have its range."""
    lai = source("lai_uhlrich_2022")
    for part in ("coordinates", "joints", "muscles"):
        lai[part] = plain(lai[part])
    for coordinate in lai["coordinates"].values():
        if "coupled_to" in coordinate:
            coordinate["range"] = lai["coordinates"][coordinate["coupled_to"]["coordinate"]]["range"]
    return lai


def metres(values):
    return [round(v, 7) + 0.0 for v in values]


def digits(value, count=9):
    return float(f"{value:.{count}g}")


def mirrored_name(name):
    return name[:-2] + "_l" if name.endswith("_r") else name.replace("_r_beta", "_l_beta")


def flip(point):
    return [point[0], point[1], -point[2] + 0.0]


def turn(angles):
    """Body-fixed xyz angles, or an axis of rotation, of the mirror image in the plane z = 0."""
    return [-angles[0] + 0.0, -angles[1] + 0.0, angles[2]]


def mirrored_frame(spec):
    return {key: (flip if key == "translation" else turn)(v) for key, v in spec.items()}


def mirrored_body(body):
    i = body["inertia"]
    return {"mass": body["mass"], "mass_center": flip(body["mass_center"]),
            "inertia": [i[0], i[1], i[2], i[3], -i[4] + 0.0, -i[5] + 0.0]}


def mirrored_joint(joint):
    out = {"parent": mirrored_name(joint["parent"]), "child": mirrored_name(joint["child"])}
    for key in ("parent_frame", "child_frame"):
        if key in joint:
            out[key] = mirrored_frame(joint[key])
    kind, body = next(iter(joint["motion"].items()))
    body = copy.deepcopy(body)
    if kind == "pin":
        body["coordinate"] = mirrored_name(body["coordinate"])
        if "axis" in body:
            body["axis"] = turn(body["axis"])
    for list_name, change in (("translations", flip), ("rotations", turn)):
        for axis in body.get(list_name, []):
            axis["axis"] = change(axis["axis"])
            if "coordinate" in axis:
                axis["coordinate"] = mirrored_name(axis["coordinate"])
    out["motion"] = {kind: body}
    return out


def mirrored_surface(surface):
    # The image of the local axes is left-handed; with x and y of the angles negated the local z axis points again to
    # the same side of the body, so the sense of travel about it (clockwise and so on) stays as it is.
    return {"body": mirrored_name(surface["body"]), "translation": flip(surface["translation"]),
            "orientation": turn(surface["orientation"]), "shape": surface["shape"]}


def mirrored_muscle(muscle):
    out = copy.deepcopy(muscle)
    for point in out["path"]:
        point["body"] = mirrored_name(point["body"])
        point["location"] = flip(point["location"])
    for wrap in out.get("wraps", []):
        wrap["surface"] = mirrored_name(wrap["surface"])
    return out


def both_sides(right, mirror):
    """The right side's elements, then their mirror images."""
    return {**right, **{mirrored_name(name): mirror(item) for name, item in right.items()}}


# ------------------------------------------------------------------------------------------------------------- skeleton
def lumbar_joints(christophy):
    """Level joints: parent's frame at the centre, child's frame such that the child's axes stay parallel at neutral."""
    sacrum = christophy["sacrum_origin_in_pelvis"]
    joints = {}
    for level in LEVELS[:-1]:
        j = christophy["joints"][level]
        in_parent, parent = j["location_in_parent"], j["parent"]
        if parent == "sacrum":
            in_parent, parent = mechanics.add(in_parent, sacrum), "pelvis"
        joints[level] = level_joint(level, parent, j["child"], in_parent, j["location_in_child"])
    return joints


def level_joint(level, parent, child, in_parent, in_child):
    joint = {"parent": parent, "child": child, "parent_frame": {"translation": metres(in_parent)}}
    if any(in_child):
        joint["child_frame"] = {"translation": metres(in_child)}
    joint["motion"] = {"custom": {"rotations": [
        {"axis": axis, "coordinate": f"{level}_{name}"} for name, axis in zip(TURNS, TURN_AXES)]}}
    return joint


def neutral_origins(joints):
    """Origins of L5 to L1 in the neutral pelvis."""
    at = {"pelvis": [0.0, 0.0, 0.0]}
    for level in LEVELS[:-1]:
        j = joints[level]
        centre = mechanics.add(at[j["parent"]], j["parent_frame"]["translation"])
        at[j["child"]] = mechanics.sub(centre, j.get("child_frame", {}).get("translation", [0, 0, 0]))
    return at


def trunk_skeleton(lai, christophy, masses):
    """Bodies and joints of pelvis, lumbar spine and thorax."""
    bodies = {name: masses["bodies"][name] for name in ["pelvis"] + VERTEBRAE + ["thorax"]}
    joints = lumbar_joints(christophy)
    origins = neutral_origins(joints)
    thorax = lai["joints"]["back"]["parent_frame"]["translation"]  # origin of the torso frame in the neutral pelvis
    centre = mechanics.add(origins["L1"], T12_L1_CENTRE_IN_L1)
    joints["T12_L1"] = level_joint("T12_L1", "L1", "thorax", T12_L1_CENTRE_IN_L1, mechanics.sub(centre, thorax))
    return bodies, joints, {**origins, "thorax": thorax}


def level_coordinates(christophy):
    """The levels' coordinates, coupled to the trunk coordinates by the rhythm (linear shares, whose sum is 1)."""
    rhythm = christophy["rhythm"]
    shares = [rhythm["flexion_extension"], rhythm["lateral_bending"], rhythm["axial_rotation_corrected"]]
    ranges = [christophy["coordinate_ranges"][k] for k in ("flex_extension", "lat_bending", "axial_rotation")]
    out = {}
    for level in LEVELS:
        for name, share, limits in zip(TURNS, shares, ranges):
            top = T12_L1_RHYTHM[name]
            slope = top if level == "T12_L1" else digits((1 - top) * share[level] / sum(share.values()))
            out[f"{level}_{name}"] = {
                "range": [digits(slope * limit, 6) + 0.0 for limit in limits] if slope else [-0.2, 0.2],
                "coupled_to": {"coordinate": f"lumbar_{name}", "function": {"linear": {"slope": slope}}}}
    return out


def trunk_coordinates(christophy):
    keys = ("flex_extension", "lat_bending", "axial_rotation")
    return {f"lumbar_{name}": {"range": christophy["coordinate_ranges"][key]} for name, key in zip(TURNS, keys)}


def lumbar_section(christophy):
    angle = {"L5_S1": -SACRAL_SLOPE_NEUTRAL_DEG}
    for level, body in zip(LEVELS[1:], VERTEBRAE):
        angle[level] = christophy["body_tilt_deg"][body] + HALF_WEDGE_DEG[body]
    return {"extension": "lumbar_extension", "bending": "lumbar_bending", "rotation": "lumbar_rotation",
            "levels": {level: {"joint": level, "endplate_angle_deg": angle[level]} for level in LEVELS}}


def renamed(item):
    """LaiUhlrich2022's torso is the thorax here."""
    item = copy.deepcopy(item)
    for key in ("parent", "child"):
        if item.get(key) == "torso":
            item[key] = "thorax"
    return item


# ------------------------------------------------------------------------------------------------------------ iliopsoas
def iliopsoas_surfaces(hip):
    """The right side's cylinders, all parallel to one axis; `hip`: the hip centre in the pelvis."""
    out = {}
    for name, walls in ILIOPSOAS_WALLS.items():
        for wall, (centre, radius) in walls.items():
            out[f"{name}_{wall}_r"] = {"body": "pelvis", "translation": metres(mechanics.add(hip, centre)),
                                       "orientation": ILIOPSOAS_AXIS, "shape": {"cylinder": {"radius": radius}}}
    return out


def over_walls(name, last):
    """The wraps of a muscle between the points `last` - 1 and `last`."""
    return [{"surface": f"{name}_{wall}_r", "between": [last - 1, last], "side": SIDE_OF_WALL[wall]}
            for wall in ILIOPSOAS_WALLS[name]]


def iliacus_tail(psoas):
    """Points of the iliacus on the femur: beside and in front of those of the psoas tendon."""
    along = mechanics.sub(psoas[1], psoas[0])
    along = [c / mechanics.norm(along) for c in along]
    front = mechanics.sub(psoas[0], [mechanics.dot(psoas[0], along) * c for c in along])
    front = [c / mechanics.norm(front) for c in front]
    lateral = mechanics.cross(along, front)
    aside = [ILIACUS_LATERAL * a + ILIACUS_IN_FRONT * b for a, b in zip(lateral, front)]
    return [metres(mechanics.add(p, aside)) for p in psoas]


def along_straight_line(model, at, origin, vias, end):
    """Via points of a fascicle: where its neutral path without them crosses the heights at which the vertebrae have
    their via points. `vias`: (body, height in the body frame)."""
    line = mechanics.path(model, {"path": [origin, end], "wraps": over_walls("psoas", 1)}, at)["line"]
    start, touch = line[0], line[1]
    points = []
    for body, height in vias:
        pose = at[body]
        level = mechanics.apply(pose, [0, height, 0])[1]
        t = (level - start[1]) / (touch[1] - start[1])
        place = [a + t * (b - a) for a, b in zip(start, touch)]
        local = mechanics.apply(mechanics.inverse(pose), place)
        points.append({"body": body, "location": [round(local[0], 6), height, round(local[2], 6)]})
    return points


def iliopsoas(model, source_paths):
    """Adds the cylinders and the 14 fascicles of both sides to a model that has its skeleton. Slack lengths come from
    the neutral path."""
    hip = model["joints"]["hip_r"]["parent_frame"]["translation"]
    model["surfaces"].update(both_sides(iliopsoas_surfaces(hip), mirrored_surface))
    at = mechanics.poses(model)
    centre = model["joints"]["T12_L1"]["child_frame"]["translation"]
    heights = list(source_paths["via_height"].items())
    slip = {"body": "thorax", "location": metres(
        mechanics.add(centre, [0, T12_SLIP_ABOVE_CENTRE, T12_SLIP_LATERAL]))}
    items = {"Ps_T12": {"origin": slip, "area_mm2": T12_SHARE * TOP_FASCICLE_AREA}, **source_paths["muscles"]}
    items["Ps_L1_VB"] = {**items["Ps_L1_VB"], "area_mm2": (1 - T12_SHARE) * TOP_FASCICLE_AREA}
    total = sum(item["area_mm2"] for item in items.values() if "area_mm2" in item)
    tail = {"psoas": source_paths["femur"], "iliacus": iliacus_tail(source_paths["femur"])}
    muscles = {}
    for name, item in items.items():
        kind = "psoas" if name.startswith("Ps_") else "iliacus"
        end = [{"body": "femur_r", "location": p} for p in tail[kind]]
        points = [item["origin"]]
        if kind == "psoas":
            crossed = [body for body, _ in heights].index(points[0]["body"]) + 1 if points[0]["body"] != "thorax" else 0
            points = points + along_straight_line(model, at, points[0], heights[crossed:], end[0])
        muscle = {"path": points + end, "wraps": over_walls(kind, len(points))}
        if kind == "psoas":
            key = "psoas_" + name[3:] + "_r"
            muscle.update(region="psoas",
                          physiological_cross_section_area=digits(PSOAS_AREA * item["area_mm2"] / total),
                          optimal_fibre_length=PSOAS_FIBRE, pennation=PSOAS_PENNATION)
        else:
            key = {"Il_ant": "iliacus_ant_r", "Il_post": "iliacus_post_r"}[name]
            muscle.update(region="legs",
                          physiological_cross_section_area=digits(ILIACUS_FORCE / 2 / SPECIFIC_TENSION["legs"]),
                          optimal_fibre_length=ILIACUS_FIBRE, pennation=ILIACUS_PENNATION)
        reach = mechanics.path(model, muscle, at)["length"]
        slack = mechanics.slack_length_for(reach, muscle["optimal_fibre_length"], muscle["pennation"],
                                           ILIOPSOAS_FIBRE_AT_NEUTRAL)
        pennation = muscle.pop("pennation")
        muscle.update(tendon_slack_length=round(slack, 7), pennation=pennation)
        muscles[key] = muscle
    model["muscles"].update(both_sides(muscles, mirrored_muscle))


# ---------------------------------------------------------------------------------------------------------- leg muscles
def leg_muscles(lai):
    """The 38 muscles a side of LaiUhlrich2022 without its psoas and iliacus, and the surfaces that they wrap over; the
    wraps of LEG_WRAPS in place of its own."""
    muscles, surfaces = {}, {}
    for name, m in lai["muscles"].items():
        if not name.endswith("_r") or name in ("psoas_r", "iliacus_r"):
            continue
        muscle = {"path": [{"body": p["body"], "location": p["location"]} for p in m["path"]]}
        if "wraps" in m:
            muscle["wraps"] = [LEG_WRAPS[name]] if name in LEG_WRAPS else m["wraps"]
            for wrap in muscle["wraps"]:
                surface = wrap["surface"]
                surfaces[surface] = LEG_SURFACES.get(surface) or lai["surfaces"][surface]
        area = m["max_isometric_force"] / LEG_SPECIFIC_TENSION_OF_SOURCE
        muscle.update(region="legs", physiological_cross_section_area=digits(area),
                      optimal_fibre_length=round(m["optimal_fibre_length"], 7),
                      tendon_slack_length=round(m["tendon_slack_length"], 7), pennation=m["pennation"])
        # The curves that the source has, and what else they lean on: the strain at F0 and the damping.
        muscle.update(passive_strain=m["passive_strain"], damping=m["damping"],
                      curve={"millard": {k: v for k, v in m["curve"]["millard"].items() if v != MILLARD_DEFAULTS[k]}})
        muscles[name] = muscle
    return muscles, surfaces


# -------------------------------------------------------------------------------------------------------- trunk muscles
def trunk_path(points, sacrum):
    """Points in this model's bodies; `sacrum`: origin of the source's sacrum frame in the pelvis."""
    shift = {"thorax": ("thorax", CHRISTOPHY_TORSO_TO_THORAX), "sacrum": ("pelvis", sacrum)}
    out = []
    for p in points:
        body, by = shift.get(p["body"], (p["body"], [0, 0, 0]))
        out.append({"body": body, "location": metres(mechanics.add(p["location"], by))})
    return out


def thoracic_scale(trunk, ends):
    """How much smaller the thorax of MyoTorso is than Allaire's, by the ends of LTpT_T1 and LTpT_T12."""
    return mechanics.norm(mechanics.sub(ends["T1"], ends["T12"])) / trunk["allaire_thoracic"]["insertion_T1_to_T12"]


def beside_end(trunk, ends, vertebra, location):
    """A point of one of Allaire's thoracic vertebrae in the thorax: as far from the end of the fascicle LTpT_Tk on that
    vertebra as there, in axes of the neutral pose and scaled by the length of the thorax."""
    a = trunk["allaire_thoracic"]
    turned = mechanics.about([0, 0, 1], math.radians(a["tilt_deg"][vertebra]))
    offset = mechanics.times(turned, mechanics.sub(location, a["insertion"][vertebra]))
    return mechanics.add(ends[vertebra], [thoracic_scale(trunk, ends) * c for c in offset])


def thoracic_ends(trunk, sacrum):
    """Where LTpT_T1 to LTpT_T12 end, in the thorax."""
    return {f"T{k}": trunk_path(trunk["muscles"][f"LTpT_T{k}_r"]["path"], sacrum)[-1]["location"] for k in range(1, 13)}


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else 0.5 * (values[middle - 1] + values[middle])


def trunk_muscles(model, trunk, sacrum, notes):
    """The 94 fascicles a side of MyoTorso as polylines; areas from Allaire or MyoTorso; fibre and tendon from Allaire's
    ratio of the two, scaled to the path."""
    at = mechanics.poses(model)
    bent = mechanics.poses(model, {"lumbar_extension": TRUNK_FLEXION})
    group_ratio = {}
    for item in trunk["muscles"].values():
        if "allaire" in item:
            a = item["allaire"]
            group_ratio.setdefault(item["group"], []).append(a["tendon_slack_length"] / a["optimal_fibre_length"])
    group_ratio["external_oblique"] = [a["tendon_slack_length"] / a["optimal_fibre_length"]
                                       for a in trunk["allaire_external_oblique"].values()]
    ends = thoracic_ends(trunk, sacrum)
    muscles = {}
    for name, item in trunk["muscles"].items():
        points = trunk_path(item["path"], sacrum)
        vias = trunk["allaire_thoracic"]["via"].get(name, {})
        points[-1:-1] = [{"body": "thorax", "location": metres(beside_end(trunk, ends, vertebra, location))}
                         for vertebra, location in vias.items()]
        if name == "rect_abd_r":  # the file has it on the left
            for p in points:
                p["location"] = flip(p["location"])
        muscle = {"path": points}
        reach = mechanics.path(model, muscle, at)["length"]
        stretch = mechanics.path(model, muscle, bent)["length"] / reach
        allaire = item.get("allaire")
        pennation = allaire["pennation"] if allaire else 0.0
        if allaire:
            ratio = allaire["tendon_slack_length"] / allaire["optimal_fibre_length"]
        else:
            ratio = median(group_ratio[item["group"]])
        # Fibre at neutral: l cos(a) + ratio l0 = path, with l/l0 given. The fibre takes all of the path's lengthening:
        # where l/l0 would pass its bound in deep flexion, the tendon is shortened to what the bound allows.
        def at_bound(r):
            l0 = reach / (TRUNK_FIBRE_AT_NEUTRAL * mechanics.cos_pennation(pennation, TRUNK_FIBRE_AT_NEUTRAL) + r)
            return math.hypot(stretch * reach / l0 - r, math.sin(pennation))
        published = ratio
        if at_bound(ratio) > TRUNK_FIBRE_AT_FLEXION:
            low, high = 0.0, ratio
            for _ in range(100):
                middle = 0.5 * (low + high)
                low, high = (low, middle) if at_bound(middle) > TRUNK_FIBRE_AT_FLEXION else (middle, high)
            ratio = low
            notes.append((name, published, ratio, stretch, at_bound(published)))
        l0 = reach / (TRUNK_FIBRE_AT_NEUTRAL * mechanics.cos_pennation(pennation, TRUNK_FIBRE_AT_NEUTRAL) + ratio)
        if name.startswith(TRUNK_AREA_FROM_ALLAIRE):
            area = allaire["max_isometric_force"] / SPECIFIC_TENSION["trunk"]
        else:
            area = item["peak_force"] / MYOTORSO_SPECIFIC_TENSION
        muscle.update(region="trunk", physiological_cross_section_area=digits(area, 7),
                      optimal_fibre_length=round(l0, 6), tendon_slack_length=round(ratio * l0, 6))
        if pennation:
            muscle["pennation"] = pennation
        muscles[name.replace(".", "_")] = muscle
    model["muscles"].update(both_sides(muscles, mirrored_muscle))


# ---------------------------------------------------------------------------------------------------- passive, contacts
def passive():
    out = {}
    for side in ("r", "l"):
        out[f"hip_capsule_{side}"] = {"exponential": {
            "coordinate": f"hip_flexion_{side}", "torque": CAPSULE["torque"],
            "rate": digits(CAPSULE["rate_per_deg"] * 180 / math.pi),
            "reference": digits(math.radians(CAPSULE["reference_deg"]))}}
    for level in LEVELS:
        out[f"disc_{level}"] = {"bushing": {"joint": level, "stiffness": BUSHING}}
    return out


def contacts(lai, feet):
    """Right side: five points under the foot, two under the ischium, one under the thigh."""
    def sole(sphere):
        s = feet["spheres"][sphere]
        x, _, z = s["location"]
        return s["body"], [round(x / feet["scale"], 4), -SOLE, round(z / feet["scale"], 4)]

    heel_body, heel = sole("s1_r")
    inner_body, inner = sole("s2_r")
    outer_body, outer = sole("s3_r")
    middle_body, middle = sole("s4_r")
    # The source has no medial mid-foot point: on the line from the heel to the medial toe joint, beside the lateral one.
    t = (middle[0] - heel[0]) / (inner[0] - heel[0])
    medial = [middle[0], heel[1], round(heel[2] + t * (inner[2] - heel[2]), 4)]
    origin = {n: lai["muscles"][n]["path"][0]["location"] for n in ("semiten_r", "addmagIsch_r", "addmagMid_r")}
    front = [round((a + b) / 2, 4) for a, b in zip(origin["addmagIsch_r"], origin["addmagMid_r"])]
    knee = lai["joints"]["walker_knee_r"]["parent_frame"]["translation"]
    thigh = [round(knee[0] / 3 - THIGH_UNDERSIDE, 4), round(knee[1] / 3, 4), round(knee[2] / 3, 4)]
    right = {}
    for name, body, place in (("foot_heel_r", heel_body, heel), ("foot_mid_medial_r", heel_body, medial),
                              ("foot_mid_lateral_r", middle_body, middle), ("foot_toe_joint_medial_r", inner_body, inner),
                              ("foot_toe_joint_lateral_r", outer_body, outer)):
        right[name] = {"body": body, "support": "foot", "location": place, "cap": FOOT_CAP, "friction": FRICTION}
    for name, body, place in (("seat_ischium_back_r", "pelvis", [round(c, 4) for c in origin["semiten_r"]]),
                              ("seat_ischium_front_r", "pelvis", front), ("seat_thigh_r", "femur_r", thigh)):
        right[name] = {"body": body, "support": "seat", "location": place, "cap": SEAT_CAP, "friction": FRICTION}
    return both_sides(right, lambda c: {**c, "body": mirrored_name(c["body"]), "location": flip(c["location"])})


def pelvic_ring():
    """The right sacroiliac joint and the symphysis; SOURCES.md says what is measured and what is assumed."""
    sway, turn = 294.0, 42.0  # N, N m: the greatest loads of Miller et al. 1987, with the deflections below
    forward, sideways = sway / 2.74e-3, sway / 0.76e-3
    about_forward, about_up = turn / math.radians(1.40), turn / math.radians(6.21)
    between = lambda a, b: math.sqrt(a * b)  # directions that the abstract leaves between its extremes
    return {
        "body": "pelvis",
        "sacral_muscles": SACRAL_MUSCLES,
        "sacral_share": 0.2,
        "sacroiliac": {
            "center": [-0.115, 0, 0.042], "normal": [-0.2, -0.2, 0.96],
            "stiffness_center": [-0.115, 0, 0], "stiffness_tilt_deg": -SACRAL_SLOPE_NEUTRAL_DEG,
            "translational_stiffness": [digits(k, 4) for k in (forward, between(forward, sideways), sideways)],
            "rotational_stiffness": [digits(k, 4) for k in (about_forward, about_up, between(about_forward, about_up))]},
        "symphysis": {"center": [-0.02, -0.1, 0], "translational_stiffness": [2e5, 2e5, 5e5],
                      "rotational_stiffness": [300, 300, 300]}}


# --------------------------------------------------------------------------------------------------------------- models
def domain():
    """Both sides' entries, in radians; closed ranges."""
    out = []
    for entry in DOMAIN:
        right = {**entry, "outside": {name: [digits(math.radians(v), 6) for v in limits]
                                      for name, limits in entry["outside"].items()}}
        out += [right, {**right, "muscles": [mirrored_name(m) for m in entry["muscles"]],
                        "outside": {mirrored_name(name): [-v for v in reversed(limits)]
                                    if name in OPPOSITE_IN_THE_MIRROR else limits
                                    for name, limits in right["outside"].items()}}]
    return out


def full_body(notes):
    lai, christophy, masses = lai_uhlrich(), source("lumbar_skeleton"), source("trunk_masses")
    bodies, lumbar, origins = trunk_skeleton(lai, christophy, masses)
    model = {"format": "psoas-model/1", "name": "full body with a psoas from T12 to the femur", "sources": CITATIONS,
             "gravity": lai["gravity"], "specific_tension": SPECIFIC_TENSION,
             "bodies": {}, "coordinates": {}, "joints": {}, "lumbar": lumbar_section(christophy),
             "hips": {"r": "hip_r", "l": "hip_l"}, "surfaces": {}, "muscles": {}, "groups": {}, "passive": passive(),
             "contacts": {}, "domain": domain(), "certificate": "certificates/full_body.json"}

    # Bodies and joints: trunk, legs, arms.
    right_bodies = {n: b for n, b in lai["bodies"].items() if n.endswith("_r")}
    right_bodies["toes_r"] = {**right_bodies["toes_r"], "inertia": TOES_INERTIA}
    arms = ("humerus_r", "ulna_r", "radius_r", "hand_r")
    legs = {n: b for n, b in right_bodies.items() if n not in arms}
    abdomen = {"mass": 0, "mass_center": [0, 0, 0], "inertia": [0, 0, 0, 0, 0, 0]}
    model["bodies"] = {**bodies, "abdomen": abdomen, **both_sides(legs, mirrored_body),
                       **both_sides({n: right_bodies[n] for n in arms}, mirrored_body)}
    right_joints = {n: renamed(j) for n, j in lai["joints"].items() if n.endswith("_r")}
    leg_joints = {n: j for n, j in right_joints.items() if j["child"] in legs}
    arm_joints = {n: j for n, j in right_joints.items() if j["child"] in arms}
    centre = lumbar["L5_S1"]["parent_frame"]["translation"]
    abdomen_origin = mechanics.add(origins["L5"], christophy["abdomen"]["origin_in_L5"])
    model["joints"] = {
        "ground_pelvis": lai["joints"]["ground_pelvis"], **lumbar,
        "abdomen": {"parent": "pelvis", "child": "abdomen", "parent_frame": {"translation": centre},
                    "child_frame": {"translation": metres(mechanics.sub(centre, abdomen_origin))},
                    "motion": {"pin": {"coordinate": "abdomen_extension"}}},
        **both_sides(leg_joints, mirrored_joint), **both_sides(arm_joints, mirrored_joint)}

    # Coordinates in the order of the recordings, coupled ones after.
    free = {n: c for n, c in lai["coordinates"].items() if "coupled_to" not in c}
    heel = mechanics.poses({"coordinates": lai["coordinates"], "joints": lai["joints"]})["calcn_r"][1]
    free["pelvis_ty"] = {**free["pelvis_ty"], "value": round(SOLE - heel[1], 4)}  # soles on the ground
    free.update(trunk_coordinates(christophy))
    knees = {n: c for n, c in lai["coordinates"].items() if "coupled_to" in c}
    share = christophy["abdomen"]["coupling_to_flexion_extension"]
    limits = free["lumbar_extension"]["range"]
    model["coordinates"] = {**free, **knees, **level_coordinates(christophy), "abdomen_extension": {
        "range": [digits(share * v, 6) for v in limits],
        "coupled_to": {"coordinate": "lumbar_extension", "function": {"linear": {"slope": share}}}}}

    # Muscles.
    muscles, surfaces = leg_muscles(lai)
    model["surfaces"].update(both_sides(surfaces, mirrored_surface))
    model["muscles"].update(both_sides(muscles, mirrored_muscle))
    iliopsoas(model, source("iliopsoas_paths"))
    trunk_muscles(model, source("trunk_muscles"), christophy["sacrum_origin_in_pelvis"], notes)
    model["groups"] = {
        "iliopsoas": ["psoas_*", "iliacus_*"], "psoas": ["psoas_*"], "iliacus": ["iliacus_*"],
        "gluteus_maximus": ["glmax*"], "hamstrings": ["bflh_*", "semimem_*", "semiten_*"],
        "quadriceps": ["recfem_*", "vasint_*", "vaslat_*", "vasmed_*"],
        "erector_spinae": ["IL_*", "LTpT_*", "LTpL_*"], "multifidus": ["MF_*"], "quadratus_lumborum": ["QL_*"],
        "abdominals": ["rect_abd_*", "EO*", "IO*"]}
    model["contacts"] = contacts(lai, source("foot_contacts"))
    model["pelvic_ring"] = pelvic_ring()
    return model


def iliopsoas_alone(full):
    """The same iliopsoas on a pelvis that only tilts, with the thighs; shank and foot are point masses."""
    at = mechanics.poses(full)
    hip = full["joints"]["hip_r"]["parent_frame"]["translation"]
    height = round(full["coordinates"]["pelvis_ty"]["value"] + hip[1], 7)
    keep = ["pelvis"] + VERTEBRAE + ["thorax", "femur_r", "femur_l"]
    model = {"format": "psoas-model/1", "name": "iliopsoas on a pelvis that tilts about the hips",
             "note": "One shank and foot a side is a point mass where its mass centre lies with the knee straight and the "
                     "ankle neutral: its own rotational inertia is left out. The thorax is without arms.",
             "sources": CITATIONS, "gravity": full["gravity"],
             "specific_tension": {k: SPECIFIC_TENSION[k] for k in ("legs", "psoas")},
             "bodies": {n: full["bodies"][n] for n in keep}, "coordinates": {}, "joints": {},
             "lumbar": full["lumbar"], "hips": full["hips"]}

    # Shank and foot lumped in the femur's frame.
    parts = ["tibia_r", "patella_r", "talus_r", "calcn_r", "toes_r"]
    mass = sum(full["bodies"][p]["mass"] for p in parts)
    moment = [0.0, 0.0, 0.0]
    for p in parts:
        place = mechanics.apply(at[p], full["bodies"][p]["mass_center"])
        moment = mechanics.add(moment, [full["bodies"][p]["mass"] * c for c in place])
    local = mechanics.apply(mechanics.inverse(at["femur_r"]), [c / mass for c in moment])
    right = {"shank_foot_r": {"mass": round(mass, 6), "mass_center": [round(c, 6) for c in local],
                              "inertia": [0, 0, 0, 0, 0, 0]}}
    model["bodies"].update(both_sides(right, mirrored_body))

    model["joints"] = {"ground_pelvis": {
        "parent": "ground", "child": "pelvis", "parent_frame": {"translation": [hip[0], height, 0]},
        "child_frame": {"translation": [hip[0], hip[1], 0]}, "motion": {"custom": {"rotations": [
            {"axis": [0, 0, 1], "coordinate": "pelvis_tilt"}]}}}}
    for name in LEVELS + ["hip_r", "hip_l"]:
        model["joints"][name] = full["joints"][name]
    weld = {"shank_foot_r": {"parent": "femur_r", "child": "shank_foot_r", "motion": {"weld": {}}}}
    model["joints"].update(both_sides(weld, mirrored_joint))
    used = ["pelvis_tilt"] + [f"hip_{m}_{s}" for s in "rl" for m in ("flexion", "adduction", "rotation")]
    used += [f"lumbar_{t}" for t in TURNS] + [f"{level}_{t}" for level in LEVELS for t in TURNS]
    model["coordinates"] = {n: full["coordinates"][n] for n in used}
    muscles = {n: m for n, m in full["muscles"].items() if n.startswith(("psoas_", "iliacus_"))}
    surfaces = {w["surface"] for m in muscles.values() for w in m["wraps"]}
    model["surfaces"] = {n: s for n, s in full["surfaces"].items() if n in surfaces}
    model["muscles"] = muscles
    model["groups"] = {n: full["groups"][n] for n in ("iliopsoas", "psoas", "iliacus")}
    model["passive"] = full["passive"]
    groups = tuple("group:" + n for n in model["groups"])
    model["domain"] = [entry for entry in full["domain"] if entry["muscles"][0].startswith(groups)]
    model["certificate"] = "certificates/iliopsoas.json"
    return model


def main(arguments):
    notes = []
    full = full_body(notes)
    models = {"full_body.json": full, "iliopsoas.json": iliopsoas_alone(full)}
    if "--check" in arguments:
        stale = []
        for name, model in models.items():
            with open(os.path.join(MODELS, name), encoding="utf-8") as file:
                if file.read() != readable.text(model) + "\n":
                    stale.append(name)
        if stale:
            sys.exit("not what build_models.py writes: " + ", ".join(stale))
        return
    for name, model in models.items():
        readable.write(os.path.join(MODELS, name), model)
    import check_models
    check_models.report(models, notes)


if __name__ == "__main__":
    main(sys.argv[1:])
