#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the image fixtures and asks Pillow and transformers what they should become.

    python3 Tests/BundledPluginTests/Fixtures/make_images.py            # needs numpy, Pillow, transformers 5, qwen-vl-utils
    SHUFFLE_R1_ORACLES=… python3 Tests/BundledPluginTests/Fixtures/make_images.py   # oracle.json too

Writes images/ and images.json (the upright pixels that transformers' convert_to_rgb gives), resampling.json, processing.json,
sizing.json (sizes that a record asks for, by qwen-vl-utils) and oracle.json beside itself. Made with Pillow 13.0.0
(libjpeg-turbo 3.2.0, libwebp 1.6.0, libtiff 4.7.2), transformers 5.24.0, qwen-vl-utils 0.0.14.
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
from qwen_vl_utils.vision_process import fetch_image
from transformers.image_transforms import convert_to_rgb
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
    for depth in (1, 2, 4, 8, 16):
        # Pillow compares what stands in the file with the widened pixel: of 2 and 4 bits it finds only black.
        image = drawing(9, 7, 1, depth)
        image[::3] = 0
        for key in (0, 1, int(image[-1, -1, 0])):
            yield f"grey-{depth}-transparent-{key}.png", png(
                image, depth, 0, key == 1, before=chunk(b"tRNS", struct.pack(">H", key)))
    for depth in (8, 16):
        image = drawing(9, 7, 3, depth)
        yield f"rgb-{depth}-transparent.png", png(
            image, depth, 2, before=chunk(b"tRNS", struct.pack(">3H", *(int(value) for value in image[3, 4]))))
    for depth in (1, 2, 4, 8):
        colors = drawing(2**depth, 1, 3).astype(np.uint8).tobytes()
        for name, alphas in (("one", b"\xff\0"), ("many", bytes(range(0, 200, 37))[: 2**depth])):
            yield f"palette-{depth}-{name}-transparent.png", png(
                drawing(9, 7, 1, depth), depth, 3, name == "many", before=chunk(b"PLTE", colors) + chunk(b"tRNS", alphas))
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


def lzw(indices, bits):
    """Indices as GIF compresses them: here each with a code of its own, and cleared before the codes grow."""
    clear, codes = 1 << bits, []
    for at, index in enumerate(indices):
        if at % (clear - 2) == 0:
            codes.append(clear)
        codes.append(index)
    number = sum(code << (at * (bits + 1)) for at, code in enumerate([*codes, clear + 1]))
    data = number.to_bytes(((len(codes) + 1) * (bits + 1) + 7) // 8, "little")
    blocks = [data[at : at + 255] for at in range(0, len(data), 255)]
    return bytes([bits]) + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def gif(indices, bits=4, table=None, local=None, transparent=None, interlaced=False, screen=None, place=(0, 0)):
    """A GIF of one frame; tables are [colours, 3]."""
    height, width = indices.shape
    size = (len(table) - 1).bit_length() - 1 if table is not None else 0
    head = b"GIF89a" + struct.pack("<HH", *(screen or (width, height))) + bytes([0x80 * (table is not None) | size, 1, 0])
    head += table.tobytes() if table is not None else b""
    if transparent is not None:
        head += b"!\xf9\x04" + bytes([1, 0, 0, transparent]) + b"\0"
    flags = 0x40 * interlaced | (0x80 | (len(local) - 1).bit_length() - 1 if local is not None else 0)
    head += b"," + struct.pack("<HHHH", *place, width, height) + bytes([flags])
    head += local.tobytes() if local is not None else b""
    order = range(height)
    if interlaced:
        order = [y for first, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(first, height, step)]
    return head + lzw([int(index) for y in order for index in indices[y]], bits) + b";"


def gif_fixtures():
    indices = drawing(13, 11, 1, 4)[..., 0]
    table, other = (drawing(16, rows, 3).astype(np.uint8)[0] for rows in (1, 2))
    ramp = np.repeat(np.arange(16, dtype=np.uint8)[:, None], 3, 1)
    yield "plain.gif", gif(indices, table=table)
    yield "interlaced.gif", gif(indices, table=table, interlaced=True)
    yield "transparent.gif", gif(indices, table=table, transparent=int(indices[5, 5]))
    yield "local.gif", gif(indices, table=table, local=other)
    yield "local-only.gif", gif(indices, local=other, transparent=3, interlaced=True)
    yield "no-table.gif", gif(indices)
    yield "no-table-transparent.gif", gif(indices, transparent=int(indices[2, 2]))
    yield "ramp.gif", gif(indices, table=ramp)
    yield "ramp-before-table.gif", gif(indices, table=table, local=ramp)
    yield "short-table.gif", gif(indices, table=table[:8])
    yield "on-larger-screen.gif", gif(indices, table=table, screen=(20, 17), place=(3, 5))
    yield "on-larger-screen-transparent.gif", gif(indices, table=table, screen=(20, 17), place=(3, 5), transparent=2)
    yield "beyond-screen.gif", gif(indices, table=table, screen=(6, 5), place=(1, 2))
    frames = [Image.fromarray(drawing(20, 15, 3, 8).astype(np.uint8)), Image.new("RGB", (20, 15), (9, 8, 7))]
    yield "animated.gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    yield "alpha.gif", saved(Image.fromarray(drawing(37, 29, 4).astype(np.uint8), "RGBA"), "GIF")


def bmp(rows, width, height, bits, header=40, compression=0, masks=(), table=b"", top_down=False, at=None):
    """A BMP of rows that are laid out already, or of run lengths."""
    if header == 12:
        head = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        size = -height if top_down else height
        head = struct.pack("<IiiHHIIiiII", header, width, size, 1, bits, compression, len(rows), 2835, 2835, len(table) // 4, 0)
        more = b"".join(struct.pack("<I", mask) for mask in masks)
        head += (more + bytes(124))[: header - 40] if header > 40 else more[:12]
    start = 14 + len(head) + len(table)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start if at is None else at) + head + table + rows


def bmp_rows(samples, bits):
    """[height, width] samples as rows of whole words."""
    rows = (pack_rows(samples[y : y + 1], bits)[1:] for y in range(len(samples)))
    return b"".join(row + bytes(-len(row) % 4) for row in rows)


def run_lengths(indices, bits):
    """Runs, pixels as they are, a jump and line ends, from the bottom."""
    def bytes_of(values):
        if bits == 8:
            return bytes(values)
        values = [*values, 0][: len(values) + len(values) % 2]
        return bytes(high << 4 | low for high, low in zip(values[::2], values[1::2]))

    data = b""
    for y, row in enumerate(indices.tolist()):
        if y == 2:
            data += b"\0\2\3\0"  # three pixels to the right
            row = row[3:]
        literals = bytes_of(row[:5])
        data += b"\0\5" + literals + bytes(len(literals) % 2)
        for value in row[5:]:
            data += bytes([1, value if bits == 8 else value << 4])
        data += b"\0\0" if y % 2 else bytes([200, 0])  # a run that is too long ends with its row
        if y % 2 == 0:
            data += b"\0\0"
    return data + b"\0\1"


MASKS = {
    "bgrx": (32, (0xFF0000, 0xFF00, 0xFF, 0)), "xbgr": (32, (0xFF000000, 0xFF0000, 0xFF00, 0)),
    "bgxr": (32, (0xFF000000, 0xFF00, 0xFF, 0)), "abgr": (32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
    "rgba": (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)), "bgra": (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
    "bgar": (32, (0xFF000000, 0xFF00, 0xFF, 0xFF0000)), "none": (32, (0, 0, 0, 0)),
    "bgr": (24, (0xFF0000, 0xFF00, 0xFF, 0)), "565": (16, (0xF800, 0x7E0, 0x1F, 0)), "555": (16, (0x7C00, 0x3E0, 0x1F, 0)),
}  # fmt: skip


def bmp_fixtures():
    for bits in (1, 4, 8):
        indices = drawing(13, 11, 1, bits)[..., 0]
        colors = np.concatenate([drawing(2**bits, 1, 3).astype(np.uint8)[0], np.zeros((2**bits, 1), np.uint8)], 1)
        yield f"indexed-{bits}.bmp", bmp(bmp_rows(indices, bits), 13, 11, bits, table=colors.tobytes())
        yield f"indexed-{bits}-os2.bmp", bmp(bmp_rows(indices, bits), 13, 11, bits, 12, table=colors[:, :3].tobytes())
        yield f"indexed-{bits}-v5-top-down.bmp", bmp(
            bmp_rows(indices, bits), 13, 11, bits, 124, table=colors.tobytes(), top_down=True)
        yield f"indexed-{bits}-misplaced.bmp", bmp(bmp_rows(indices, bits), 13, 11, bits, table=colors.tobytes(), at=54)
        if bits > 1:
            short = colors[: 2**bits - 3].tobytes()
            yield f"indexed-{bits}-short-table.bmp", bmp(bmp_rows(indices, bits), 13, 11, bits, table=short)
            yield f"rle-{bits}.bmp", bmp(
                run_lengths(indices, bits), 13, 11, bits, compression=3 - bits // 4, table=colors.tobytes())
    grey = drawing(13, 11, 1, 8)[..., 0]
    ramp = b"".join(bytes([value] * 3 + [0]) for value in range(256))
    yield "grey.bmp", bmp(bmp_rows(grey, 8), 13, 11, 8, table=ramp)
    yield "black-and-white.bmp", bmp(bmp_rows(grey > 99, 1), 13, 11, 1, table=b"\0\0\0\0\xff\xff\xff\0")
    for bits in (16, 24, 32):
        rows = noise((13 * bits + 31) // 32 * 4, 11)[..., 0].tobytes()
        for header in (12, 40, 108, 124):
            yield f"true-{bits}-{header}.bmp", bmp(rows, 13, 11, bits, header)
    for name, (bits, masks) in MASKS.items():
        rows = noise((13 * bits + 31) // 32 * 4, 11)[..., 0].tobytes()
        for header in (40, 56, 108):
            if header > 40 or not masks[3]:
                yield f"masks-{name}-{header}.bmp", bmp(rows, 13, 11, bits, header, 3, masks, top_down=header == 56)


def tiff(planes, photometric, bits=8, order="<", extra=None, orientation=None, planar=False, tile=None, rows=None,
         format=1, table=None, predictor=None, compress=False, inverted=False):
    """A TIFF of [height, width, samples], in strips or tiles, uncompressed or deflated."""
    height, width, samples = planes.shape
    kind = {8: "u1", 16: "u2", 32: "u4"}.get(bits, "u1")
    if format != 1:
        kind = kind.replace("u", "i" if format == 2 else "f")

    def data(piece):
        if bits < 8:
            return b"".join(pack_rows(piece[y : y + 1, :, 0], bits)[1:] for y in range(len(piece)))
        if predictor == 2:
            piece = np.concatenate([piece[:, :1], np.diff(piece.astype(np.int64), axis=1)], 1)
        return piece.astype(np.dtype(kind).newbyteorder(order)).tobytes() if format == 3 else (
            (piece.astype(np.int64) % 2**bits).astype(np.dtype(kind.replace("i", "u")).newbyteorder(order)).tobytes())

    down, across = tile or (rows or height, width)
    pieces = []
    for plane in [planes[..., s : s + 1] for s in range(samples)] if planar else [planes]:
        for y in range(0, height, down):
            for x in range(0, width, across):
                piece = plane[y : y + down, x : x + across]
                if tile:
                    padded = np.zeros((down, across, piece.shape[2]), planes.dtype)
                    padded[: piece.shape[0], : piece.shape[1]] = piece
                    piece = padded
                pieces.append(zlib.compress(data(piece)) if compress else data(piece))
    tags = {256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * samples), 259: (3, [8 if compress else 1]),
            262: (3, [photometric]), 277: (3, [samples]), 284: (3, [2 if planar else 1])}  # fmt: skip
    counts, offsets = [len(piece) for piece in pieces], []
    if tile:
        tags |= {322: (3, [across]), 323: (3, [down])}
    else:
        tags[278] = (4, [down])
    for tag, value in ((274, orientation), (317, predictor), (266, 2 if inverted else None)):
        if value is not None:
            tags[tag] = (3, [value])
    if extra is not None:
        tags[338] = (3, extra)
    if format != 1:
        tags[339] = (3, [format] * samples)
    if table is not None:
        tags[320] = (3, table.T.ravel().tolist())
    at = 8
    for piece in pieces:
        offsets.append(at)
        at += len(piece) + len(piece) % 2
    tags |= {324 if tile else 273: (4, offsets), 325 if tile else 279: (4, counts)}
    body = b"".join(piece + bytes(len(piece) % 2) for piece in pieces)
    entries, far, start = b"", b"", at + 2 + 12 * len(tags) + 4
    for tag, (type, values) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{'H' if type == 3 else 'I'}", *values)
        if len(packed) > 4:
            packed, value = b"", packed
            packed, far = struct.pack(f"{order}I", start + len(far)), far + value + bytes(len(value) % 2)
        entries += struct.pack(f"{order}HHI", tag, type, len(values)) + packed.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, at)
    return head + body + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + far


def tiff_fixtures():
    for bits in (1, 2, 4, 8):
        for name, photometric in (("black", 1), ("white", 0)):
            yield f"grey-{bits}-{name}.tif", tiff(drawing(13, 11, 1, bits), photometric, bits, rows=4)
        colors = drawing(2**bits, 1, 3, 16)[0]
        yield f"palette-{bits}.tif", tiff(drawing(13, 11, 1, bits), 3, bits, table=colors)
    wide = drawing(13, 11, 1, 16)
    wide[::2] = wide[::2] % 300
    for name, bits, format, values in (("16", 16, 1, wide), ("signed-16", 16, 2, wide.astype(np.int64) - 9),
                                       ("signed-32", 32, 2, wide.astype(np.int64) - 99),
                                       ("float", 32, 3, wide / 7 - 9)):  # fmt: skip
        for order in "<>":
            yield f"grey-{name}-{'little' if order == '<' else 'big'}.tif", tiff(values, 1, bits, order, format=format)
    alpha = drawing(13, 11, 4)
    alpha[:4, :, 3] = alpha[4:8, :, 3] // 255 * 255
    for order in "<>":
        end = "little" if order == "<" else "big"
        yield f"rgb-{end}.tif", tiff(drawing(13, 11, 3), 2, order=order, rows=3)
        yield f"rgb-16-{end}.tif", tiff(drawing(13, 11, 3, 16), 2, 16, order, compress=True, predictor=2)
        yield f"rgba-16-{end}.tif", tiff(drawing(13, 11, 4, 16), 2, 16, order, extra=[2])
        yield f"cmyk-16-{end}.tif", tiff(drawing(13, 11, 4, 16), 5, 16, order)
    for name, extra in (("skipped", [0]), ("premultiplied", [1]), ("alpha", [2]), ("unstated", None)):
        yield f"rgba-{name}.tif", tiff(alpha, 2, extra=extra)
        yield f"rgba-{name}-deflate-tiles.tif", tiff(alpha, 2, extra=extra, compress=True, predictor=2, tile=(16, 16))
    yield "rgb-planes.tif", tiff(drawing(13, 11, 3), 2, planar=True, rows=4)
    yield "rgba-planes-deflate.tif", tiff(alpha, 2, extra=[2], planar=True, compress=True)
    yield "rgb-tiles.tif", tiff(drawing(37, 29, 3), 2, tile=(16, 32))
    yield "grey-alpha.tif", tiff(alpha[..., 2:], 1, extra=[2])
    yield "palette-alpha.tif", tiff(alpha[..., 2:], 3, extra=[2], table=drawing(256, 1, 3, 16)[0])
    yield "cmyk.tif", tiff(drawing(13, 11, 4), 5)
    yield "cmyk-planes.tif", tiff(drawing(13, 11, 4), 5, planar=True, compress=True)
    yield "bits-turned.tif", tiff(drawing(13, 11, 1), 1, inverted=True)
    for orientation in range(1, 9):
        yield f"orientation-{orientation}.tif", tiff(drawing(5, 3, 3), 2, orientation=orientation)
    color = Image.fromarray(drawing(37, 29, 3).astype(np.uint8))
    for compression in ("tiff_lzw", "packbits", "jpeg", "zstd", "lzma"):
        yield f"rgb-{compression.removeprefix('tiff_')}.tif", saved(color, "TIFF", compression=compression)
    yield "ycbcr-lzw.tif", saved(color.convert("YCbCr"), "TIFF", compression="tiff_lzw")
    for compression in ("group3", "group4", "tiff_ccitt"):
        yield f"{compression.removeprefix('tiff_')}.tif", saved(color.convert("1"), "TIFF", compression=compression)
    yield "big.tif", saved(color, "TIFF", big_tiff=True)
    yield "pages.tif", saved(color, "TIFF", save_all=True, append_images=[color.resize((5, 4))])


def as_transformers_sees(data):
    return convert_to_rgb(ImageOps.exif_transpose(Image.open(io.BytesIO(data))), return_numpy=True)


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


ASKED = [
    {"max_pixels": 784}, {"max_pixels": 20000}, {"min_pixels": 200000}, {"min_pixels": 6272, "max_pixels": 12544},
    {"resized_height": 100, "resized_width": 40}, {"resized_height": 1, "resized_width": 30, "max_pixels": 784},
    {"min_pixels": 784, "max_pixels": 1568},
]


def sizing():
    """What qwen-vl-utils makes of the sizes that a record asks for, and a processor with bounds of its own of that.

    Where only `max_pixels` is given and lies below its own default for `min_pixels`, it fails; there the least counts as much.
    """
    processor = Qwen2VLImageProcessorPil(size={"shortest_edge": 1568, "longest_edge": 25088})
    for asked in ASKED:
        for size in [(56, 56), (64, 40), (37, 150), (300, 200), (5, 70)]:
            given = dict(asked)
            if given.get("max_pixels", 3136) < 3136 and "min_pixels" not in given:
                given["min_pixels"] = given["max_pixels"]
            try:
                image = fetch_image({"image": Image.fromarray(noise(*size)), **given})
            except ValueError:  # one side has shrunk to nothing
                continue
            result = processor(images=[image], return_tensors="np")
            values = result["pixel_values"]
            yield {"asked": asked, "image": size, "grid": result["image_grid_thw"][0].tolist(), "digest": digest(values),
                   "samples": samples(values)}  # fmt: skip


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
    fixtures = [png_fixtures, jpeg_fixtures, webp_fixtures, gif_fixtures, bmp_fixtures, tiff_fixtures]
    for name, data in (case for kind in fixtures for case in kind()):
        (IMAGES / name).write_bytes(data)
        pixels = as_transformers_sees(data)
        cases.append({"file": name, "width": pixels.shape[1], "height": pixels.shape[0],
                      "pixels": base64.b64encode(pixels.tobytes()).decode()})  # fmt: skip
    write("images.json", cases)
    write("resampling.json", resampling())
    write("processing.json", processing())
    write("sizing.json", sizing())
    if folder := os.environ.get("SHUFFLE_R1_ORACLES"):
        (HERE / "oracle.json").write_text(json.dumps(oracle(Path(folder) / "qwen2_5_vl_tiny")) + "\n")


if __name__ == "__main__":
    main()
