#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the image fixtures and asks Pillow and transformers what they should become.

    python3 Tests/BundledPluginTests/Fixtures/make_images.py            # needs numpy, Pillow, transformers 5
    SHUFFLE_R1_ORACLES=… python3 Tests/BundledPluginTests/Fixtures/make_images.py   # oracle.json too

Writes images/ and images.json (the pixels that transformers' load_image gives), resampling.json, processing.json
and oracle.json beside itself. Made with Pillow 13.0.0 (libjpeg-turbo 3.2.0, libwebp 1.6.0), transformers 5.23.0.
"""

import base64
import io
import json
import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

HERE = Path(__file__).resolve().parent
IMAGES = HERE / "images"


def drawing(width, height, channels, depth=8):
    """A picture with slopes, an edge and a little noise; [height, width, channels], up to 16 bits."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    top = 2**depth - 1
    noise = np.random.RandomState(width * 1000 + height).rand(height, width, channels)
    planes = [x / max(1, width - 1), y / max(1, height - 1), (x + y) % 7 / 6, ((x - width / 2) ** 2 + y**2) % 50 / 50]
    image = np.stack(planes[:channels], -1) * 0.85 + noise * 0.15
    image[height // 3 : height // 2, width // 4 : width // 2] = 0.93
    return np.clip(np.round(image * top), 0, top).astype(np.uint16)


# PNG, written here, since Pillow writes only some kinds of it.


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pack_rows(samples, depth):
    """Rows of [height, width * channels] samples as bytes, each row with filter 0 in front."""
    rows = []
    for row in samples:
        if depth == 16:
            data = row.astype(">u2").tobytes()
        elif depth == 8:
            data = row.astype(np.uint8).tobytes()
        else:
            bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8).ravel()
            data = np.packbits(bits).tobytes()
        rows.append(b"\0" + data)
    return b"".join(rows)


def png(image, depth, color, interlaced=False, before=b"", after=b""):
    height, width, channels = image.shape
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    data = b""
    for y, x, dy, dx in passes if interlaced else [(0, 0, 1, 1)]:
        part = image[y::dy, x::dx]
        if part.size:
            data += pack_rows(part.reshape(part.shape[0], -1), depth)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    return b"".join([
        b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), before, chunk(b"IDAT", zlib.compress(data)), after,
        chunk(b"IEND", b""),
    ])  # fmt: skip


def exif(orientation, big_endian=False, kind=3):
    """The smallest EXIF data that state an orientation, among other tags."""
    o = ">" if big_endian else "<"
    value = struct.pack(o + "HH", orientation, 0) if kind == 3 else struct.pack(o + "I", orientation)
    entries = [struct.pack(o + "HHI", 0x0100, 4, 1) + struct.pack(o + "I", 6),
               struct.pack(o + "HHI", 0x0112, kind, 1) + value]  # fmt: skip
    head = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(o + "I", 8)
    return head + struct.pack(o + "H", len(entries)) + b"".join(entries) + struct.pack(o + "I", 0)


def xmp(orientation, as_element=False):
    body = f"<tiff:Orientation>{orientation}</tiff:Orientation>" if as_element else ""
    attribute = "" if as_element else f' tiff:Orientation="{orientation}"'
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description{attribute}>{body}</rdf:Description></x:xmpmeta>'.encode()


