"""Where the tests of this folder find what they read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NODE_MODULES = ROOT / "node_modules"
OFFICIAL = ROOT / "delegations" / "framework" / "_official"
TABLE = ROOT / "delegations" / "framework" / "data" / "codehashes.json"
