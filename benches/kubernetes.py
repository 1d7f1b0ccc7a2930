#!/usr/bin/env python3
"""Measures the release binary on a real API server, beside a bare loop of the
same server-side applies in the same run: wall time, calls by verb from the
audit log, peak memory.

    cargo build --release
    cargo build --release -p tenantctl-test-servers --example bench
    benches/kubernetes.py [--tenants 1000] [--in-flight 32] [--turns 0]

A fleet of tenants with twenty objects each is applied, planned empty, changed
in one setting for all, applied again. Each side has a cluster of its own, so
that neither finds what the other left. Server and clients share the machine:
what the client uses of the processors, the server lacks.

On a machine whose speed changes from minute to minute, what is measured one
after the other cannot be compared. With --turns, fleets of so many tenants are
created on both clusters in turns, the other side first each time; the ratio is
that of all turns together, beside the middle one.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / os.environ.get("PROFILE", "release")
BINARY = pathlib.Path(os.environ.get("TENANTCTL", TARGET / "tenantctl"))
BENCH = TARGET / "examples/bench"
OBJECTS = 20

ROOT_FILE = """platform "p" {
  blueprint = "./blueprint"
  settings  = { level = "info" }
}

tier "t" {
  isolation = "namespace"
}
"""

BLUEPRINT = """variable "tenant" {
  type = object({ name = string })
}

variable "level" {
  type = string
}

locals {
  namespace = kubernetes_manifest.namespace.object.metadata.name
  labels    = { tenant = "bench-${var.tenant.name}" }
}

resource "kubernetes_manifest" "namespace" {
  manifest = {
    apiVersion = "v1"
    kind       = "Namespace"
    metadata   = { name = "bench-${var.tenant.name}", labels = { tier = "shared" } }
  }
}
"""


def resource(name, api_version, kind, rest):
    return f"""