def png_fixtures():
    kinds = {"grey": (0, 1, (1, 2, 4, 8, 16)), "rgb": (2, 3, (8, 16)), "palette": (3, 1, (1, 2, 4, 8)),
             "grey-alpha": (4, 2, (8, 16)), "rgba": (6, 4, (8, 16))}  # fmt: skip
    for name, (color, channels, depths) in kinds.items():
        for depth in depths:
            image = drawing(13, 11, channels, depth)
            palette = drawing(2**depth, 1, 3).astype(np.uint8).tobytes() if color == 3 else b""
            before = chunk(b"PLTE", palette) if palette else b""
            if name == "grey" and depth == 16:
                image[::2] = image[::2] % 300  # both sides of 255
            yield f"{name}-{depth}.png", png(image, depth, color, before=before)
            yield f"{name}-{depth}-interlaced.png", png(image, depth, color, True, before=before)
    small = drawing(5, 3, 3)
    yield "grey-transparent.png", png(drawing(9, 7, 1), 8, 0, before=chunk(b"tRNS", b"\0\x40"))
    yield "rgb-transparent.png", png(small, 8, 2, before=chunk(b"tRNS", b"\0\1\0\2\0\3"))
    palette = drawing(16, 1, 3).astype(np.uint8).tobytes()
    translucent = chunk(b"PLTE", palette) + chunk(b"tRNS", bytes(range(0, 160, 10)))
    yield "palette-translucent.png", png(drawing(9, 7, 1, 4), 4, 3, before=translucent)
    yield "palette-too-short.png", png(drawing(9, 7, 1, 4), 4, 3, before=chunk(b"PLTE", palette[:21]))
    yield "one-pixel.png", png(drawing(1, 1, 3), 8, 2)
    yield "one-column.png", png(drawing(1, 9, 3), 8, 2, True)
    extras = chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"tEXt", b"Comment\0hello") + chunk(b"prVt", b"?")
    yield "extra-chunks.png", png(small, 8, 2, before=extras)
    for orientation in range(1, 10):
        yield f"orientation-{orientation}.png", png(small, 8, 2, before=chunk(b"eXIf", exif(orientation)))
    yield "orientation-late.png", png(small, 8, 2, after=chunk(b"eXIf", exif(6, big_endian=True)))
    yield "orientation-long.png", png(small, 8, 2, before=chunk(b"eXIf", exif(8, kind=4)))
    profile = b"\nexif\n%8d\n" % len(exif(6)) + b"\n".join([b"457869660000" + exif(6).hex().encode(), b""])
    yield "orientation-profile.png", png(
        small, 8, 2, before=chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile)))
    packet = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(6)
    yield "orientation-xmp.png", png(small, 8, 2, before=chunk(b"iTXt", packet))
    both = chunk(b"eXIf", exif(3)) + chunk(b"iTXt", packet)
    yield "orientation-exif-and-xmp.png", png(small, 8, 2, before=both)


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg_fixtures():
    color = Image.fromarray(drawing(37, 29, 3).astype(np.uint8))
    grey = Image.fromarray(drawing(37, 29, 1).astype(np.uint8)[..., 0])
    cmyk = Image.fromarray(drawing(37, 29, 4).astype(np.uint8), "CMYK")
    yield "grey.jpg", saved(grey, "JPEG", quality=90)
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        yield f"ycbcr-{name}.jpg", saved(color, "JPEG", quality=90, subsampling=sampling)
    # The sampling factors of the first component, 2 x 1, turned into 1 x 2: a sound file of other colours and size.
    tall = bytearray(saved(color, "JPEG", quality=90, subsampling=1))
    tall[tall.index(b"\xff\xc0") + 11] = 0x12
    yield "ycbcr-440.jpg", bytes(tall)
    yield "progressive.jpg", saved(color, "JPEG", quality=80, progressive=True)
    yield "low-quality.jpg", saved(color, "JPEG", quality=8)
    yield "restarts.jpg", saved(color, "JPEG", quality=85, restart_marker_blocks=2)
    yield "rgb.jpg", saved(color, "JPEG", quality=90, keep_rgb=True)
    yield "cmyk.jpg", saved(cmyk, "JPEG", quality=90)
    ycck = bytearray(saved(cmyk, "JPEG", quality=90))
    ycck[ycck.index(b"Adobe") + 11] = 2
    yield "ycck.jpg", bytes(ycck)
    bare = saved(cmyk, "JPEG", quality=90)
    start = bare.index(b"Adobe") - 4
    yield "cmyk-without-adobe.jpg", bare[:start] + bare[start + 16 :]
    small = Image.fromarray(drawing(16, 8, 3).astype(np.uint8))
    for orientation in range(1, 9):
        data = b"Exif\0\0" + exif(orientation, big_endian=orientation % 2 == 0)
        yield f"orientation-{orientation}.jpg", saved(small, "JPEG", quality=90, subsampling=0, exif=data)
    yield "orientation-xmp.jpg", saved(small, "JPEG", quality=90, subsampling=0, xmp=xmp(8, as_element=True))


def webp_fixtures():
    color = Image.fromarray(drawing(37, 29, 3).astype(np.uint8))
    alpha = Image.fromarray(drawing(37, 29, 4).astype(np.uint8), "RGBA")
    yield "lossy.webp", saved(color, "WEBP", quality=80)
    yield "lossy-alpha.webp", saved(alpha, "WEBP", quality=80)
    yield "lossless.webp", saved(color, "WEBP", lossless=True)
    yield "lossless-alpha.webp", saved(alpha, "WEBP", lossless=True, exact=True)
    frames = [Image.fromarray(drawing(20, 15, 4).astype(np.uint8), "RGBA"), Image.new("RGBA", (20, 15), (9, 8, 7, 255))]
    yield "animated.webp", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    moved = bytearray(saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))
    moved[24:27] = struct.pack("<I", 29)[:3]  # a canvas of 30 x 20 pixels
    moved[27:30] = struct.pack("<I", 19)[:3]
    place = moved.index(b"ANMF") + 8
    moved[place : place + 3] = struct.pack("<I", 3)[:3]  # the first frame at 6, 4
    moved[place + 3 : place + 6] = struct.pack("<I", 2)[:3]
    yield "animated-on-larger-canvas.webp", bytes(moved)
    small = Image.fromarray(drawing(5, 3, 3).astype(np.uint8))
    for orientation in range(1, 9):
        data = b"Exif\0\0" * (orientation % 2) + exif(orientation)
        yield f"orientation-{orientation}.webp", saved(small, "WEBP", lossless=True, exif=data)
    yield "orientation-xmp.webp", saved(small, "WEBP", lossless=True, xmp=xmp(5))


