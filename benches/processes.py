#!/usr/bin/env python3
"""Measures the release binary as a user meets it: wall time, processor time
and peak memory of whole processes, by shape and size.

    benches/processes.py [--tofu PATH] [--sizes 1000,10000] [--apply]

With --tofu the same files are given to OpenTofu in the same run, and the
ratio is printed. Each figure is the best of three runs, or of one that takes
long; the spread between the best and the worst says how noisy the machine is.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("TENANTCTL", ROOT / "target/release/tenantctl"))


def blocks(size):
    return {"main.tf": "".join(f'resource "terraform_data" "r{i}" {{\n  input = "value {i}"\n}}\n' for i in range(size))}


def keys(size):
    """So many keys; `range` alone gives at most 1,024."""
    return f'toset([for pair in setproduct(range({max(size // 500, 1)}), range({min(size, 500)})) : join("-", pair)])'


def for_each(size):
    """The keys are a local value: OpenTofu evaluates `for_each` once an instance."""
    return {"main.tf": f'locals {{\n  keys = {keys(size)}\n}}\nresource "terraform_data" "all" {{\n  for_each = local.keys\n  input    = each.key\n}}\n'}


def twins(size):
    return {"main.tf": f'''locals {{
  keys = {keys(size // 2)}
}}
resource "terraform_data" "a" {{
  for_each = local.keys
  input    = each.key
}}
resource "terraform_data" "b" {{
  for_each = local.keys
  input    = terraform_data.a[each.key].output
}}
'''}


def modules(size):
    inner = 'variable "name" {\n  type = string\n}\nresource "terraform_data" "r0" {\n  input = var.name\n}\n'
    for i in range(1, 20):
        inner += f'resource "terraform_data" "r{i}" {{\n  input = terraform_data.r{i - 1}.output\n}}\n'
    inner += 'output "last" {\n  value = terraform_data.r19.output\n}\n'
    root = f'module "m" {{\n  source   = "./m"\n  for_each = {keys(size // 20)}\n  name     = each.key\n}}\noutput "names" {{\n  value = [for m in module.m : m.last]\n}}\n'
    return {"main.tf": root, "m/main.tf": inner}


def simulated(size):
    """As many objects of a simulated cluster in one workspace."""
    text = 'tenantctl {\n  simulate = ["kubernetes"]\n}\n'
    for i in range(size):
        text += f'''resource "kubernetes_manifest" "r{i}" {{
  manifest = {{
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = {{ name = "c{i}", namespace = "default" }}
    data       = {{ key = "value {i}" }}
  }}
}}
'''
    return {"main.tf": text}


def fleet(size):
    """Tenants with twenty objects each on a simulated cluster."""
    root = 'tenantctl {\n  simulate = ["kubernetes"]\n}\nplatform "p" {\n  blueprint = "./m"\n}\ntier "t" {\n  isolation = "namespace"\n}\n'
    root += "".join(f'tenant "t{i}" {{\n  tier = "t"\n}}\n' for i in range(size // 20))
    inner = 'variable "tenant" {\n  type = object({ name = string })\n}\n'
    for i in range(20):
        inner += f'''resource "kubernetes_manifest" "r{i}" {{
  manifest = {{
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = {{ name = "c{i}", namespace = "tenant-${{var.tenant.name}}" }}
    data       = {{ key = "value {i}" }}
  }}
}}
'''
    return {"main.hcl": root, "m/main.tf": inner}


SHAPES = [(blocks, True), (for_each, True), (twins, True), (modules, True), (simulated, False), (fleet, False)]


def run(command, cwd, home):
    """Wall seconds, processor seconds, peak MB of one process."""
    env = {"HOME": str(home), "PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1"}
    start = time.monotonic()
    child = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command} ended with {child.returncode}:\n{errors.decode()}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def best(command, cwd, home, times=3):
    runs = [run(command, cwd, home)]
    # What takes minutes is not hidden by what else happens for a moment.
    while len(runs) < times and runs[0][0] < 20:
        runs.append(run(command, cwd, home))
    runs.sort()
    spread = (runs[-1][0] / runs[0][0] - 1) * 100
    return (*runs[0], spread)


def report(what, size, figures, other=None):
    wall, cpu, memory, spread = figures
    line = f"{what:<28}{size:>8}{wall:>9.3f} s{cpu:>9.3f} s{memory:>8.0f} MB  +{spread:.0f}%"
    if other:
        line += f"   tofu {other[0]:.1f} s {other[2]:.0f} MB: {other[0] / wall:.0f} times faster, {other[2] / memory:.1f} times less memory"
    print(line, flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tofu", help="path of an OpenTofu binary to compare with")
    arguments.add_argument("--sizes", default="1000,4000,16000,64000")
    arguments.add_argument("--shapes", default=",".join(shape.__name__ for shape, _ in SHAPES))
    arguments.add_argument("--apply", action="store_true", help="also apply, and plan with nothing to do")
    options = arguments.parse_args()
    if not BINARY.exists():
        sys.exit("There is no release binary: run cargo build --release first.")
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'':<28}{'objects':>8}{'wall':>11}{'processor':>11}{'peak':>11}  spread")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        report("version", 0, best([BINARY, "version"], scratch, scratch))
        for shape, plain in SHAPES:
            if shape.__name__ not in options.shapes.split(","):
                continue
            for size in map(int, options.sizes.split(",")):
                measure(shape, plain, size, scratch / f"{shape.__name__}-{size}", scratch, options)


def measure(shape, plain, size, directory, home, options):
    def written(where):
        for name, text in shape(size).items():
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_text(text)
        return where

    ours = written(directory / "ours")
    theirs = None
    if plain and options.tofu:
        theirs = written(directory / "theirs")
        run([options.tofu, "init"], theirs, home)

    def compared(what, command, times=3):
        other = best([options.tofu, *command], theirs, home, 1) if theirs else None
        report(f"{what} {shape.__name__}", size, best([BINARY, *command], ours, home, times), other)

    compared("plan", ["plan"])
    if options.apply:
        compared("apply", ["apply", "-auto-approve"], 1)
        compared("no-op plan", ["plan"])
    shutil.rmtree(directory)


if __name__ == "__main__":
    main()
