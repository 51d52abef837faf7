"""Where things are: the repository, the binaries, the peers' Python, a folder for what a bench makes."""

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINARIES = Path(os.environ.get("MMF_BIN_DIR", TARGET / "release"))
MMF = BINARIES / "mmf"
STEP = BINARIES / "examples" / "step"
VISION = BINARIES / "examples" / "vision"
FILMS = ROOT / "pipelines" / "films.mmf"
FILMS_DATA = ROOT.parent / "shared" / "data" / "rec-movielens-100k"
QUICKSTART = ROOT / "pipelines" / "quickstart.mmf"
PEERS = ROOT / "benches" / "peers"


def build():
    """Builds the binaries that are measured, in release. With `MMF_BIN_DIR` those that stand in that folder are taken."""
    if os.environ.get("MMF_BIN_DIR"):
        return
    # In one command, so that all share the features of every library, and none is built twice.
    packages = ["--package", "mmf", "--package", "mmf-tensor", "--features", "mmf/timed"]
    wanted = [*packages, "--bin", "mmf", "--example", "step", "--example", "vision"]
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", *wanted], cwd=ROOT, check=True)


def python(*packages):
    """Returns the Python that has these packages: of the environments that `MMF_PEERS_VENV` names (several with `:` between),
    else of one made here from requirements.txt, in the target folder."""
    named = os.environ.get("MMF_PEERS_VENV")
    if not named:
        return fresh()
    for venv in named.split(":"):
        found = Path(venv) / "bin" / "python"
        if found.exists() and all(version(found, package) for package in packages):
            return found
    sys.exit(f"none of {named} has {', '.join(packages)}; without MMF_PEERS_VENV, benches/run installs them itself")


def fresh():
    venv = TARGET / "peers"
    python = venv / "bin" / "python"
    done = venv / "requirements.txt"
    wanted = (ROOT / "benches" / "requirements.txt").read_text()
    if not done.exists() or done.read_text() != wanted:
        print(f"installing the peers into {venv} (several GB)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", ROOT / "benches" / "requirements.txt"], check=True)
        done.write_text(wanted)
    return python


def version(python, package):
    """Returns the version of a package, or nothing where it is not installed."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def scratch():
    """Returns a folder that ends with the bench."""
    return tempfile.TemporaryDirectory(prefix="mmf-bench-", dir=os.environ.get("MMF_BENCH_DIR"))


def machine():
    """Returns the machine in one line: processor, how many threads it has, memory, load."""
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
        flags = next((l for l in Path("/proc/cpuinfo").read_text().splitlines() if l.startswith("flags")), "")
        name += ", AVX-512" if " avx512f" in flags else ", AVX2" if " avx2" in flags else ""
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{name}; {os.cpu_count()} threads, {memory:.0f} GiB; load {os.getloadavg()[0]:.1f}; {platform.system()} {platform.release()}"