resource "kubernetes_manifest" "{name}" {{
  manifest = {{
    apiVersion = "{api_version}"
    kind       = "{kind}"
    metadata   = {{ name = "{name}", namespace = local.namespace, labels = local.labels }}
    {rest}
  }}
}}
"""


def blueprint():
    """The objects of `examples/bench.rs`."""
    text = "x" * 400
    blocks = [BLUEPRINT, resource("settings", "v1", "ConfigMap", f'data = {{ level = var.level, text = "{text}" }}')]
    blocks += [resource(f"map{n}", "v1", "ConfigMap", f'data = {{ key = "value", text = "{text}" }}') for n in range(1, 10)]
    blocks += [resource(f"secret{n}", "v1", "Secret", 'data = { key = "aGlkZGVu" }') for n in range(3)]
    blocks += [resource(f"account{n}", "v1", "ServiceAccount", "") for n in range(2)]
    rules = 'rules = [{ apiGroups = [""], resources = ["pods", "services"], verbs = ["get", "list", "watch"] }]'
    blocks += [resource(f"role{n}", "rbac.authorization.k8s.io/v1", "Role", rules) for n in range(2)]
    for n in range(2):
        spec = f'podSelector = {{ matchLabels = {{ app = "a{n}" }} }}, policyTypes = ["Ingress"], ingress = [{{ from = [{{ podSelector = {{}} }}] }}]'
        blocks.append(resource(f"policy{n}", "networking.k8s.io/v1", "NetworkPolicy", f"spec = {{ {spec} }}"))
    return "".join(blocks)


@contextlib.contextmanager
def cluster():
    """A cluster of its own; gone afterwards."""
    child = subprocess.Popen([BENCH, "hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(child.stdout.readline())
    finally:
        child.stdin.close()
        child.wait()


class Side:
    """One of the two that are compared, on a cluster of its own."""

    def __init__(self, name, cluster, directory):
        self.name, self.cluster, self.directory, self.seen = name, cluster, directory, 0

    def step(self, what, command, objects):
        """Runs a command and tells what it took; gives objects a second."""
        env = {"HOME": str(self.directory), "PATH": os.environ["PATH"], "KUBECONFIG": self.cluster["kubeconfig"]}
        before = processor_seconds(self.cluster["pids"])
        start = time.monotonic()
        child = subprocess.Popen(command, cwd=self.directory, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        errors = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - start
        if child.returncode != 0:
            sys.exit(f"{command} ended with {child.returncode}:\n{errors.decode()[-4000:]}")
        server = processor_seconds(self.cluster["pids"]) - before
        calls = " ".join(f"{verb} {count}" for verb, count in sorted(self.calls().items()))
        own, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        rate = objects / wall
        print(f"{self.name:<10}{what:<14}{wall:>8.2f} s{rate:>8.0f}/s{own:>8.2f} s{server:>8.2f} s{memory:>7.0f} MB   {calls}", flush=True)
        return rate

    def calls(self):
        """Requests by verb since the last step."""
        counts = collections.Counter()
        with open(self.cluster["audit"], "rb") as log:
            log.seek(self.seen)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self.seen += len(line)
                event = json.loads(line)
                if event["user"]["username"] == "bench":
                    counts[event["verb"]] += 1
        return counts


def processor_seconds(pids):
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def bare(options, scratch):
    rates = {}
    with cluster() as held:
        side = Side("bare loop", held, scratch)
        command = lambda verb, level: loop(verb, held, "bench", level, options)
        rates["create"] = side.step("create", command("apply", "info"), options.tenants * OBJECTS)
        rates["change"] = side.step("change", command("change", "debug"), options.tenants)
        rates["re-apply"] = side.step("re-apply", command("apply", "debug"), options.tenants * OBJECTS)
    return rates


def fleet(root, prefix, options):
    """Writes a fleet down; gives its tenants, and the command that applies it."""
    (root / "blueprint").mkdir(parents=True)
    (root / "blueprint/main.tf").write_text(blueprint().replace("bench-", f"{prefix}-"))
    tenants = "".join(f'\ntenant "t{n}" {{\n  tier = "t"\n}}\n' for n in range(options.tenants))
    (root / "main.hcl").write_text(ROOT_FILE + tenants)
    return tenants, [BINARY, "apply", "-auto-approve", f"-parallelism={options.in_flight}"]


def loop(verb, held, prefix, level, options):
    return [BENCH, verb, held["kubeconfig"], prefix, level, str(options.tenants), str(options.in_flight)]


def turns(options, scratch):
    ratios, seconds = [], collections.Counter()
    with cluster() as first, cluster() as second:
        bare = Side("bare loop", first, scratch)
        for turn in range(options.turns):
            prefix = f"bench{turn}"
            root = scratch / prefix
            _, apply = fleet(root, prefix, options)
            sides = [(bare, loop("apply", first, prefix, "info", options)), (Side("tenantctl", second, root), apply)]
            rates = {
                side.name: side.step("create", command, options.tenants * OBJECTS)
                for side, command in (sides if turn % 2 else reversed(sides))
            }
            ratios.append(rates["tenantctl"] / rates["bare loop"])
            seconds.update({name: 1 / rate for name, rate in rates.items()})
    told = " ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
    total = seconds["bare loop"] / seconds["tenantctl"]
    print(f"created at {total:.2f} of the bare loop's rate, in the middle {statistics.median(ratios):.2f} (of {told})")


def ours(options, scratch):
    root = scratch / "fleet"
    tenants, apply = fleet(root, "bench", options)
    empty = [BINARY, "plan", "-detailed-exitcode"]
    rates = {}
    with cluster() as held:
        side = Side("tenantctl", held, root)
        rates["create"] = side.step("create", apply, options.tenants * OBJECTS)
        side.step("no-op plan", empty, options.tenants * OBJECTS)
        side.step("one tenant", [*empty, "-tenant=t1"], OBJECTS)
        (root / "main.hcl").write_text((ROOT_FILE + tenants).replace('"info"', '"debug"'))
        rates["change"] = side.step("change", apply, options.tenants)
        side.step("no-op plan", empty, options.tenants * OBJECTS)
    return rates


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tenants", type=int, default=1000)
    arguments.add_argument("--in-flight", type=int, default=32)
    arguments.add_argument("--turns", type=int, default=0)
    options = arguments.parse_args()
    for program in (BINARY, BENCH):
        if not program.exists():
            sys.exit(f"There is no {program}: build it as the top of this file says.")
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'':<24}{'wall':>10}{'objects':>10}{'client':>10}{'server':>10}{'peak':>10}   calls")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        if options.turns:
            turns(options, scratch)
            return
        theirs, rates = bare(options, scratch), ours(options, scratch)
        print(f"created at {rates['create'] / theirs['create']:.2f} of the bare loop's rate")


if __name__ == "__main__":
    main()