def as_transformers_loads(data):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")  # image_utils.load_image
    return np.array(image)


# Pictures that the tests draw themselves.


def noise(width, height):
    """Bytes of a linear congruential generator, the same in Swift; [height, width, 3]."""
    state, values = width * 65536 + height, []
    for _ in range(width * height * 3):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(state >> 56)
    return np.array(values, dtype=np.uint8).reshape(height, width, 3)


def digest(array):
    """FNV-1a of the bytes, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in np.ascontiguousarray(array).tobytes():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def resampling():
    sizes = [(1, 1), (1, 7), (2, 2), (3, 5), (8, 8), (13, 4), (31, 17), (64, 48), (101, 3), (100, 60), (40, 90), (90, 40)]
    targets = [(1, 1), (2, 3), (7, 1), (8, 8), (17, 31), (28, 28), (56, 84), (100, 9), (30, 12), (80, 30)]
    for source in sizes:
        image = Image.fromarray(noise(*source))
        for target in targets:
            yield {"from": source, "to": target, "digest": digest(np.array(image.resize(target, Image.BICUBIC)))}


CONFIGS = {
    "published": {"min_pixels": 3136, "max_pixels": 12845056},
    "small": {"size": {"shortest_edge": 3136, "longest_edge": 25088}},
    "other-patches": {"size": {"shortest_edge": 1024, "longest_edge": 9216}, "patch_size": 8, "merge_size": 4,
                      "temporal_patch_size": 1},
    "raw": {"size": {"shortest_edge": 3136, "longest_edge": 12544}, "do_normalize": False},
    "bytes": {"size": {"shortest_edge": 3136, "longest_edge": 12544}, "do_rescale": False, "image_mean": 127.5,
              "image_std": [64, 32.5, 100]},
}  # fmt: skip


def samples(values):
    return [float(value) for value in values.ravel()[::997]]


def processing():
    for name, config in CONFIGS.items():
        processor = Qwen2VLImageProcessorPil(**config)
        for size in [(56, 56), (64, 40), (37, 150), (200, 9), (5, 70)]:
            result = processor(images=[Image.fromarray(noise(*size))], return_tensors="np")
            values = result["pixel_values"]
            assert values.dtype == np.float32
            yield {"config": config, "name": name, "image": size, "grid": result["image_grid_thw"][0].tolist(),
                   "width": values.shape[1], "digest": digest(values), "samples": samples(values)}  # fmt: skip


def oracle(folder):
    """The numbers of the tiny checkpoint's oracle; its images are copied."""
    from safetensors.numpy import load_file

    document = json.loads((folder / "oracle.json").read_text())
    tensors = load_file(folder / "oracle.safetensors")
    images = []
    for index, case in enumerate(document["cases"]):
        shutil.copyfile(folder / case["image"], IMAGES / f"oracle-{index}.png")
        values = tensors[f"{index}.pixel_values"]
        images.append({"file": f"oracle-{index}.png", "grid": case["image_grid_thw"], "digest": digest(values),
                       "samples": samples(values)})  # fmt: skip
    config = json.loads((folder / "model/preprocessor_config.json").read_text())
    return {"config": config, "images": images, "smart_resize": document["smart_resize"]}


def write(name, cases):
    text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (HERE / name).write_text(f"[\n{text}\n]\n")


def main():
    IMAGES.mkdir(exist_ok=True)
    cases = []
    for name, data in [*png_fixtures(), *jpeg_fixtures(), *webp_fixtures()]:
        (IMAGES / name).write_bytes(data)
        pixels = as_transformers_loads(data)
        cases.append({"file": name, "width": pixels.shape[1], "height": pixels.shape[0],
                      "pixels": base64.b64encode(pixels.tobytes()).decode()})  # fmt: skip
    write("images.json", cases)
    write("resampling.json", resampling())
    write("processing.json", processing())
    if folder := os.environ.get("SHUFFLE_R1_ORACLES"):
        (HERE / "oracle.json").write_text(json.dumps(oracle(Path(folder) / "qwen2_5_vl_tiny")) + "\n")


if __name__ == "__main__":
    main()
