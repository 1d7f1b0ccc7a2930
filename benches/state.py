#!/usr/bin/env python3
"""Measures what keeping state costs: bytes written and syncs for one changed
resource by the size of its workspace, and time and memory for loading one
tenant of a fleet.

    benches/state.py [--sizes 100,10000,50000] [--fleet 10000x20]

Writes and syncs are counted by strace, only those below the state directory;
they are exact, so that they can be compared between machines. Loading is the
best of five runs. What the store costs by itself, `cargo bench -p
tenantctl-core --bench store` says.
"""

import argparse
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("TENANTCTL", ROOT / "target/release/tenantctl"))
CALLS = "write,pwrite64,writev,fsync,fdatasync,sync_file_range"
LINE = re.compile(r"(?:\d+ +)?(\w+)\(\d+<([^>]*)>.* = (-?\d+)")


def run(directory, args, prefix=()):
    environment = {"HOME": str(directory), "PATH": os.environ["PATH"]}
    command = [*prefix, str(BINARY), *args]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def traced(directory, args):
    """Bytes and syncs of one command, by what they go to."""
    log = directory / "strace.log"
    run(directory, args, ["strace", "-f", "-qq", "-y", "-e", f"trace={CALLS}", "-o", str(log)])
    cost = {}
    for line in log.read_text(errors="replace").splitlines():
        found = LINE.match(line)
        if not found or "/state/" not in found[2]:
            continue
        part = found[2].split("/state/", 1)[1].split("/")
        part = part[-1] if part[0] == "workspaces" else part[0]
        bytes_, syncs = cost.get(part, (0, 0))
        if found[1] in ("write", "pwrite64", "writev"):
            bytes_ += max(int(found[3]), 0)
        elif found[1] in ("fsync", "fdatasync"):
            syncs += 1
        cost[part] = (bytes_, syncs)
    return cost


def config(size):
    outer, inner = max(size // 500, 1), min(size, 500)
    return (
        'variable "one" { default = "a" }\n'
        'resource "terraform_data" "all" {\n'
        f'  for_each = toset([for p in setproduct(range({outer}), range({inner})) : join("-", p)])\n'
        f'  input    = {{ value = "{"x" * 500}", changed = each.key == "0-7" ? var.one : "" }}\n}}\n'
    )


def changes(sizes):
    print(f"{'resources':>10}  {'command':<28}{'bytes':>9}{'syncs':>7}   by file")
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            (directory / "main.tf").write_text(config(size))
            run(directory, ["apply", "-auto-approve"])
            # The journal of the first run is begun anew by the first fold that finds it grown.
            run(directory, ["taint", 'terraform_data.all["0-1"]'])
            for args in (
                ["taint", 'terraform_data.all["0-5"]'],
                ["untaint", 'terraform_data.all["0-5"]'],
                ["apply", "-auto-approve", "-refresh=false", "-var", "one=b"],
            ):
                cost = traced(directory, args)
                total = [sum(each[i] for each in cost.values()) for i in (0, 1)]
                parts = ", ".join(f"{part} {b}/{s}" for part, (b, s) in sorted(cost.items()))
                print(f"{size:>10}  {' '.join(args)[:27]:<28}{total[0]:>9}{total[1]:>7}   {parts}")


def fleet(tenants, each):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        named = "".join(f'tenant "t{i}" {{ tier = "starter" }}\n' for i in range(tenants))
        head = 'platform "p" { blueprint = "./b" }\ntier "starter" { isolation = "namespace" }\n'
        (directory / "main.hcl").write_text(head + named)
        (directory / "b").mkdir()
        value = "x" * 1500
        block = f'resource "terraform_data" "all" {{\n  count = {each}\n  input = "{value}"\n}}\n'
        (directory / "b" / "main.tf").write_text(block)
        start = time.monotonic()
        run(directory, ["apply", "-auto-approve"])
        applied = time.monotonic() - start
        size = sum(file.stat().st_size for file in (directory / "state").rglob("*") if file.is_file())
        print(f"{tenants} x {each}: applied in {applied:.1f} s, {tenants * each / applied:.0f} objects/s, {size >> 20} MB kept")
        best = float("inf")
        for _ in range(5):
            start = time.monotonic()
            listed = run(directory, ["state", "list", "-tenant=t7"])
            best = min(best, time.monotonic() - start)
        assert len(listed.splitlines()) == each
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        measured = shutil.which("time") or "/usr/bin/time"
        if os.path.exists(measured):
            done = subprocess.run(
                [measured, "-f", "%M", str(BINARY), "state", "list", "-tenant=t7"],
                cwd=directory, env={"HOME": str(directory)}, capture_output=True, text=True,
            )
            peak = int(done.stderr.split()[-1])
        print(f"one tenant loaded in {best * 1000:.0f} ms, at most {peak >> 10} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="100,10000,50000")
    parser.add_argument("--fleet", default="10000x20")
    args = parser.parse_args()
    if args.sizes:
        changes([int(size) for size in args.sizes.split(",")])
    if args.fleet:
        tenants, each = args.fleet.split("x")
        fleet(int(tenants), int(each))


if __name__ == "__main__":
    main()
