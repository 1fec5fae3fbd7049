# SPDX-License-Identifier: Apache-2.0
"""The paper in miniature: arms and settings, the runs they need, and what came out of them."""
